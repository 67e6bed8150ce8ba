"""The runs of a place (see place.py): a page of those that a query fits, how many there are, one of them, the names in use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, literal_column, select

from ..errors import AmbiguousError, ArgumentError, NotFoundError
from . import tables
from .compile import compile_condition
from .expressions import Related
from .graph import runs_related
from .ordering import Part, parts_of
from .paging import Page, beyond, check_limit, cursor_of, read_cursor
from .place import Held, Place, of_shards
from .query import parse, parse_sort
from .row import Row, read_rows

__all__ = [
    "Names",
    "count_runs",
    "find_runs",
    "fitting",
    "get_run",
    "names_in_use",
    "not_unique",
    "runs_named",
]

MOST_COUNTED = 10_000
"""More runs than that are not counted."""

MOST_NAMES = 10_000
"""Of one kind."""

_MOST_NAMED = 5
_RUNS, _VALUES = tables.runs.c, tables.values.c


@dataclass(frozen=True)
class Names:
    """Names that the runs of a place use, in the order of their characters."""

    parameters: list[str]
    metrics: list[str]
    labels: list[str]


def find_runs(
    place: Place,
    query: str | None = None,
    sort: str | Sequence[str] = "-started",
    limit: int = 50,
    after: str | None = None,
    *,
    around: Place | None = None,
) -> Page[Row]:
    """A page of the runs that a query fits.

    Args:
        query: as for `runs.runs`; None or "" fits all.
        sort: a key or several, as for `runs.runs`. The order is total, so that pages neither overlap nor leave gaps.
        limit: how many rows, 1 to 1000.
        after: `Page.next` of the page before, of the same query and order.
        around: where `upstream()` and `downstream()` of the query look, when that is more than the place itself.

    Raises:
        QueryError: the query or a sort key is wrong.
        ArgumentError: `limit` or `after` is wrong.
    """
    parts = parts_of(parse_sort(sort), place.shards)
    first, values = (0, None) if after is None else read_cursor(after, [part.order for part in parts])
    wanted = check_limit(limit) + 1

    def ask(connection: Connection) -> Page[Row]:
        fits = _fitting(Held(place, connection), query, around)
        found: list[tuple[int, RowMapping]] = []
        for number, part in list(enumerate(parts))[first:]:
            statement = part.ordered().where(place.scope, fits(part.run)).limit(wanted - len(found))
            if values is not None and number == first:
                statement = statement.where(beyond(part.order, values))
            found += [(number, row) for row in connection.execute(statement).mappings()]
            if len(found) == wanted:
                break
        rows = read_rows(connection, [row for _, row in found[:limit]])
        return Page(rows, _cursor(*found[limit - 1], parts) if len(found) == wanted else None)

    return place.read(ask)


def _cursor(number: int, row: RowMapping, parts: Sequence[Part]) -> str:
    """The cursor of a row of the part of that number."""
    return cursor_of(number, [row[f"sort_{key}"] for key in range(len(parts[number].order))])


def count_runs(
    place: Place, query: str | None = None, most: int = MOST_COUNTED, *, around: Place | None = None
) -> int:
    """How many runs a query fits; `most + 1` means more than `most`. Arguments and errors as for `find_runs`."""

    def ask(connection: Connection) -> int:
        here = (of_shards(tables.runs, place.shards), place.scope)
        fits = fitting(Held(place, connection), query, around)
        found: Select[Any] = select(literal_column("1")).select_from(tables.runs).where(*here, fits)
        found = found.limit(most + 1)
        return connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()

    return place.read(ask)


def get_run(place: Place, run: str) -> Row:
    """The run with that id, or that unique beginning of one.

    Raises:
        NotFoundError: no run of the place fits.
        AmbiguousError: several do; names some of them.
    """
    if not isinstance(run, str):
        raise ArgumentError(f"A run is named by its id, or the beginning of one; not by {run!r}.")

    def ask(connection: Connection) -> list[Row]:
        return read_rows(connection, runs_named(connection, place, run))

    found = place.read(ask)
    if not found:
        raise NotFoundError(f"There is no run {run!r}.")
    if len(found) > 1:
        raise not_unique(run, found)
    return found[0]


def runs_named(connection: Connection, place: Place, ref: str) -> list[RowMapping]:
    """The row of `runs` of that id, or else a few of those whose ids begin like that."""
    begins = (_RUNS.id >= ref, _RUNS.id < ref + chr(sys.maxunicode))
    wanted = select(tables.runs).where(place.scope, *begins).order_by(_RUNS.id).limit(_MOST_NAMED + 1)
    found = list(connection.execute(wanted).mappings()) if ref else []
    return [row for row in found if row["id"] == ref] or found


def not_unique(ref: str, found: Sequence[Row]) -> AmbiguousError:
    """The error that says which runs a reference fits."""
    ids = ", ".join(row.id for row in found[:_MOST_NAMED]) + ("…" if len(found) > _MOST_NAMED else "")
    return AmbiguousError(f"{ref!r} fits several runs ({ids}). Give more characters of the id.")


def names_in_use(place: Place) -> Names:
    """The names of the parameters, metrics and labels of a place's runs."""

    def ask(connection: Connection) -> Names:
        found = {kind: _names(connection, place, number) for kind, number in tables.KINDS.items()}
        return Names(found["parameter"], found["metric"], found["label"])

    return place.read(ask)


def _names(connection: Connection, place: Place, kind: int) -> list[str]:
    """From one name to the next along an index: a look for each name, not one for each value."""
    found: set[str] = set()
    for shard in place.shards:
        least = func.min(_VALUES.name, type_=_VALUES.name.type)
        here = (_VALUES.shard == shard, _VALUES.kind == kind)
        names = select(least.label("name")).where(*here).cte("names", recursive=True)
        following = select(least).where(*here, _VALUES.name > names.c.name).scalar_subquery()
        names = names.union_all(select(following).where(names.c.name.is_not(None)))
        theirs = select(_VALUES.run).join(tables.runs, _RUNS.key == _VALUES.run).limit(1)
        theirs = theirs.where(*here, _VALUES.name == names.c.name, place.scope)
        is_theirs = theirs.scalar_subquery().is_not(None)
        wanted = select(names.c.name).where(names.c.name.is_not(None), is_theirs).limit(MOST_NAMES)
        found.update(connection.execute(wanted).scalars())
    return sorted(found)


def fitting(place: Held, query: str | None, around: Place | None) -> ColumnElement[bool]:
    """The condition on a row of `runs` that a query stands for. Arguments and errors as for `find_runs`."""
    return _fitting(place, query, around)(_RUNS.key)


def _fitting(
    place: Held, query: str | None, around: Place | None
) -> Callable[[ColumnElement[int]], ColumnElement[bool]]:
    """The condition that a query stands for, said of a column that holds `runs.key`."""
    condition = parse("" if query is None else query)
    wide = place if around is None else Held(around, place.connection)

    @cache
    def resolve(related: Related) -> Collection[int]:
        return runs_related(related, [wide], home=place)[0]

    return lambda run: compile_condition(condition, resolve, place.shards, run)
