"""`ds tag`: words by which runs are found again, kept beside the record."""

from __future__ import annotations

import click

from . import words
from .arguments import here, json_option, run_argument
from .printing import print_json, say

__all__ = ["command"]


@click.command("tag")
@run_argument()
@click.argument("tags", nargs=-1, metavar="[TAG]…")
@click.option("--remove", is_flag=True, help="Take the tags away.")
@json_option
def command(run: str, tags: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Tag a run, or say which tags it has.

    A tag is one word. Tags are kept beside the record, which never changes.

    \b
    Example:
      ds tag @latest baseline paper
    """
    from ..catalog.annotate import tag, tags_of
    from ..catalog.find import find_run

    workspace = here()
    _, folder = find_run(run, workspace)
    tag(workspace, folder, tags, remove=remove)
    found = tags_of(folder)
    if as_json:
        print_json({"id": folder.id, "tags": list(found)})
    else:
        said = ", ".join(map(words.clean, found)) or "no tags"
        say(f"{folder.id}: {said}")
