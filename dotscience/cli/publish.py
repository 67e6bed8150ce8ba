"""`ds publish`: makes the record of a run that was left without one."""

from __future__ import annotations

import click

from ..errors import StateError
from .arguments import here, json_option, run_argument
from .printing import print_json, say

__all__ = ["command"]


@click.command("publish")
@run_argument()
@json_option
def command(run: str, as_json: bool) -> None:
    """Make a record of a run whose process ended without publishing it.

    Its outputs are read as they are now, and the record says so. A run that is still in progress is left alone.

    \b
    Example:
      ds publish 7f3c
    """
    from ..catalog.find import find_run
    from ..recorder.publishing import publish_left_behind
    from ..settings import Settings

    workspace = here()
    _, folder = find_run(run, workspace)
    if folder.is_published():
        raise StateError(f"Run {folder.id} is published already; its record never changes.")
    record = publish_left_behind(workspace, folder, Settings(workspace.root))
    if as_json:
        print_json(record.to_json())
    else:
        say(f"{record.id}  published, {record.status}")
