"""The graph run ↔ file version, walked as sets: which runs come from which, across workspaces and projects.

A run that read bytes comes from every run that wrote the same bytes. The empty file is the exception: all empty files are
alike, so there the path and the workspace (or project) must be the same too. No walk goes through runs that a place does not
show.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from . import tables
from .compile import run_in
from .database import in_parts
from .expressions import Related
from .place import Place, is_used, of_shards

__all__ = ["digest_range", "runs_related"]

_DIGEST = re.compile("[0-9a-f]{8,64}")
_RUNS, _USES, _VERSIONS = tables.runs, tables.uses, tables.versions


def digest_range(prefix: str) -> tuple[bytes, bytes] | None:
    """The lowest and the highest digest that begin like that; None when it is no beginning of a digest."""
    if not _DIGEST.fullmatch(prefix):
        return None
    return bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))


def runs_related(
    related: Related, places: Sequence[Place], *, home: Place | None = None
) -> list[Collection[int]]:
    """The runs of each place that a question of lineage fits, by `runs.key`.

    Args:
        home: where a path is looked up: it means every version of the file that was ever recorded under it there. By default
            the first of the places; else a part of that.
    """
    roles = (
        (tables.INPUT, tables.OUTPUT) if related.direction == "upstream" else (tables.OUTPUT, tables.INPUT)
    )
    walks = [_Walk(place, *roles) for place in places]
    digests = walks[0].begin(related.file, home or places[0])
    for walk in walks:
        walk.arrive(digests)
    while any(walk.waiting for walk in walks):
        handed = [walk.advance() for walk in walks]
        if len(walks) > 1:
            for walk in walks:
                walk.arrive(*handed)
    return [walk.reached for walk in walks]


@dataclass
class _Walk:
    """How far the walk has come in one place.

    Attributes:
        near: the role in which a run meets what leads to it; `far`: in which it leads on.
        seen: digests that were looked for here.
    """

    place: Place
    near: int
    far: int
    waiting: set[int] = field(default_factory=set)
    reached: set[int] = field(default_factory=set)
    seen: set[bytes] = field(default_factory=set)

    def begin(self, file: str, home: Place) -> set[bytes]:
        """Wait at the runs that meet the file under that path; the digests that it had, or that begin like that."""
        named = and_(of_shards(_VERSIONS, home.shards), _VERSIONS.c.path == file)
        between = digest_range(file)
        digests = select(_VERSIONS.c.digest).distinct().where(is_used(home))
        found = named if between is None else or_(named, _VERSIONS.c.digest.between(*between))

        def ask(connection: Connection) -> set[bytes]:
            self.waiting.update(connection.execute(self._meeting(named).where(home.scope)).scalars())
            return {digest for digest in connection.execute(digests.where(found)).scalars() if _tells(digest)}

        return self.place.read(ask)

    def arrive(self, *handed: set[bytes]) -> None:
        """Wait at the runs that meet these digests."""
        new = set().union(*handed) - self.seen
        self.seen |= new

        def ask(connection: Connection) -> None:
            for part in in_parts(new):
                self.waiting.update(connection.execute(self._meeting(_VERSIONS.c.digest.in_(part))).scalars())

        if new:
            self.place.read(ask)

    def advance(self) -> set[bytes]:
        """Go on from the waiting runs as far as this catalog leads; the digests to look for in others."""
        start, self.waiting = self.waiting - self.reached, set()

        def ask(connection: Connection) -> set[bytes]:
            new = set(connection.execute(self._closure(start)).scalars()) - self.reached
            self.reached |= new
            leading = select(_VERSIONS.c.digest).distinct().join(_USES, _USES.c.version == _VERSIONS.c.key)
            wanted = leading.where(_USES.c.role == self.far, run_in(new, _USES.c.run))
            return {digest for digest in connection.execute(wanted).scalars() if _tells(digest)}

        return self.place.read(ask) if start else set()

    def _meeting(self, version: ColumnElement[bool]) -> Select[int]:
        joined = select(_USES.c.run).distinct().join(_VERSIONS, _VERSIONS.c.key == _USES.c.version)
        shown = joined.join(_RUNS, _RUNS.c.key == _USES.c.run).where(self.place.scope)
        return shown.where(version, _USES.c.role == self.near)

    def _closure(self, start: Collection[int]) -> Select[int]:
        """These runs and all that they lead to, as `runs.key`."""
        ours = select(_RUNS.c.key.label("run"), _RUNS.c.workspace).where(run_in(start))
        reached = ours.cte("reached", recursive=True)
        far, near, left, found = _USES.alias(), _USES.alias(), _VERSIONS.alias(), _VERSIONS.alias()
        same_file = and_(left.c.path == found.c.path, _RUNS.c.workspace == reached.c.workspace)
        onward = (
            select(_RUNS.c.key, _RUNS.c.workspace)
            .join_from(reached, far, and_(far.c.run == reached.c.run, far.c.role == self.far))
            .join(left, left.c.key == far.c.version)
            .join(found, left.c.digest == found.c.digest)
            .join(near, and_(near.c.version == found.c.key, near.c.role == self.near))
            .join(_RUNS, _RUNS.c.key == near.c.run)
            .where(self.place.scope, or_(left.c.digest != tables.EMPTY, same_file))
        )
        return select(reached.union(onward).c.run)


def _tells(digest: bytes | None) -> bool:
    """Whether a digest says where a file came from."""
    return digest is not None and digest != tables.EMPTY
