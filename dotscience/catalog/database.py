"""The one place that knows which database it talks to; everything else says it through SQLAlchemy.

A workspace's SQLite file uses the rollback journal, not WAL: WAL needs shared memory, which the network file systems that
cluster nodes share do not give. A Hub's lies on one machine and uses WAL, so that readers never wait for the writer. Writers
take turns and wait for each other; nobody is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Engine, Index, Table, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError as SQLArgumentError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool
from sqlalchemy.schema import CreateIndex, DropIndex

from ..errors import ArgumentError
from . import tables
from .fitting import fits

__all__ = [
    "build_indexes",
    "drop_indexes",
    "find_versions",
    "in_parts",
    "insert_many",
    "is_fresh",
    "is_full",
    "is_orphan",
    "is_transient",
    "make_tables",
    "open_postgres",
    "open_shared_sqlite",
    "open_sqlite",
    "reading",
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


_SQLITE = {"cache_size": f"-{_CACHE}", "synchronous": "NORMAL"}
_SHARED_SQLITE = {
    "cache_size": f"-{_CACHE}",
    "journal_mode": "WAL",
    "synchronous": "FULL",  # what is committed survives a loss of power, in WAL too
    "foreign_keys": "ON",
    "wal_autocheckpoint": "16000",  # pages, 64 MB: small transactions touch many, most of them again and again
}
_POSTGRES = "-c jit=off -c plan_cache_mode=force_custom_plan"
"""Compiling a statement takes longer than running it, and a plan for any value is a bad one for a rare value."""

_LOCK = 0x64735F72756E73
"""Number of the lock that writers take on PostgreSQL: the letters `ds_runs`."""

_AGAIN = ("08", "40", "53300", "53400", "55P03", "57P")
"""Beginnings of the SQLSTATEs that mean: not now."""


def open_sqlite(path: str | None) -> Engine:
    """A workspace's database: that file, or with None one in memory. Nothing is read or made yet."""
    pool = {"poolclass": QueuePool} if path else {"poolclass": StaticPool}
    return _open_sqlite(path or ":memory:", _SQLITE, pool)


def open_shared_sqlite(path: str) -> Engine:
    """A Hub's database in a file of this machine, for any number of threads and processes. Nothing is read or made yet."""
    pool = {"poolclass": QueuePool, "pool_size": 10, "max_overflow": 30, "pool_timeout": PATIENCE}
    return _open_sqlite(path, _SHARED_SQLITE, pool)


def open_postgres(url: str) -> Engine:
    """A Hub's database on a PostgreSQL server (14 or newer); connections that broke are replaced before they are used.

    Args:
        url: such as `postgresql://user:password@host/database`.

    Raises:
        ArgumentError: the URL is not one of PostgreSQL.
    """
    try:
        address = make_url(url)
    except SQLArgumentError:
        raise ArgumentError(_NO_URL) from None
    if address.get_backend_name() not in ("postgresql", "postgres"):
        raise ArgumentError(_NO_URL)
    given = address.query.get("options", "")
    options = {"options": f"{_POSTGRES} {given if isinstance(given, str) else ' '.join(given)}".strip()}
    address = address.set(drivername="postgresql+psycopg").difference_update_query(["options"])
    return create_engine(
        address,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=30,
        connect_args={"connect_timeout": 10, **options},
    )


_NO_URL = "The database of a Hub is named by a URL such as postgresql://user:password@host/database."


def _open_sqlite(path: str, pragmas: Mapping[str, str], pool: Mapping[str, Any]) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            for name, value in pragmas.items():
                connection.execute(f"PRAGMA {name} = {value}")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, **pool)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "connect", _add_functions)
    return engine


def _add_functions(connection: Any, _: object) -> None:
    # In place of the one that SQLAlchemy has just added, which some patterns would keep busy for ever.
    connection.create_function("regexp", 2, fits, deterministic=True)


def _begin(connection: Connection) -> None:
    # The driver would begin with the first change only: what was read before could be outdated by then.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and sees one moment from its beginning to its end: keys of runs are used again."""
    # PostgreSQL sees what others have changed with every statement, unless it is told.
    is_postgres = engine.dialect.name == "postgresql"
    options = {"isolation_level": "REPEATABLE READ"} if is_postgres else {}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes something, one at a time: nobody else's change is seen from its beginning to its end."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":  # SQLite has its own lock, by `writes`
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield connection


def is_transient(error: BaseException) -> bool:
    """Whether the database says: not now. The same transaction may succeed when it is tried again."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # the server could not be asked
        return isinstance(error, OperationalError)
    return str(state).startswith(_AGAIN)


def is_full(error: BaseException) -> bool:
    """Whether the database says that its disk is full."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state == "53100" or (isinstance(error.orig, sqlite3.Error) and "disk is full" in str(error.orig))


def is_orphan(error: BaseException) -> bool:
    """Whether the database says that something is gone to which a new row belongs."""
    if not isinstance(error, IntegrityError):
        return False
    return getattr(error.orig, "sqlstate", None) == "23503" or "FOREIGN KEY" in str(error.orig)


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
    quote = connection.dialect.identifier_preparer.quote
    into = f"INSERT INTO {quote(table.name)} ({', '.join(quote(column.name) for column in table.columns)})"
    if connection.dialect.name == "postgresql":
        kinds = [column.type.compile(connection.dialect).partition(" ")[0] for column in table.columns]
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
        columns = zip(table.columns, zip(*rows, strict=True), strict=True)
        connection.exec_driver_sql(
            f"{into} SELECT * FROM unnest({arrays})",
            tuple(_array(column, items) for column, items in columns),
        )
    else:
        connection.exec_driver_sql(f"{into} VALUES ({', '.join('?' * len(table.columns))})", rows)


def _array(column: Column[Any], items: Iterable[Any]) -> list[Any]:
    """A column's values as PostgreSQL takes them at once: numbers of several types as their texts."""
    if isinstance(column.type, tables.Number):
        return [None if item is None else repr(tables.exact(item)) for item in items]
    return list(items)


def find_versions(
    connection: Connection, shard: int, wanted: Iterable[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes, int]]:
    """The rows of `versions` with those paths (escaped, as they are returned) and digests.

    Neither database looks for pairs by an index unless it is led by the hand.
    """
    names = "SELECT versions.path, versions.digest, versions.key FROM"
    same = "versions.shard = {} AND versions.path = wanted.path AND versions.digest = wanted.digest"
    for part in in_parts(wanted, _AT_ONCE // 2 - 1):
        if connection.dialect.name == "postgresql":
            pairs = "unnest(%s::varchar[], %s::bytea[]) AS wanted (path, digest)"
            columns = [list(column) for column in zip(*part, strict=True)]
            found = connection.exec_driver_sql(
                f"{names} {pairs} JOIN versions ON {same.format('%s')}", (*columns, shard)
            )
        else:
            pairs = f"WITH wanted (path, digest) AS (VALUES {', '.join(['(?, ?)'] * len(part))})"
            found = connection.exec_driver_sql(
                f"{pairs} {names} wanted CROSS JOIN versions WHERE {same.format('?')}",
                (*(item for pair in part for item in pair), shard),
            )
        yield from ((row[0], row[1], row[2]) for row in found)


def in_parts(items: Iterable[_T], size: int = _AT_ONCE) -> Iterator[list[_T]]:
    """Items in lists that one `IN (…)` can hold."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
