"""`ds note`: a text that is kept beside a run's record."""

from __future__ import annotations

import click

from .arguments import here, json_option, run_argument
from .printing import print_json, say

__all__ = ["command"]


@click.command("note")
@run_argument()
@click.argument("text")
@json_option
def command(run: str, text: str, as_json: bool) -> None:
    """Add a note to a run.

    Notes are kept beside the record, which never changes, with your name and the time. `ds show` shows them.

    \b
    Example:
      ds note @latest "The validation set was still the old one."
    """
    from ..catalog.annotate import note
    from ..catalog.find import find_run

    workspace = here()
    _, folder = find_run(run, workspace)
    written = note(workspace, folder, text)
    if as_json:
        print_json({"id": folder.id, **written})
    else:
        say(f"{folder.id}: noted")
