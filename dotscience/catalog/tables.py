"""The tables: the same for a workspace (SQLite) and for a Hub (SQLite or PostgreSQL).

    runs ──┬── values        labels, parameters, metrics
           ├── series        what became of each series of points
           ├── models        registered models
           ├── annotations   tags and notes, in the order they were made
           └── uses ──> versions   which file versions it read and wrote; each version stands once
    folders, scans, problems   what the index has seen of the run folders: in a workspace only

Times are microseconds since the Unix epoch. `runs.workspace` is the root of the workspace, and on a Hub the id of the
project: it decides what may be seen. `shard` stands for it in front of the indexes and decides nothing, see place.py.

Everything here is derived: in a workspace from the run folders, where a change of the tables is a change of `SCHEMA`, upon
which the catalog is made anew; on a Hub from the records that it holds.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import UserDefinedType

from .texts import EscapedText

__all__ = [
    "BY_RUN",
    "EMPTY",
    "INPUT",
    "KINDS",
    "OUTPUT",
    "SCHEMA",
    "SHARED",
    "annotations",
    "exact",
    "folders",
    "metadata",
    "models",
    "problems",
    "runs",
    "scans",
    "series",
    "uses",
    "values",
    "versions",
]

SCHEMA = 3
"""Number of this set of tables."""

KINDS = {"label": 0, "parameter": 1, "metric": 2}
"""`values.kind` by name."""

INPUT, OUTPUT = 0, 1
"""`uses.role`."""

EMPTY = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
"""Digest of every empty file. It says nothing about where a file came from, so lineage matches it by path too."""


class Number(UserDefinedType[float]):
    """An exact integer or a double, never NaN, comparable with each other."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """NUMERIC holds both in every database we use."""
        return "NUMERIC"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """To the database. PostgreSQL would round a double to 15 digits, and compare with it past every index."""
        return _as_decimal if dialect.name == "postgresql" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """From the database."""
        return _from_decimal if dialect.name == "postgresql" else None


def exact(number: float) -> int | float:
    """A number whose shortest decimal is ordered among others, integers too, as the number itself is."""
    return int(number) if isinstance(number, float) and _EVERY_INTEGER <= abs(number) < math.inf else number


def _as_decimal(number: Any) -> Any:
    number = exact(number)
    return Decimal(repr(number)) if isinstance(number, float) else number


def _from_decimal(number: Any) -> Any:
    if not isinstance(number, Decimal):
        return number
    is_integer = number.is_finite() and number == number.to_integral_value() and abs(number) < 1 << 63
    return int(number) if is_integer else float(number)


_EVERY_INTEGER = 2.0**53
"""From here on doubles are integers, and written in fewer digits than those have."""


metadata = MetaData()


def _table(name: str, *columns: Any) -> Table:
    """A table stored in the order of its primary key."""
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


def _key(name: str, kind: Any = Integer) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


runs = Table(
    "runs",
    metadata,
    _key("key"),
    Column("id", EscapedText, nullable=False, unique=True),
    Column("workspace", EscapedText, nullable=False),
    Column("status", EscapedText, nullable=False),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("published", BigInteger),
    Column("duration", Float),  # seconds
    Column("mode", EscapedText),
    Column("workload", EscapedText),
    Column("description", EscapedText),
    Column("error", EscapedText),
    Column("continues", EscapedText),
    Column("command", EscapedText),
    Column("commit", EscapedText),
    Column("dirty", Boolean),
    Column("shard", Integer, nullable=False),
)
Index("runs_by_start", runs.c.shard, runs.c.started, runs.c.key, runs.c.workspace)
Index("runs_by_status", runs.c.shard, runs.c.status, runs.c.key, runs.c.workspace)
Index("runs_by_duration", runs.c.shard, runs.c.duration, runs.c.key, runs.c.workspace)

values = _table(
    "values",
    _key("run"),
    _key("kind", SmallInteger),
    _key("name", EscapedText),
    Column("form", String(1), nullable=False),  # what the plain value is: see rows.py
    Column("text", EscapedText, nullable=False),
    Column("number", Number),  # NULL where it is none, or NaN
    Column("head", EscapedText),  # where there is no number: the beginning of the text, which it is sorted by
    Column("json", EscapedText),  # the plain value where text and form do not tell it
    Column("shard", Integer, nullable=False),
)
Index("values_by_number", values.c.shard, values.c.kind, values.c.name, values.c.number, values.c.run)
Index(
    "values_by_head",
    *(values.c.shard, values.c.kind, values.c.name, values.c.head, values.c.run),
    # On PostgreSQL too, where migrations make it: said here it would load that dialect for every workspace.
    sqlite_where=values.c.head.is_not(None),
)

series = _table(
    "series",
    _key("run"),
    _key("name", EscapedText),
    Column("count", BigInteger),
    Column("last", Number),
    Column("min", Number),
    Column("max", Number),
)

models = _table(
    "models",
    _key("run"),
    _key("name", EscapedText),
    Column("type", EscapedText),
    Column("version", EscapedText),
    Column("path", EscapedText),
    Column("classes", EscapedText),
)

annotations = _table(
    "annotations",
    _key("run"),
    _key("number"),
    Column("kind", String, nullable=False),  # tag or note
    Column("text", EscapedText, nullable=False),
    Column("at", EscapedText, nullable=False),
    Column("author", EscapedText),
)

versions = Table(
    "versions",
    metadata,
    _key("key"),
    Column("path", EscapedText, nullable=False),
    Column("digest", LargeBinary(32)),  # NULL where the bytes were not seen
    Column("size", BigInteger),
    Column("shard", Integer, nullable=False),
)
Index("versions_by_path", versions.c.shard, versions.c.path, versions.c.digest)
Index("versions_by_digest", versions.c.digest)

uses = _table(
    "uses",
    _key("run"),
    _key("role", SmallInteger),
    _key("number"),
    Column("version", Integer, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("unseen", EscapedText),
    Column("changed", EscapedText),
)
Index("uses_by_version", uses.c.version, uses.c.role, uses.c.run)

folders = Table(
    "folders",
    metadata,
    Column("place", EscapedText, nullable=False),
    Column("name", EscapedText, nullable=False),
    Column("stamp", String, nullable=False),  # what it looked like when it was read: see scan.py
    Column("watch", String, nullable=False),
    Column("run", Integer),
    UniqueConstraint("name", "place"),
)
Index("folders_by_watch", folders.c.watch)

scans = Table(
    "scans",
    metadata,
    Column("place", EscapedText, primary_key=True),
    Column("changed", BigInteger, nullable=False),  # modification time of `runs/`, nanoseconds
    Column("began", BigInteger, nullable=False),  # when the scan began, nanoseconds
)

problems = Table(
    "problems",
    metadata,
    Column("place", EscapedText, nullable=False),
    Column("name", EscapedText, nullable=False),
    Column("file", EscapedText, nullable=False),
    Column("field", EscapedText, nullable=False),
    Column("reason", EscapedText, nullable=False),
)

BY_RUN = (values, series, models, annotations, uses)
"""The tables whose rows belong to one run, by their column `run`."""

SHARED = (runs, *BY_RUN, versions)
"""The tables of a Hub's catalog: all but those that say what was seen of run folders."""
