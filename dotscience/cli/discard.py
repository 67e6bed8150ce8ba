"""`ds discard`: drops runs that were never published."""

from __future__ import annotations

import sys

import click

from . import words
from .arguments import here, json_option, run_argument
from .exits import NO
from .printing import print_json, say, warn

__all__ = ["command"]


@click.command("discard")
@run_argument("refs", nargs=-1, required=True, metavar="RUN…")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(refs: tuple[str, ...], yes: bool, as_json: bool) -> int:
    """Drop runs that were never published, for good.

    A published run is permanent, and a run in progress belongs to its process: both are refused, and then nothing is
    dropped.

    \b
    Example:
      ds discard 7f3c --yes
    """
    from ..catalog.discard import discard, discardable
    from ..catalog.find import find_run

    workspace = here()
    folders = [find_run(ref, workspace)[1] for ref in refs]
    states = discardable(folders)
    if not yes:
        for state in states:
            description = f"  {words.clean(state.description)}" if state.description else ""
            click.echo(f"{state.id}  {state.status}{description}", err=True)
        if not sys.stdin.isatty():
            warn("nothing was dropped: say --yes where nobody can be asked.")
            return NO
        click.confirm(f"Drop {words.count(len(states), 'run')} for good?", abort=True, err=True)
    discard(workspace, folders)
    if as_json:
        print_json({"discarded": [state.id for state in states]})
    else:
        for state in states:
            say(f"{state.id}  dropped")
    return 0
