"""The runs of a place (see place.py): a page of those that a query fits, how many there are, one of them, the names in use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, literal_column, select

from ..errors import AmbiguousError, ArgumentError, NotFoundError
from . import tables
from .compile import compile_condition, run_in
from .database import in_parts
from .expressions import All, AnyOf, Comparison, Condition, Field, Like, Not, OneOf, Related, Value
from .graph import runs_related
from .ordering import parts_of
from .paging import Page, beyond, check_limit, cursor_of, read_cursor
from .place import Held, Place, of_shards
from .query import parse, parse_sort
from .row import Row, read_rows, run_columns

__all__ = [
    "Names",
    "find_and_count",
    "find_runs",
    "fitting",
    "get_run",
    "names_in_use",
    "not_unique",
    "runs_named",
]

MOST_COUNTED = 10_000
"""More runs than that are not counted."""

MOST_VALUES = 100_000
"""Of the runs of a page of a Hub: one that would hold more has fewer runs."""

MOST_NAMES = 10_000
"""Of one kind."""

FEW = 2000
"""Up to so many runs that a query fits are put in order; where there are more, the order is followed until a page is full."""

_MOST_NAMED = 5
_RUNS, _VALUES = tables.runs.c, tables.values.c

Fits: TypeAlias = Callable[[ColumnElement[int]], ColumnElement[bool]]
"""A condition on runs, said of a column that holds `runs.key`."""


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
    paged = _paged(place, sort, limit, after)

    def ask(connection: Connection) -> Page[Row]:
        return paged(connection, _chosen(Held(place, connection), query, around, FEW).fits)

    return place.read(ask)


def find_and_count(
    place: Place,
    query: str | None = None,
    sort: str | Sequence[str] = "-started",
    limit: int = 50,
    after: str | None = None,
    *,
    around: Place | None = None,
    most: int = MOST_COUNTED,
) -> tuple[Page[Row], int]:
    """A page of the runs that a query fits, and how many fit; `most + 1` means more than `most`.

    Arguments and errors as for `find_runs`.
    """
    paged = _paged(place, sort, limit, after)

    def ask(connection: Connection) -> tuple[Page[Row], int]:
        held = Held(place, connection)
        chosen = _chosen(held, query, around, max(most, FEW))
        count = _count(held, chosen.fits(_RUNS.key), most) if chosen.count is None else chosen.count
        return paged(connection, chosen.fits), min(count, most + 1)

    return place.read(ask)


def _paged(
    place: Place, sort: str | Sequence[str], limit: int, after: str | None
) -> Callable[[Connection, Fits], Page[Row]]:
    """Finds a page of the runs that fit a condition. Arguments and errors as for `find_runs`."""
    keys = [sort] if isinstance(sort, str) else list(sort)
    parts = parts_of(parse_sort(keys), place.shards)
    orders = [part.order for part in parts]
    first, values = (0, None) if after is None else read_cursor(after, keys, orders)
    wanted = check_limit(limit) + 1

    def find(connection: Connection, fits: Fits) -> Page[Row]:
        found: list[tuple[int, RowMapping]] = []
        for number, part in list(enumerate(parts))[first:]:
            statement = part.ordered().where(place.scope, fits(part.run)).limit(wanted - len(found))
            if values is not None and number == first:
                statement = statement.where(beyond(part.order, values))
            found += [(number, row) for row in connection.execute(statement).mappings()]
            if len(found) == wanted:
                break
        shown = [row["key"] for _, row in found[:limit]]
        if place.longest is not None:
            shown = shown[: _fitting_rows(connection, shown)]
        rows = read_rows(connection, _whole(connection, shown, place.longest), place.longest)
        if len(shown) == len(found):
            return Page(rows, None)
        number, last = found[len(shown) - 1]
        return Page(
            rows, cursor_of(keys, number, [last[f"sort_{key}"] for key in range(len(orders[number]))])
        )

    return find


def _fitting_rows(connection: Connection, keys: Sequence[int]) -> int:
    """How many of those runs have no more values than a page of a Hub holds, from the first on; the first in any case."""
    counted: dict[int, int] = {}
    for part in in_parts(keys):
        counts = select(_VALUES.run, func.count()).where(_VALUES.run.in_(part)).group_by(_VALUES.run)
        counted.update((run, count) for run, count in connection.execute(counts))
    sums = accumulate(counted.get(key, 0) for key in keys)
    return max(1, sum(1 for values in sums if values <= MOST_VALUES))


def _whole(connection: Connection, keys: Sequence[int], longest: int | None) -> list[RowMapping]:
    """The rows of `runs` with those keys, in that order, no text longer than that."""
    rows: dict[int, RowMapping] = {}
    for part in in_parts(keys):
        wanted = select(*run_columns(longest)).where(_RUNS.key.in_(part))
        found = connection.execute(wanted).mappings()
        rows.update((row["key"], row) for row in found)
    return [rows[key] for key in keys]


def _count(place: Held, fits: ColumnElement[bool], most: int) -> int:
    """How many runs fit; `most + 1` means more than `most`."""
    found: Select[Any] = (
        select(literal_column("1")).select_from(tables.runs).where(*_here(place), fits).limit(most + 1)
    )
    return place.connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()


def _here(place: Held) -> tuple[ColumnElement[bool], ...]:
    """The row of `runs` is one of the place."""
    return of_shards(tables.runs, place.shards), place.scope


def get_run(place: Place, run: str, longest: int | None = None) -> Row:
    """The run with that id, or that unique beginning of one.

    Args:
        longest: characters of a text that are read; None for all.

    Raises:
        NotFoundError: no run of the place fits.
        AmbiguousError: several do; names some of them.
    """
    if not isinstance(run, str):
        raise ArgumentError(f"A run is named by its id, or the beginning of one; not by {run!r}.")

    def ask(connection: Connection) -> list[Row]:
        return read_rows(connection, runs_named(connection, place, run, longest), longest)

    found = place.read(ask)
    if not found:
        raise NotFoundError(f"There is no run {run!r}.")
    if len(found) > 1:
        raise not_unique(run, found)
    return found[0]


def runs_named(
    connection: Connection, place: Place, ref: str, longest: int | None = None
) -> list[RowMapping]:
    """The row of `runs` of that id, or else a few of those whose ids begin like that; no text longer than that."""
    begins = (_RUNS.id >= ref, _RUNS.id < ref + chr(sys.maxunicode))
    columns = run_columns(longest)
    wanted = select(*columns).where(place.scope, *begins).order_by(_RUNS.id).limit(_MOST_NAMED + 1)
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
    return _fitting(place, parse("" if query is None else query), around)(_RUNS.key)


@dataclass(frozen=True)
class _Chosen:
    """What a query stands for.

    Attributes:
        fits: the condition.
        count: how many runs fit, where that is known.
    """

    fits: Fits
    count: int | None


def _chosen(place: Held, query: str | None, around: Place | None, most: int) -> _Chosen:
    """The condition by which a page in any order is found best; it looks for up to `most + 1` runs that fit.

    A database cannot tell how many runs have a value in some range, and takes seconds where it guesses wrong: so it is tried.
    """
    condition = parse("" if query is None else query)
    compiled = _fitting(place, condition, around)
    if _is_of_fields(condition):
        return _Chosen(compiled, None)
    some = select(_RUNS.key).where(*_here(place), compiled(_RUNS.key)).limit(most + 1)
    found = place.connection.execute(some).scalars().all()
    if len(found) <= FEW:
        return _Chosen(lambda run: run_in(found, run), len(found))
    return _Chosen(partial(compiled, each=True), len(found))


def _is_of_fields(condition: Condition) -> bool:
    """Whether it is about columns of `runs` alone."""
    if isinstance(condition, All | AnyOf):
        return all(map(_is_of_fields, condition.parts))
    if isinstance(condition, Not):
        return _is_of_fields(condition.part)
    if isinstance(condition, Comparison):
        return isinstance(condition.left, Field) and not isinstance(condition.right, Value)
    return isinstance(condition, OneOf | Like) and isinstance(condition.operand, Field)


def _fitting(place: Held, condition: Condition, around: Place | None) -> Callable[..., ColumnElement[bool]]:
    """`compile_condition` of that condition, to be told of which column and how."""
    wide = place if around is None else Held(around, place.connection)

    @cache
    def resolve(related: Related) -> Collection[int]:
        return runs_related(related, [wide], home=place)[0]

    return partial(compile_condition, condition, resolve, place.shards)
