"""What questions are asked of: the catalog of a workspace, or what somebody may see of a Hub's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Integer, bindparam, exists, false

from . import tables

__all__ = ["WORKSPACE_SHARD", "Held", "Place", "is_used", "of_shards", "shard_of"]

_T = TypeVar("_T")

WORKSPACE_SHARD = 0
"""The shard of everything in the catalog of a workspace."""


class Place(Protocol):
    """A catalog, or a part of one: every answer comes from the runs in it, and none goes through other runs."""

    @property
    def scope(self) -> ColumnElement[bool]:
        """The condition on `tables.runs` that the place's runs fit."""

    @property
    def shards(self) -> Collection[int]:
        """The shards that its runs, values and file versions are in. Others may be in them too: only `scope` decides."""

    @property
    def longest(self) -> int | None:
        """Characters of a text that lists of its runs tell, None for all: longer ones end with `…` there."""

    def read(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question that only reads."""


@dataclass(frozen=True)
class Held:
    """A place during one question: everything is read over one connection, so from one transaction."""

    place: Place
    connection: Connection

    @property
    def scope(self) -> ColumnElement[bool]:
        """That of the place."""
        return self.place.scope

    @property
    def shards(self) -> Collection[int]:
        """Those of the place."""
        return self.place.shards

    @property
    def longest(self) -> int | None:
        """That of the place."""
        return self.place.longest

    def read(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question that only reads."""
        return question(self.connection)


def shard_of(project: str) -> int:
    """The shard of a project's runs, values and file versions on a Hub: spread evenly over 30 bits.

    Indexes keep what is in one shard together, so that a project is as quick to search as if it were alone there.
    """
    digest = hashlib.sha256(project.encode("utf-8", "surrogatepass")).digest()
    return 1 + (int.from_bytes(digest[:4], "big") >> 2)


def of_shards(table: FromClause, shards: Collection[int]) -> ColumnElement[bool]:
    """A row of `runs`, `values` or `versions` is in one of those shards, by an index."""
    if not shards:
        return false()
    first, *others = shards
    if not others:
        return table.c.shard == first
    return table.c.shard.in_(bindparam(None, list(shards), Integer, expanding=True, literal_execute=True))


def is_used(place: Place) -> ColumnElement[bool]:
    """A row of `versions` was read or written by a run of the place."""
    uses, runs = tables.uses, tables.runs
    return exists().where(uses.c.version == tables.versions.c.key, runs.c.key == uses.c.run, place.scope)
