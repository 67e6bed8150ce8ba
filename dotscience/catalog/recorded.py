"""What the runs of a place (see place.py) recorded under a path, or of certain bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from . import tables
from .database import in_parts
from .place import Place, is_used, of_shards

__all__ = ["Recorded", "known_digests", "latest", "recorded", "recorded_of", "recorded_under"]


class Recorded(NamedTuple):
    """A file version that a run read or wrote. The greater one is the later one.

    Attributes:
        when: when it was read or written, in microseconds since the Unix epoch.
        role: `tables.INPUT` or `tables.OUTPUT`: of one moment, a run first reads and then writes.
        run: id of the run.
        workspace: the root of its workspace, or the id of its project.
    """

    when: int
    role: int
    run: str
    path: str
    digest: bytes | None
    size: int | None
    unseen: str | None
    workspace: str


def recorded(place: Place, fits: ColumnElement[bool]) -> list[Recorded]:
    """Every use of file versions that a condition on `versions` (and `uses`) fits."""
    versions, uses, runs = tables.versions.c, tables.uses.c, tables.runs.c
    read = func.coalesce(runs.started, runs.ended, runs.published, 0)
    written = func.coalesce(runs.ended, runs.published, runs.started, 0)
    when = case((uses.role == tables.INPUT, read), else_=written)
    what = (versions.path, versions.digest, versions.size, uses.unseen)
    wanted = (
        select(when, uses.role, runs.id, *what, runs.workspace)
        .join_from(tables.versions, tables.uses, uses.version == versions.key)
        .join(tables.runs, runs.key == uses.run)
        .where(fits, place.scope)
    )
    return place.read(lambda connection: [Recorded(*row) for row in connection.execute(wanted)])


def recorded_under(place: Place, paths: Iterable[str]) -> list[Recorded]:
    """Every use of those paths."""
    here, path = of_shards(tables.versions, place.shards), tables.versions.c.path
    return [one for part in in_parts(paths) for one in recorded(place, and_(here, path.in_(part)))]


def recorded_of(place: Place, digests: Iterable[bytes | None]) -> list[Recorded]:
    """Every use of those bytes, under any path."""
    return [one for part in in_parts(digests) for one in recorded(place, tables.versions.c.digest.in_(part))]


def latest(found: Iterable[Recorded]) -> dict[str, Recorded]:
    """The latest of each path."""
    best: dict[str, Recorded] = {}
    for one in found:
        other = best.get(one.path)
        if other is None or one[:2] > other[:2]:
            best[one.path] = one
    return best


def known_digests(place: Place, digests: Iterable[bytes]) -> set[bytes]:
    """Those digests that some run has read or written."""
    versions = tables.versions
    wanted = select(versions.c.digest).distinct().where(is_used(place))

    def ask(connection: Connection) -> set[bytes]:
        parts = [connection.execute(wanted.where(versions.c.digest.in_(part))) for part in in_parts(digests)]
        return {digest for found in parts for digest in found.scalars() if digest is not None}

    return place.read(ask)
