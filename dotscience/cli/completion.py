"""`ds completion`: teaches a shell to complete `ds`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .printing import say

__all__ = ["command"]

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print what teaches a shell to complete commands, options, run ids and settings.

    Put it into the shell's start-up file: for bash and zsh as below, for fish
    `ds completion fish > ~/.config/fish/completions/ds.fish`.

    \b
    Example:
      echo 'eval "$(ds completion bash)"' >> ~/.bashrc
    """
    from .main import commands

    kind = get_completion_class(shell)
    assert kind is not None
    completion = kind(commands, {}, "ds", "_DS_COMPLETE")
    say(completion.source_template % completion.source_vars())
