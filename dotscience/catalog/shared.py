"""A Hub's catalog: the runs of many projects in one database, and what somebody may see of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Text, func, literal, literal_column, select

from . import tables
from .database import reading, writing
from .place import shard_of
from .texts import escape

__all__ = ["Seen", "SharedCatalog"]

_T = TypeVar("_T")

_FEW = 500
"""Up to so many projects are named one by one; a statement takes some thousand parameters."""


_LONGEST = 1000


@dataclass(frozen=True)
class SharedCatalog:
    """The catalog of a Hub. Its tables are `tables.SHARED`; migrations make them.

    Attributes:
        engine: of `database.open_postgres` or `database.open_shared_sqlite`.

    Example:
        >>> catalog = SharedCatalog(open_shared_sqlite("hub.sqlite"))
        >>> find_runs(catalog.seen_by(["a-project"]), "metric.accuracy > 0.9")
    """

    engine: Engine

    def read(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question that only reads."""
        with reading(self.engine) as connection:
            return question(connection)

    def write(self, work: Callable[[Connection], _T]) -> _T:
        """Do work in one transaction, all of it or nothing, while nobody else writes runs."""
        with writing(self.engine) as connection:
            return work(connection)

    def seen_by(self, projects: Collection[str]) -> Seen:
        """What somebody sees who may view those projects: their runs and nothing else, so of no projects nothing."""
        return Seen(self, tuple(dict.fromkeys(projects)))


@dataclass(frozen=True)
class Seen:
    """A place (see place.py): the runs of some projects of a Hub."""

    catalog: SharedCatalog
    projects: tuple[str, ...]

    @cached_property
    def scope(self) -> ColumnElement[bool]:
        """The run is of one of the projects."""
        if len(self.projects) <= _FEW:
            return tables.runs.c.workspace.in_(self.projects)
        listed = literal(json.dumps([escape(project) for project in self.projects]), Text)
        if self.catalog.engine.dialect.name == "postgresql":
            found = func.json_array_elements_text(listed.op("::")(literal_column("json"))).table_valued(
                "value"
            )
        else:
            found = func.json_each(listed).table_valued("value")
        return tables.runs.c.workspace.in_(select(found.c.value))

    @cached_property
    def shards(self) -> tuple[int, ...]:
        """Those of the projects."""
        return tuple(map(shard_of, self.projects))

    @property
    def longest(self) -> int:
        """Characters of a text that lists of the runs tell: others may have written what takes all memory."""
        return _LONGEST

    def read(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question that only reads."""
        return self.catalog.read(question)
