"""The order of runs. It is total. What is missing comes last; of the values of one name, numbers come before texts.

What is equal in all that was asked for: in one list newest first, then by id, so that lists of workspaces can be merged; in parts
as it came into the catalog, and the other way round in a list that goes downwards, so that an index gives the order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, select

from . import tables
from .compile import value_of
from .expressions import Field, Operand, Value
from .paging import Order
from .place import WORKSPACE_SHARD, of_shards

__all__ = ["Part", "parts_of", "sorted_by"]

_RUNS = tables.runs.c
_ALWAYS_THERE = ("id", "status", "workspace")
_STARTED = Field("started")
_NEWEST_FIRST: tuple[Operand, bool] = (_STARTED, True)
_BY_ID: tuple[Operand, bool] = (Field("id"), False)


@dataclass(frozen=True)
class Part:
    """A part of the list of runs, in which an index gives what the list is sorted by first.

    Attributes:
        statement: selects from `runs`, in no order yet.
        run: `runs.key`, or what the statement joins it to.
    """

    statement: Select[Any]
    order: Order
    run: ColumnElement[int]

    def ordered(self) -> Select[Any]:
        """`runs.key` in that order, with the values that rows are sorted by as columns `sort_0`, …

        The other columns are left out: most rows are looked at only to be put in order.
        """
        columns = [column.label(f"sort_{number}") for number, (column, _) in enumerate(self.order)]
        return self.statement.with_only_columns(_RUNS.key, *columns).order_by(*_directed(self.order))


def sorted_by(
    statement: Select[Any],
    sort: Iterable[tuple[Operand, bool]],
    shards: Collection[int] = (WORKSPACE_SHARD,),
) -> tuple[Select[Any], list[tuple[ColumnElement[Any], bool]]]:
    """The statement, which selects from `runs`, in order, and what it is ordered by: expressions, and whether downwards."""
    statement, order = _joined(statement, (*sort, _NEWEST_FIRST, _BY_ID), shards)
    return statement.order_by(*_directed(order)), order


def parts_of(sort: Iterable[tuple[Operand, bool]], shards: Collection[int]) -> list[Part]:
    """All runs in order, in parts that follow each other: by whether they have what is sorted by first, and of which kind.

    Those that have nothing of what was asked for come newest first.
    """
    asked: dict[Operand, bool] = {}
    for operand, downwards in sort:
        asked.setdefault(operand, downwards)
    keys = list(asked.items())
    parts: list[Part] = []
    lacking: list[ColumnElement[bool]] = []
    for number, first in enumerate(keys if _STARTED in asked else [*keys, _NEWEST_FIRST]):
        having, missing = _having(first, shards)
        others = keys[number + 1 :]
        _, downwards = [first, *others][-1]
        for part in having:
            statement, rest = _joined(part.statement.where(*lacking), others, shards)
            parts.append(Part(statement, [*part.order, *rest, (part.run, downwards)], part.run))
        if missing is None:
            return parts
        lacking.append(missing)
    runs = select(tables.runs).where(of_shards(tables.runs, shards), *lacking)
    return [*parts, Part(runs, [(_RUNS.key, True)], _RUNS.key)]


def _having(
    key: tuple[Operand, bool], shards: Collection[int]
) -> tuple[list[Part], ColumnElement[bool] | None]:
    """The runs that have what is sorted by, in parts in that order, and the condition on those that lack it, if any do."""
    operand, downwards = key
    if isinstance(operand, Field):
        column: ColumnElement[Any] = _RUNS[operand.name]
        runs = select(tables.runs).where(of_shards(tables.runs, shards))
        if operand.name in _ALWAYS_THERE:
            return [Part(runs, [(column, downwards)], _RUNS.key)], None
        return [Part(runs.where(column.is_not(None)), [(column, downwards)], _RUNS.key)], column.is_(None)
    value = tables.values.alias()
    named = value_of(value, operand, shards)
    runs = select(tables.runs).select_from(value).join(tables.runs, _RUNS.key == value.c.run).where(named)
    parts = [
        Part(runs.where(column.is_not(None)), [(column, downwards)], value.c.run)
        for column in (value.c.number, value.c.head)
    ]
    return parts, ~exists().where(value.c.run == _RUNS.key, named)


def _joined(
    statement: Select[Any], keys: Iterable[tuple[Operand, bool]], shards: Collection[int]
) -> tuple[Select[Any], list[tuple[ColumnElement[Any], bool]]]:
    """The statement with what it is to be sorted by."""
    order: list[tuple[ColumnElement[Any], bool]] = []
    for operand, downwards in keys:
        if isinstance(operand, Value):
            found = tables.values.alias()
            here = and_(found.c.run == _RUNS.key, value_of(found, operand, shards))
            statement = statement.outerjoin(found, here)
            rank = case((found.c.run.is_(None), 2), (found.c.number.is_(None), 1), else_=0)
            order += [(rank, False), (found.c.number, downwards), (found.c.head, downwards)]
        else:
            column: ColumnElement[Any] = _RUNS[operand.name]
            if operand.name not in _ALWAYS_THERE:
                order.append((case((column.is_(None), 1), else_=0), False))
            order.append((column, downwards))
    return statement, order


def _directed(order: Order) -> list[ColumnElement[Any]]:
    return [column.desc() if downwards else column for column, downwards in order]
