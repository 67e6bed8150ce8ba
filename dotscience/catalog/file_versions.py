"""The file versions of a place (see place.py), each with the runs that made and used its bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, case, select

from ..errors import ArgumentError
from . import tables
from .compile import matching
from .graph import digest_range
from .paging import Order, Page, beyond, check_limit, cursor_of, read_cursor
from .patterns import Pattern, glob
from .place import Place, of_shards

__all__ = ["KnownVersion", "file_versions"]

MOST_NAMED = 100
"""Runs that one file version names in each role."""

_RUNS, _USES, _VERSIONS = tables.runs.c, tables.uses.c, tables.versions.c
_SORT = ("path",)
_ORDER: Order = (
    (_VERSIONS.path, False),
    (case((_VERSIONS.digest.is_(None), 1), else_=0), False),
    (_VERSIONS.digest, False),
    (_VERSIONS.shard, False),
)


@dataclass(frozen=True)
class KnownVersion:
    """A file version that runs have read or written.

    Attributes:
        workspace: what the path belongs to: the root of a workspace, or the id of a project.
        digest: sha256, or None where the bytes were not seen.
        size: in bytes.
        made_by, used_by: ids of runs of the place that wrote and read these bytes, under whatever path, newest first, up to 100.
            Empty files are all alike: for them, and where the bytes were not seen, of this path only.
        truncated: there are more such runs.
    """

    workspace: str
    path: str
    digest: str | None
    size: int | None
    made_by: tuple[str, ...]
    used_by: tuple[str, ...]
    truncated: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "made_by": list(self.made_by), "used_by": list(self.used_by)}


def file_versions(
    place: Place,
    *,
    path: str | None = None,
    digest: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Page[KnownVersion]:
    """A page of the file versions that the place's runs have read or written, by path.

    Args:
        path: a glob, as after `in input` in a query; None for all.
        digest: sha256, or its first 8 digits and more; None for all.
        limit: how many rows, 1 to 1000.
        after: `Page.next` of the page before, of the same path and digest.

    Raises:
        ArgumentError: one of the arguments is wrong.

    Example:
        >>> file_versions(catalog.seen_by([project]), path="data/*.csv").rows
    """
    wanted = _wanted(place).limit(check_limit(limit) + 1)
    if path is not None:
        wanted = wanted.where(matching(_VERSIONS.path, _glob(path)))
    if digest is not None:
        wanted = wanted.where(_VERSIONS.digest.between(*_between(digest)))
    if after is not None:
        wanted = wanted.where(beyond(_ORDER, read_cursor(after, _SORT, [_ORDER])[1]))

    def ask(connection: Connection) -> Page[KnownVersion]:
        found = connection.execute(wanted).all()
        rows = [_known(connection, place, row) for row in found[:limit]]
        if len(found) <= limit:
            return Page(rows, None)
        return Page(rows, cursor_of(_SORT, 0, found[limit - 1][-len(_ORDER) :]))

    return place.read(ask)


def _wanted(place: Place) -> Select[Any]:
    """The place's file versions in order, with the values that they are sorted by at the end."""
    home = (
        select(_RUNS.workspace)
        .join(tables.uses, _USES.run == _RUNS.key)
        .where(_USES.version == _VERSIONS.key, place.scope)
        .limit(1)
        .scalar_subquery()
    )
    what = (_VERSIONS.key, home.label("workspace"), _VERSIONS.path, _VERSIONS.digest, _VERSIONS.size)
    columns = [column.label(f"sort_{number}") for number, (column, _) in enumerate(_ORDER)]
    here = (of_shards(tables.versions, place.shards), home.is_not(None))
    return select(*what, *columns).where(*here).order_by(*(column for column, _ in _ORDER))


def _known(connection: Connection, place: Place, row: Row[Any]) -> KnownVersion:
    key, workspace, path, digest, size = tuple(row)[:5]
    met = (
        select(_RUNS.id, _RUNS.started)
        .join(tables.uses, _USES.run == _RUNS.key)
        .join(tables.versions, _VERSIONS.key == _USES.version)
        .where(
            place.scope,
            _VERSIONS.key == key if digest in (None, tables.EMPTY) else _VERSIONS.digest == digest,
        )
        .order_by(_VERSIONS.key.desc(), _USES.run.desc())
        .limit(MOST_NAMED + 1)
    )
    named: list[tuple[str, ...]] = []
    truncated = False
    for role in (tables.OUTPUT, tables.INPUT):
        found = connection.execute(met.where(_USES.role == role)).all()
        truncated = truncated or len(found) > MOST_NAMED
        newest = sorted(found[:MOST_NAMED], key=lambda run: -(run[1] or 0))
        named.append(tuple(dict.fromkeys(run for run, _ in newest)))
    return KnownVersion(
        workspace, path, None if digest is None else digest.hex(), size, named[0], named[1], truncated
    )


def _glob(path: str) -> Pattern:
    try:
        return glob(path)
    except ValueError as error:
        raise ArgumentError(f"{error}.") from None


def _between(digest: str) -> tuple[bytes, bytes]:
    between = digest_range(digest)
    if between is None:
        raise ArgumentError(f"A digest is at least 8 of its digits 0-9 and a-f, not {digest!r}.")
    return between
