"""Which run a reference means: an id, a unique prefix of one, or `@latest`."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..errors import AmbiguousError, NotFoundError
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace, known_workspaces

__all__ = ["LATEST", "find_run", "folder_of"]

LATEST = "@latest"
"""Means the run that was started last."""


def find_run(ref: str, workspace: Workspace, *, everywhere: bool = False) -> tuple[Workspace, RunFolder]:
    """The run that is meant, and the workspace it is in. Run folders are looked at, so damaged runs are found too.

    Args:
        everywhere: where this workspace has none, look in every workspace that this user has recorded in.

    Raises:
        NotFoundError, AmbiguousError: no run, or several runs, are meant.

    Example:
        >>> find_run("7f3c", Workspace.find())
        (<Workspace>, RunFolder('/study/.dotscience/runs/7f3c…'))
    """
    if ref == LATEST:
        from .runs import get

        return workspace, workspace.run_folder(get(LATEST, workspace=workspace).id)
    try:
        return workspace, workspace.run_folder(ref)
    except NotFoundError as error:
        if not everywhere:
            raise
        missing = error
    found = list(_elsewhere(ref))
    if not found:
        raise missing
    ids = sorted({folder.id for _, folder in found})
    if len(ids) > 1:
        raise AmbiguousError(
            f"{ref!r} fits runs of several workspaces ({', '.join(ids[:5])}). Give more characters of the id."
        )
    return found[0]


def _elsewhere(ref: str) -> Iterator[tuple[Workspace, RunFolder]]:
    for root in known_workspaces():
        workspace = Workspace(root)
        try:
            yield workspace, workspace.run_folder(ref)
        except NotFoundError:
            continue


def folder_of(run: str, workspace: Workspace) -> RunFolder:
    """The folder of a run whose whole id is known.

    Raises:
        NotFoundError: the workspace has no such run.
    """
    for place in workspace.places:
        folder = RunFolder(os.path.join(place, "runs", run))
        if os.path.isdir(folder.path):
            return folder
    raise NotFoundError(f"No run {run!r} in {workspace.root}. `ds list` shows the runs that are there.")
