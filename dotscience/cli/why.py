"""`ds why`: where a file came from."""

from __future__ import annotations

import click

from .arguments import json_option
from .lineage import answer, print_why

__all__ = ["command"]


@click.command("why")
@click.argument("file", type=click.Path())
@click.option("here_only", "--here", is_flag=True, help="Only runs of this workspace.")
@click.option("--depth", type=click.IntRange(min=1), help="How many runs to go; by default to the end.")
@json_option
def command(file: str, here_only: bool, depth: int | None, as_json: bool) -> None:
    """Tell where a file came from, back to raw data.

    For each step: the run, its command, the version of its code (for a notebook the cells that ran), its parameters
    and what it read. Says which files have changed since, and what is unknown. FILE is a path, or a sha256 digest or
    its beginning. Files are told by their content, so one that was renamed, moved or copied is found as well, and the
    answer goes through every workspace that you have recorded in.

    \b
    Example:
      ds why models/forest.joblib
    """
    from ..catalog.lineage import why

    answer(why, print_why, file=file, here_only=here_only, depth=depth, as_json=as_json)
