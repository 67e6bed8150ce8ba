"""Some columns of many runs, as charts draw them: not the runs as a whole, which hold far more."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from ..errors import ArgumentError, QueryError
from ..records.times import iso
from . import tables
from .database import in_parts
from .expressions import TIME, Field, Operand
from .listing import fitting
from .ordering import parts_of
from .place import Held, Place
from .query import parse_sort
from .rows import from_micros

__all__ = ["MOST_RUNS", "Columns", "name_of", "parse_column", "read_columns"]

MOST_RUNS = 5000
"""In one chart."""

_LONGEST_TEXT = 200
_SURROGATE = re.compile("[\ud800-\udfff]")
_RUNS = tables.runs.c


@dataclass(frozen=True)
class Columns:
    """Columns of runs, the latest run first.

    Attributes:
        runs: ids.
        values: one list for each column, as long as `runs`. Numbers, truth values, texts (cut where they are long), times in
            ISO 8601; None where a run has no such value. What is no finite number is a text.
        is_complete: whether there are no more runs than these.
    """

    runs: list[str]
    values: list[list[Any]]
    is_complete: bool


def parse_column(name: str) -> Operand:
    """The column of that name: `duration`, `metric.accuracy`, `parameter["n-trees"]`.

    Raises:
        QueryError: there is none.
    """
    ((operand, downwards),) = parse_sort(name)
    if downwards:
        raise QueryError("A column has no sign.", name, 0)
    return operand


def name_of(operand: Operand) -> str:
    """How a query says it: inverse of `parse_column`.

    Example:
        >>> name_of(Value("metric", "val.loss"))
        'metric["val.loss"]'
    """
    if isinstance(operand, Field):
        return operand.name
    name = operand.name
    if name.isascii() and name.isidentifier() and not iskeyword(name) and not name.startswith("__"):
        return f"{operand.kind}.{name}"
    quoted = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(name, ensure_ascii=False))
    return f"{operand.kind}[{quoted}]"


def read_columns(
    place: Place, columns: Sequence[Operand], query: str | None = None, limit: int = MOST_RUNS
) -> Columns:
    """Columns of the latest runs that a query fits.

    Args:
        query: as for `find_runs`.
        limit: the most runs, up to `MOST_RUNS`.

    Raises:
        QueryError: the query is wrong.
        ArgumentError: `limit` is.
    """
    if not 1 <= limit <= MOST_RUNS:
        raise ArgumentError(f"A chart shows 1 to {MOST_RUNS} runs, not {limit!r}.")

    def ask(connection: Connection) -> Columns:
        found = _latest(Held(place, connection), query, columns, limit + 1)
        shown = found[:limit]
        values = [_column(connection, shown, column) for column in columns]
        return Columns([row["id"] for row in shown], values, len(found) <= limit)

    return place.read(ask)


def _latest(place: Held, query: str | None, columns: Sequence[Operand], limit: int) -> list[RowMapping]:
    """Rows of `runs`, the latest first, as far as the columns need them."""
    fits, found = fitting(place, query, None), list[RowMapping]()
    fields = {"key", "id", *(column.name for column in columns if isinstance(column, Field))}
    needed = [_RUNS[name] for name in sorted(fields)]
    for part in parts_of((), place.shards):
        statement = (
            part.ordered().with_only_columns(*needed).where(place.scope, fits).limit(limit - len(found))
        )
        found += place.connection.execute(statement).mappings()
        if len(found) == limit:
            break
    return found


def _column(connection: Connection, shown: Sequence[RowMapping], column: Operand) -> list[Any]:
    if isinstance(column, Field):
        return [_field(column, row[column.name]) for row in shown]
    table, having = tables.values.c, dict[int, Any]()
    text = func.substr(table.text, 1, _LONGEST_TEXT, type_=table.text.type).label("text")
    named = (table.kind == tables.KINDS[column.kind], table.name == column.name)
    for part in in_parts(row["key"] for row in shown):
        wanted = select(table.run, table.form, table.number, text).where(table.run.in_(part), *named)
        having.update({row.run: _plain(row.form, row.number, row.text) for row in connection.execute(wanted)})
    return [having.get(row["key"]) for row in shown]


def _plain(form: str, number: float | None, text: str) -> Any:
    if form == "n":
        return None
    if form == "b":
        return text == "True"
    if number is None or not math.isfinite(number):
        return text
    return number


def _field(field: Field, value: Any) -> Any:
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    moment = from_micros(value) if field.kind == TIME else None
    return value if moment is None else iso(moment)
