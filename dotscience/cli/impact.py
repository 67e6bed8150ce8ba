"""`ds impact`: what was made from a file."""

from __future__ import annotations

import click

from .arguments import json_option
from .lineage import answer, print_impact

__all__ = ["command"]


@click.command("impact")
@click.argument("file", type=click.Path())
@click.option("here_only", "--here", is_flag=True, help="Only runs of this workspace.")
@click.option("--depth", type=click.IntRange(min=1), help="How many runs to go; by default to the end.")
@json_option
def command(file: str, here_only: bool, depth: int | None, as_json: bool) -> None:
    """Tell everything that was made from a file.

    The runs that read it, what they made, the runs that read that, and so on. FILE is a path, or a sha256 digest or
    its beginning. Files are told by their content, and the answer goes through every workspace that you have recorded
    in.

    \b
    Example:
      ds impact data/raw.csv
    """
    from ..catalog.lineage import impact

    answer(impact, print_impact, file=file, here_only=here_only, depth=depth, as_json=as_json)
