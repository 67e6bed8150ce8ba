"""The Hub's database: opened, and brought to the tables of this version."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, func, inspect, select, text

from ..catalog.database import open_postgres, open_shared_sqlite
from ..errors import StateError

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["head", "is_current", "migrate", "open_database"]

_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x64735F7363686D61
"""Number of the lock that a migration takes on PostgreSQL: the letters `ds_schma`."""


def open_database(place: str) -> Engine:
    """A PostgreSQL server by its URL, else a SQLite file by its path. Nothing is read or made yet.

    Raises:
        ArgumentError: the URL is none that a Hub can use.
    """
    return open_postgres(place) if "://" in place else open_shared_sqlite(place)


def migrate(engine: Engine) -> None:
    """Bring the tables to this version. Processes that start at once wait for the first of them.

    Raises:
        StateError: the tables are of a newer version.
    """
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        there = _version(connection)
        if there is not None and there > head():
            raise StateError(
                f"The database is of a newer Hub: its tables are {there}, and this version knows {head()}. Upgrade dotscience."
            )
        if there != head():
            from alembic import command  # only now: it takes longer to load than all else of a start

            command.upgrade(configuration(connection), "head")


def is_current(connection: Connection) -> bool:
    """Whether the tables are those of this version."""
    return _version(connection) == head()


@cache
def head() -> str:
    """The latest migration: four digits, with which the name of its file begins."""
    return max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, for a connection whose transaction the caller ends."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("migrations"):
        return None
    found = connection.execute(text("SELECT version_num FROM migrations")).scalar()
    return None if found is None else str(found)
