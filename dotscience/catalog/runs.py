"""Runs as the catalog knows them: `runs()` finds some, `get()` finds one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, not_, select

from ..errors import ArgumentError, NotFoundError
from . import tables
from .catalog import Catalog, Where, catalogs
from .compile import compile_condition, run_in
from .expressions import Operand, Related
from .graph import runs_related
from .listing import not_unique, runs_named
from .ordering import sorted_by
from .query import parse, parse_sort
from .row import Note, Row, Runs, read_rows

__all__ = ["LATEST", "Note", "Row", "Runs", "get", "runs"]

LATEST = "@latest"
"""In place of an id: the run that was started last."""

_HELD = select(tables.runs.c.id, tables.runs.c.published, tables.runs.c.key)
_Sort = Sequence[tuple[Operand, bool]]
_Ranked = tuple[tuple[Any, ...], Row]
"""A row, and the values that it is sorted by."""


def runs(
    query: str | None = None,
    sort: str | Sequence[str] = "-started",
    limit: int | None = None,
    *,
    everywhere: bool = False,
    workspace: Where = None,
) -> Runs:
    """The runs that a query fits.

    Args:
        query: an expression such as `metric.accuracy > 0.9 and label.mode == "test"`; None or "" fits all.
        sort: a key (`started`, `metric.accuracy`, …) or several; `-` before a key sorts it downwards. Missing values come last.
        limit: how many rows at most.
        everywhere: search every workspace that this user has recorded in, not only this one. A run that several of them
            hold is found once: where it is published, and was so first.
        workspace: a folder of the workspace, by default the current directory.

    Raises:
        QueryError: the query or a sort key is wrong.
        ArgumentError: `limit` is no number of rows.

    Example:
        >>> ds.runs('parameter.n == 3', sort="-metric.accuracy", limit=10)
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise ArgumentError(f"limit is a number of rows, or None for all; not {limit!r}.")
    condition, order = parse("" if query is None else query), parse_sort(sort)
    places = catalogs(workspace, everywhere=everywhere)

    @cache
    def reach(related: Related) -> list[Collection[int]]:
        return runs_related(related, catalogs(workspace, everywhere=True))

    left_out = _doubles(places)
    found: list[_Ranked] = []
    for number, catalog in enumerate(places):

        def resolve(related: Related, number: int = number) -> Collection[int]:
            return reach(related)[number]

        fits = compile_condition(condition, resolve)
        if left_out[number]:
            fits = and_(fits, not_(run_in(left_out[number])))
        found += _find(catalog, fits, order, limit)
    if everywhere:
        found = _merged(found, order)
    return Runs(row for _, row in found[:limit])


def get(run: str, *, everywhere: bool = False, workspace: Where = None) -> Row:
    """The run with that id, that unique prefix of an id, or `@latest` (the one started last).

    Args:
        everywhere: where this workspace has none, look in all others that this user has recorded in.
        workspace: a folder of the workspace, by default the current directory.

    Raises:
        NotFoundError: no run fits.
        AmbiguousError: several runs fit; names some of them.
    """
    if not isinstance(run, str):
        raise ArgumentError(f"A run is named by its id, the beginning of one, or {LATEST!r}; not by {run!r}.")
    (here,) = catalogs(workspace)
    found = _candidates(here, run)
    if not found and everywhere:
        others = catalogs(workspace, everywhere=True)[1:]
        rows = [row for catalog in others for row in _candidates(catalog, run)]
        found = list({row.id: row for row in sorted(rows, key=_rank, reverse=True)}.values())
    if not found:
        raise NotFoundError(
            f"No run {run!r} in {here.workspace.root}. `ds list` shows the runs that are there."
        )
    if len(found) > 1:
        raise not_unique(run, found)
    return found[0]


def _candidates(catalog: Catalog, ref: str) -> list[Row]:
    """The runs that a reference may mean."""
    last = sorted_by(select(tables.runs), parse_sort("-started"))[0].limit(1)

    def ask(connection: Connection) -> list[Row]:
        if ref == LATEST:
            return read_rows(connection, connection.execute(last).mappings().all(), None)
        return read_rows(connection, runs_named(connection, catalog, ref), None)

    return catalog.read(ask)


def _rank(row: Row) -> tuple[bool, Any]:
    """The least of those of one run in several workspaces is where its record was made: others collected it later."""
    return row.published is None, row.published or 0


def _doubles(places: Sequence[Catalog]) -> list[list[int]]:
    """Of each catalog the keys of those runs that another one is to be asked for, by the rank that `_rank` gives."""
    doubles: list[list[int]] = [[] for _ in places]
    if len(places) == 1:
        return doubles
    best: dict[str, tuple[bool, int, int, int]] = {}
    for number, catalog in enumerate(places):
        for run, published, key in catalog.read(lambda connection: connection.execute(_HELD).all()):
            this = (published is None, published or 0, number, key)
            better, worse = sorted((this, best.get(run, this)))
            best[run] = better
            if worse is not better:
                doubles[worse[2]].append(worse[3])
    return doubles


def _find(catalog: Catalog, fits: ColumnElement[bool], sort: _Sort, limit: int | None) -> list[_Ranked]:
    """Rows of one catalog, in order."""
    wanted, order = sorted_by(select(tables.runs).where(fits).limit(limit), sort)
    columns = [expression.label(f"sort_{number}") for number, (expression, _) in enumerate(order)]
    wanted = wanted.add_columns(*columns)

    def ask(connection: Connection) -> list[_Ranked]:
        found = connection.execute(wanted).mappings().all()
        ranks = [tuple(row[column.name] for column in columns) for row in found]
        return list(zip(ranks, read_rows(connection, found, None), strict=True))

    return catalog.read(ask)


def _merged(found: list[_Ranked], sort: _Sort) -> list[_Ranked]:
    """Rows of several catalogs in the order that one catalog would give them."""
    _, order = sorted_by(select(tables.runs), sort)
    for position, (_, downwards) in reversed(
        list(enumerate(order))
    ):  # each keeps the order of what it finds equal
        there = [pair for pair in found if pair[0][position] is not None]
        missing = [pair for pair in found if pair[0][position] is None]
        there.sort(key=lambda pair: pair[0][position], reverse=downwards)
        found = there + missing
    return found
