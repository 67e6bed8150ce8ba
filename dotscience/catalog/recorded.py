"""What the runs of one catalog recorded under a path, or of certain bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from . import tables
from .catalog import Catalog
from .database import in_parts

__all__ = ["Recorded", "known_digests", "latest", "recorded", "recorded_under"]


class Recorded(NamedTuple):
    """A file version that a run read or wrote. The greater one is the later one.

    Attributes:
        when: when it was read or written, in microseconds since the Unix epoch.
        role: `tables.INPUT` or `tables.OUTPUT`: of one moment, a run first reads and then writes.
        run: id of the run.
    """

    when: int
    role: int
    run: str
    path: str
    digest: bytes | None
    size: int | None
    unseen: str | None


def recorded(catalog: Catalog, fits: ColumnElement[bool]) -> list[Recorded]:
    """Every use of file versions that a condition on `versions` (and `uses`) fits."""
    versions, uses, runs = tables.versions.c, tables.uses.c, tables.runs.c
    read = func.coalesce(runs.started, runs.ended, runs.published, 0)
    written = func.coalesce(runs.ended, runs.published, runs.started, 0)
    when = case((uses.role == tables.INPUT, read), else_=written)
    wanted = (
        select(when, uses.role, runs.id, versions.path, versions.digest, versions.size, uses.unseen)
        .join_from(tables.versions, tables.uses, uses.version == versions.key)
        .join(tables.runs, runs.key == uses.run)
        .where(fits)
    )
    return catalog.read(lambda connection: [Recorded(*row) for row in connection.execute(wanted)])


def recorded_under(catalog: Catalog, paths: Iterable[str]) -> list[Recorded]:
    """Every use of those paths."""
    return [one for part in in_parts(paths) for one in recorded(catalog, tables.versions.c.path.in_(part))]


def latest(found: Iterable[Recorded]) -> dict[str, Recorded]:
    """The latest of each path."""
    best: dict[str, Recorded] = {}
    for one in found:
        other = best.get(one.path)
        if other is None or one[:2] > other[:2]:
            best[one.path] = one
    return best


def known_digests(catalog: Catalog, digests: Iterable[bytes]) -> set[bytes]:
    """Those digests that some run has read or written."""
    versions, uses = tables.versions, tables.uses
    wanted = select(versions.c.digest).distinct().join(uses, uses.c.version == versions.c.key)

    def ask(connection: Connection) -> set[bytes]:
        parts = [connection.execute(wanted.where(versions.c.digest.in_(part))) for part in in_parts(digests)]
        return {digest for found in parts for digest in found.scalars() if digest is not None}

    return catalog.read(ask)
