"""The order of runs. It is total: what is equal in all that was asked for comes newest first, then by id.

What is missing comes last; of the values of one name, numbers come before texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
_AT_LAST: tuple[tuple[Operand, bool], ...] = ((Field("started"), True), (Field("id"), False))


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
    statement, order = _joined(statement, (*sort, *_AT_LAST), shards)
    return statement.order_by(*_directed(order)), order


def parts_of(sort: Iterable[tuple[Operand, bool]], shards: Collection[int]) -> list[Part]:
    """All runs in order, in parts that follow each other: by whether they have what is sorted by first, and of which kind."""
    keys: dict[Operand, bool] = {}
    for operand, downwards in (*sort, *_AT_LAST):
        keys.setdefault(operand, downwards)
    return list(_parts(list(keys.items()), shards, []))


def _parts(
    keys: Sequence[tuple[Operand, bool]], shards: Collection[int], lacking: Sequence[ColumnElement[bool]]
) -> Iterator[Part]:
    """The parts of those runs that lack something else; keys end with one that no run lacks."""
    (first, downwards), *others = keys
    if isinstance(first, Field):
        column: ColumnElement[Any] = _RUNS[first.name]
        is_always_there = first.name in _ALWAYS_THERE
        there = [] if is_always_there else [column.is_not(None)]
        runs = select(tables.runs).where(of_shards(tables.runs, shards), *lacking, *there)
        yield _part(runs, _RUNS.key, [(column, downwards)], others, shards)
        if is_always_there:
            return
        missing: ColumnElement[bool] = column.is_(None)
    else:
        value, whole = tables.values.alias(), tables.values.alias()
        named = value_of(value, first, shards)
        having = select(tables.runs).select_from(value).join(tables.runs, _RUNS.key == value.c.run)
        same = (whole.c.run == value.c.run, whole.c.kind == value.c.kind, whole.c.name == value.c.name)
        having = having.join(whole, and_(*same)).where(named, *lacking)  # the index holds no texts
        number, text = (value.c.number, downwards), (whole.c.text, downwards)
        yield _part(having.where(value.c.number.is_not(None)), value.c.run, [number, text], others, shards)
        yield _part(having.where(value.c.number.is_(None)), value.c.run, [text], others, shards)
        missing = ~exists().where(value.c.run == _RUNS.key, named)
    yield from _parts(others, shards, [*lacking, missing])


def _part(
    statement: Select[Any],
    run: ColumnElement[int],
    order: Order,
    others: Sequence[tuple[Operand, bool]],
    shards: Collection[int],
) -> Part:
    joined, rest = _joined(statement, others, shards)
    return Part(joined, [*order, *rest], run)


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
            order += [(rank, False), (found.c.number, downwards), (found.c.text, downwards)]
        else:
            column: ColumnElement[Any] = _RUNS[operand.name]
            if operand.name not in _ALWAYS_THERE:
                order.append((case((column.is_(None), 1), else_=0), False))
            order.append((column, downwards))
    return statement, order


def _directed(order: Order) -> list[ColumnElement[Any]]:
    return [column.desc() if downwards else column for column, downwards in order]
