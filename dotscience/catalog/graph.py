"""The graph run ↔ file version, walked as sets: which runs come from which, across workspaces.

A run that read bytes comes from every run that wrote the same bytes. The empty file is the exception: all empty files are
alike, so there the path must be the same too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, or_, select

from . import tables
from .catalog import Catalog
from .compile import run_in
from .database import in_parts
from .expressions import Related

__all__ = ["digest_range", "runs_related", "same_bytes"]

_DIGEST = re.compile("[0-9a-f]{8,64}")
_RUNS, _USES, _VERSIONS = tables.runs, tables.uses, tables.versions


def digest_range(prefix: str) -> tuple[bytes, bytes] | None:
    """The lowest and the highest digest that begin like that; None when it is no beginning of a digest."""
    if not _DIGEST.fullmatch(prefix):
        return None
    return bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))


def same_bytes(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Two rows of `versions` are the same bytes, and that says something."""
    telling = or_(one.c.digest != tables.EMPTY, one.c.path == other.c.path)
    return and_(one.c.digest == other.c.digest, telling)


def runs_related(related: Related, catalogs: Sequence[Catalog]) -> list[Collection[int]]:
    """The runs of each catalog that a question of lineage fits, by `runs.key`.

    A path means every version of the file that was ever recorded under it in the workspace of the first catalog.
    """
    roles = (
        (tables.INPUT, tables.OUTPUT) if related.direction == "upstream" else (tables.OUTPUT, tables.INPUT)
    )
    places = [_Place(catalog, *roles) for catalog in catalogs]
    digests = places[0].begin(related.file)
    for place in places:
        place.arrive(digests)
    while any(place.waiting for place in places):
        handed = [place.advance() for place in places]
        if len(places) > 1:
            for place in places:
                place.arrive(*handed)
    return [place.reached for place in places]


@dataclass
class _Place:
    """How far the walk has come in one catalog.

    Attributes:
        near: the role in which a run meets what leads to it; `far`: in which it leads on.
        seen: digests that were looked for here.
    """

    catalog: Catalog
    near: int
    far: int
    waiting: set[int] = field(default_factory=set)
    reached: set[int] = field(default_factory=set)
    seen: set[bytes] = field(default_factory=set)

    def begin(self, file: str) -> set[bytes]:
        """Wait at the runs that meet the file under that path; the digests that it had, or that begin like that."""
        named = _VERSIONS.c.path == file
        between = digest_range(file)
        digests = select(_VERSIONS.c.digest).distinct()
        found = named if between is None else or_(named, _VERSIONS.c.digest.between(*between))

        def ask(connection: Connection) -> set[bytes]:
            self.waiting.update(connection.execute(self._meeting(named)).scalars())
            return {digest for digest in connection.execute(digests.where(found)).scalars() if _tells(digest)}

        return self.catalog.read(ask)

    def arrive(self, *handed: set[bytes]) -> None:
        """Wait at the runs that meet these digests."""
        new = set().union(*handed) - self.seen
        self.seen |= new

        def ask(connection: Connection) -> None:
            for part in in_parts(new):
                self.waiting.update(connection.execute(self._meeting(_VERSIONS.c.digest.in_(part))).scalars())

        if new:
            self.catalog.read(ask)

    def advance(self) -> set[bytes]:
        """Go on from the waiting runs as far as this catalog leads; the digests to look for in others."""
        start, self.waiting = self.waiting - self.reached, set()

        def ask(connection: Connection) -> set[bytes]:
            new = set(connection.execute(self._closure(start)).scalars()) - self.reached
            self.reached |= new
            leading = select(_VERSIONS.c.digest).distinct().join(_USES, _USES.c.version == _VERSIONS.c.key)
            wanted = leading.where(_USES.c.role == self.far, run_in(new, _USES.c.run))
            return {digest for digest in connection.execute(wanted).scalars() if _tells(digest)}

        return self.catalog.read(ask) if start else set()

    def _meeting(self, version: ColumnElement[bool]) -> Select[int]:
        joined = select(_USES.c.run).distinct().join(_VERSIONS, _VERSIONS.c.key == _USES.c.version)
        return joined.where(version, _USES.c.role == self.near)

    def _closure(self, start: Collection[int]) -> Select[int]:
        """These runs and all that they lead to, as `runs.key`."""
        reached = select(_RUNS.c.key.label("run")).where(run_in(start)).cte("reached", recursive=True)
        far, near, left, found = _USES.alias(), _USES.alias(), _VERSIONS.alias(), _VERSIONS.alias()
        onward = (
            select(near.c.run)
            .join_from(reached, far, and_(far.c.run == reached.c.run, far.c.role == self.far))
            .join(left, left.c.key == far.c.version)
            .join(found, same_bytes(left, found))
            .join(near, and_(near.c.version == found.c.key, near.c.role == self.near))
        )
        return select(reached.union(onward).c.run)


def _tells(digest: bytes | None) -> bool:
    """Whether a digest says where a file came from."""
    return digest is not None and digest != tables.EMPTY
