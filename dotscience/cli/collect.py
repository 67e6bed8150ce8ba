"""`ds collect`: records out of the run blocks in notebooks and logs."""

from __future__ import annotations

import click

from . import words
from .arguments import here, json_option
from .exits import NO
from .printing import print_json, say

__all__ = ["command"]


@click.command("collect")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path())
@json_option
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Make records of the run blocks in notebooks (.ipynb) and in logs or any other text.

    For work that was recorded elsewhere, or by a library that only prints. A block names files and says nothing of
    what they held, and neither does its record. A run that is here already is left alone. The exit code is 1 where a
    block could not be used.

    \b
    Example:
      ds collect analysis.ipynb train.log
    """
    from ..catalog.collect import Collected, collect

    workspace = here()
    collected: list[Collected] = []
    for file in files:
        for block in collect(file, workspace):
            collected.append(block)
            if not as_json:
                reason = f": {block.reason}" if block.reason else ""
                say(
                    f"{words.clean(block.run)}  {block.outcome}{words.clean(reason)}  {words.value(block.source)}"
                )
    if as_json:
        print_json([block.to_json() for block in collected])
    elif not collected:
        say(f"No run blocks in {words.count(len(files), 'file')}.")
    return NO if any(block.outcome == "unusable" for block in collected) else 0
