"""Lineage: which runs and files a file came from, and what was made from it.

Run and file version are joined by digest, so the answer survives renaming, moving and copying a file, and crosses
workspaces and projects.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from ..errors import ArgumentError, NotFoundError
from . import tables
from .catalog import Where, catalogs
from .disk import STATES, Disk, NoDisk
from .index import Progress
from .place import Held, Place
from .steps import File, Lineage, Step
from .targets import Target, find_targets, target_of_digest, targets_under
from .tracing import trace, trace_run

__all__ = [
    "STATES",
    "File",
    "Lineage",
    "Step",
    "impact",
    "lineage_of_digest",
    "lineage_of_path",
    "lineage_of_run",
    "why",
]

MOST_RUNS = 1000
"""A Hub's answer goes no further; a file that all runs of a project read would lead to all of them."""

_ROLES = {"up": tables.OUTPUT, "down": tables.INPUT}


def _role(direction: str) -> int:
    if direction not in _ROLES:
        raise ArgumentError(f"A direction is `up` or `down`, not {direction!r}.")
    return _ROLES[direction]


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


def lineage_of_digest(
    place: Place, digest: str, *, direction: str = "up", depth: int | None = None, most: int = MOST_RUNS
) -> Lineage:
    """Where the bytes of that digest came from, or what was made from them, as far as a place shows it.

    Args:
        digest: sha256, or its first 8 digits and more.
        direction: `up` to raw data, or `down` to everything made from it.
        depth: how many runs to go; None for all.
        most: how many runs to visit.

    Raises:
        ArgumentError: the direction is neither.
        NotFoundError: no run of the place has read or written that.
        AmbiguousError: several contents start with it.
    """
    return _from_files(
        place,
        digest,
        lambda held: target_of_digest(digest, [held], NoDisk()),
        direction=direction,
        depth=depth,
        most=most,
    )


def lineage_of_path(
    place: Place,
    home: Place,
    path: str,
    *,
    direction: str = "up",
    depth: int | None = None,
    most: int = MOST_RUNS,
) -> Lineage:
    """The lineage of the latest version of a path, or of each path below it. Arguments and errors as for `lineage_of_digest`.

    Args:
        home: where the path is looked up: the project that it belongs to, a part of the place.
        path: as recorded.
    """

    def look_up(held: Held) -> list[Target]:
        return targets_under(path, Held(home, held.connection), NoDisk())

    return _from_files(place, path, look_up, direction=direction, depth=depth, most=most)


def lineage_of_run(
    place: Place, run: str, *, direction: str = "up", depth: int | None = None, most: int = MOST_RUNS
) -> Lineage:
    """The lineage of all that a run wrote, the run itself being the nearest step: `up` goes on to what made its inputs, `down`
    to what was made from its outputs. Arguments as for `lineage_of_digest`.

    Args:
        run: its whole id.

    Raises:
        NotFoundError: the place has no such run.
    """
    role, runs = _role(direction), tables.runs.c

    def ask(connection: Connection) -> Lineage:
        key = connection.execute(select(runs.key).where(place.scope, runs.id == run)).scalar()
        if key is None:
            raise NotFoundError(f"There is no run {run!r}.")
        return trace_run(run, key, Held(place, connection), NoDisk(), role, depth=depth, most=most)

    return place.read(ask)


def _from_files(
    place: Place,
    asked: str,
    look_up: Callable[[Held], list[Target]],
    *,
    direction: str,
    depth: int | None,
    most: int,
) -> Lineage:
    role = _role(direction)

    def ask(connection: Connection) -> Lineage:
        held = Held(place, connection)
        targets = look_up(held)
        if not targets:
            raise NotFoundError(f"No run has read or written {asked}.")
        return trace(targets, [held], NoDisk(), role, asked=asked, depth=depth, most=most)

    return place.read(ask)
