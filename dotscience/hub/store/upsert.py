"""Inserting rows that may be there already, in the way of each database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["insert_or_ignore", "insert_or_update"]


def _insert(connection: Connection, table: Table) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def insert_or_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows that are not there yet; how many those were."""
    if not rows:
        return 0
    if len(rows) == 1:
        one = _insert(connection, table).values(rows[0]).on_conflict_do_nothing()
        # Without the option the count is -1 on PostgreSQL.
        return int(connection.execute(one.execution_options(preserve_rowcount=True)).rowcount)
    connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))
    return len(rows)


def insert_or_update(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a row, or replace what the one of that primary key holds."""
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table).values(row)
    others = {name: value for name, value in row.items() if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))
