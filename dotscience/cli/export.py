"""`ds export`: a run's record for other programs."""

from __future__ import annotations

import json

import click

from .arguments import here, run_argument
from .printing import print_json, say

__all__ = ["command"]


@click.command("export")
@run_argument()
@click.option("--block", is_flag=True, help="Print the run block, version 1, that other tools parse.")
def command(run: str, block: bool) -> None:
    """Print a run's record as JSON, with its seal.

    \b
    Example:
      ds export @latest > record.json
    """
    from ..catalog.find import find_run
    from ..records.block import block_metadata, block_text

    _, folder = find_run(run, here(), everywhere=True)
    record = folder.read_record()
    if block:
        say(block_text(record.id, block_metadata(record)))
    else:
        print_json(json.loads(record.to_bytes()))
