"""Lineage: which runs and files a file came from, and what was made from it.

Run and file version are joined by digest, so the answer survives renaming, moving and copying a file, and crosses
workspaces.
"""

from __future__ import annotations

from . import tables
from .catalog import Where, catalogs
from .disk import STATES, Disk
from .index import Progress
from .steps import File, Lineage, Step
from .targets import find_targets
from .tracing import trace

__all__ = ["STATES", "File", "Lineage", "Step", "impact", "why"]


def why(
    file: str,
    *,
    here: bool = False,
    depth: int | None = None,
    workspace: Where = None,
    progress: Progress | None = None,
) -> Lineage:
    """The runs and files that a file came from, back to raw data.

    Args:
        file: a path on disk (file or directory), a path as recorded, or a sha256 digest (or its first 8 digits and more).
        here: only this workspace; otherwise every workspace that this user has recorded in.
        depth: how many runs to go back; None for all.
        workspace: a folder of the workspace, by default the current directory.
        progress: called with how many bytes of the files on disk were read, and how many there are.

    Raises:
        NotFoundError: no run has read or written that file.
        AmbiguousError: several contents start with that digest.
    """
    return _lineage(file, tables.OUTPUT, here, depth, workspace=workspace, progress=progress)


def impact(
    file: str,
    *,
    here: bool = False,
    depth: int | None = None,
    workspace: Where = None,
    progress: Progress | None = None,
) -> Lineage:
    """The runs that used a file and everything made from it. Arguments and errors as for `why`."""
    return _lineage(file, tables.INPUT, here, depth, workspace=workspace, progress=progress)


def _lineage(
    file: str, role: int, here: bool, depth: int | None, *, workspace: Where, progress: Progress | None
) -> Lineage:
    places, disk = catalogs(workspace, everywhere=not here), Disk(progress)
    try:
        targets = find_targets(file, places, disk)
        return trace(targets, places, disk, role, asked=file, depth=depth)
    finally:
        disk.save()
