"""`ds init`: says where a workspace begins."""

from __future__ import annotations

import os

import click

from ..storage.workspace import Workspace
from . import words
from .arguments import json_option
from .printing import print_json, say

__all__ = ["command"]


@click.command("init")
@click.argument("folder", required=False, default=".", metavar="[DIR]", type=click.Path(file_okay=False))
@json_option
def command(folder: str, as_json: bool) -> None:
    """Make a folder the root of a workspace: the current one, or DIR.

    Without this the root is the folder in which the first run is recorded. Everything below the root belongs to the
    workspace, whichever folder a script is started in.

    \b
    Example:
      ds init
    """
    from ..errors import UnwritableError

    workspace = Workspace(folder)
    is_new = not os.path.isdir(workspace.home)
    above = Workspace.find(os.path.dirname(workspace.root), environ={})
    place = workspace.prepare()
    if place != workspace.home:
        raise UnwritableError(workspace.root, "no permission")
    if as_json:
        print_json({"root": workspace.root, "home": workspace.home, "is_new": is_new})
        return
    say(f"{'Made' if is_new else 'It is already'} a workspace: {words.clean(workspace.root)}")
    if is_new and os.path.isdir(above.home):
        say(f"It lies inside the workspace {words.clean(above.root)}, and is one of its own from now on.")
