"""The one place that knows which database it talks to; everything else says it through SQLAlchemy.

A workspace's SQLite file uses the rollback journal, not WAL: WAL needs shared memory, which the network file systems that
cluster nodes share do not give. Writers take turns and wait for each other; nobody is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Index, Table, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool
from sqlalchemy.schema import CreateIndex, DropIndex

from . import tables

__all__ = [
    "build_indexes",
    "drop_indexes",
    "in_parts",
    "insert_many",
    "is_fresh",
    "make_tables",
    "open_sqlite",
    "writing",
]

_T = TypeVar("_T")

PATIENCE = 60.0
"""Seconds that a reader or writer waits for another writer."""

_CACHE = 64 * 1024
"""Kibibytes of pages that a connection holds."""

_AT_ONCE = 500
"""Values in one `IN (…)`: old SQLites take a thousand parameters."""

LATE: tuple[Index, ...] = tuple(
    index for table in (tables.versions, tables.uses, tables.values) for index in table.indexes
)
"""Indexes that are made faster after a large import than during it."""


def open_sqlite(path: str | None) -> Engine:
    """A workspace's database: that file, or with None one in memory. Nothing is read or made yet."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path or ":memory:", timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA cache_size = -{_CACHE}")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool if path else StaticPool)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    # The driver would begin with the first change only: what was read before could be outdated by then.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees no change but its own from its beginning to its end."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("LOCK TABLE scans IN EXCLUSIVE MODE")
        yield connection


def is_fresh(connection: Connection) -> bool:
    """Whether a SQLite file holds the tables of this version."""
    return connection.exec_driver_sql("PRAGMA user_version").scalar() == tables.SCHEMA


def make_tables(connection: Connection) -> None:
    """Make a SQLite file's tables anew, empty, whatever it held before."""
    names = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    for name in names.scalars().all():
        quoted = name.replace('"', '""')
        connection.exec_driver_sql(f'DROP TABLE "{quoted}"')
    tables.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(f"PRAGMA user_version = {tables.SCHEMA}")


def drop_indexes(connection: Connection) -> None:
    """Before a large import into empty tables."""
    for index in LATE:
        connection.execute(DropIndex(index, if_exists=True))


def build_indexes(connection: Connection) -> None:
    """Make what `drop_indexes` dropped, where it is missing."""
    for index in LATE:
        connection.execute(CreateIndex(index, if_not_exists=True))


def insert_many(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, given as the database holds them (texts escaped) and in the order of the table's columns.

    A million rows are the normal case: this hands them to the driver as they are, four times faster than
    through an insert expression.
    """
    if not rows:
        return
    dialect = connection.dialect
    quote = dialect.identifier_preparer.quote
    places = ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * len(table.columns))
    columns = ", ".join(quote(column.name) for column in table.columns)
    connection.exec_driver_sql(f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({places})", rows)


def in_parts(items: Iterable[_T]) -> Iterator[list[_T]]:
    """Items in lists that one `IN (…)` can hold."""
    rest = iter(items)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
