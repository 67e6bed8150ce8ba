"""Conditions to SQL, the same for SQLite and PostgreSQL.

Every expression made here is true or false and never NULL, so that `not` is what it says.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    FromClause,
    Integer,
    Select,
    String,
    TypeDecorator,
    and_,
    bindparam,
    case,
    false,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from . import tables
from .expressions import (
    NUMBER,
    TEXT,
    All,
    AnyOf,
    Condition,
    Constant,
    Field,
    Holds,
    Like,
    Not,
    OneOf,
    Operand,
    Related,
    Value,
)
from .patterns import ESCAPE, Pattern, containing, glob, like
from .place import WORKSPACE_SHARD, of_shards
from .texts import escape

__all__ = ["Resolve", "compile_condition", "matching", "run_in", "value_of"]

Resolve = Callable[[Related], Collection[int]]
"""Which runs (`runs.key`) a question of lineage fits."""

_OPERATORS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_RUNS, _VALUES = tables.runs.c, tables.values.c


def compile_condition(
    condition: Condition,
    resolve: Resolve,
    shards: Collection[int] = (WORKSPACE_SHARD,),
    run: ColumnElement[int] = _RUNS.key,
    *,
    each: bool = False,
) -> ColumnElement[bool]:
    """The condition on a row of `runs`.

    Args:
        shards: those that the runs' values and file versions are in.
        run: `runs.key`, or what a statement joins it to.
        each: look at one run after the other, in whatever order they come, as is best where most of them fit; by default the
            runs that fit are found first.
    """
    return _Compiler(resolve, shards, run, each).condition(condition)


def run_in(keys: Collection[int], run: ColumnElement[int] = _RUNS.key) -> ColumnElement[bool]:
    """The run (by default a row of `runs`) is one of those, of which there may be any number."""
    return run.in_(bindparam(None, list(keys), Integer, expanding=True, literal_execute=True))


def value_of(table: FromClause, value: Value, shards: Collection[int]) -> ColumnElement[bool]:
    """A row of `values` is of that name."""
    return and_(
        of_shards(table, shards), table.c.kind == tables.KINDS[value.kind], table.c.name == value.name
    )


def matching(column: ColumnElement[str], pattern: Pattern) -> ColumnElement[bool]:
    """The text in the column fits the pattern."""
    if pattern.literal is not None:
        return column == pattern.literal
    conditions: list[ColumnElement[bool]] = [column.regexp_match(literal(pattern, PatternText))]
    if pattern.coarse.strip("%"):
        conditions.insert(0, column.like(pattern.coarse, escape=ESCAPE))
    if pattern.prefix:
        conditions.insert(0, column >= pattern.prefix)
        if (last := ord(pattern.prefix[-1])) < 0x7F:
            conditions.insert(0, column < pattern.prefix[:-1] + chr(last + 1))
    return and_(*conditions)


class PatternText(TypeDecorator[Pattern]):
    """A pattern as a database matches it: PostgreSQL by its own regular expressions, SQLite by `fitting.fits`."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Pattern | None, dialect: Dialect) -> str | None:
        """To the database."""
        if value is None:
            return None
        return value.regex if dialect.name == "postgresql" else escape(value.source)


def _field(field: Field) -> ColumnElement[Any]:
    column: ColumnElement[Any] = _RUNS[field.name]
    return column


def _is(truth: bool) -> ColumnElement[bool]:
    """A value is that truth value, or its text."""
    as_value = and_(_VALUES.form == "b", _VALUES.number == int(truth))
    return or_(as_value, and_(_VALUES.form == "s", _VALUES.text.in_([str(truth), str(truth).lower()])))


@dataclass(frozen=True)
class _Compiler:
    resolve: Resolve
    shards: Collection[int]
    run: ColumnElement[int]
    each: bool

    def condition(self, condition: Condition) -> ColumnElement[bool]:
        if isinstance(condition, All | AnyOf):
            parts = map(self.condition, condition.parts)
            return and_(true(), *parts) if isinstance(condition, All) else or_(false(), *parts)
        if isinstance(condition, Not) and isinstance(condition.part, Not):
            return self.condition(condition.part.part)  # SQLite takes some fifty levels
        if isinstance(condition, Not):
            return not_(self.condition(condition.part))
        if isinstance(condition, Related):
            return run_in(self.resolve(condition), self.run)
        if isinstance(condition, Holds):
            return self._among(*self._holding(condition.set, condition.item))
        if isinstance(condition, Like):
            return self._about(condition.operand, lambda texts: matching(texts, like(condition.pattern)))
        if isinstance(condition, OneOf):
            return self._one_of(condition)
        if isinstance(condition.right, Constant):
            return self._compared(condition.left, condition.op, condition.right.value)
        return self._compared_with_each_other(condition.op, condition.left, condition.right)

    def _among(self, key: ColumnElement[int], found: Select[Any]) -> ColumnElement[bool]:
        """The run is one of those that a statement finds; `key` is where it has them."""
        if not self.each:
            return self.run.in_(found.with_only_columns(key))
        here: Select[Any] = (
            found.with_only_columns(literal_column("1")).where(key == self.run).correlate(self.run.table)
        )
        return here.offset(0).exists()  # without an offset PostgreSQL would find all of them first

    def _having(self, value: Value, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """The run has such a value."""
        return self._among(
            _VALUES.run, select(tables.values).where(self._named(tables.values, value), *conditions)
        )

    def _compared(self, left: Operand, op: str, right: str | float | bool) -> ColumnElement[bool]:
        compare = _OPERATORS[op]
        if isinstance(left, Field):
            column = _field(left)
            return and_(column.is_not(None), compare(column, right))
        if isinstance(right, bool):
            return self._having(left, _is(right if op == "==" else not right))
        return self._having(left, compare(_VALUES.text if isinstance(right, str) else _VALUES.number, right))

    def _one_of(self, condition: OneOf) -> ColumnElement[bool]:
        items = [item.value for item in condition.items]
        if isinstance(condition.operand, Field):
            column = _field(condition.operand)
            return and_(column.is_not(None), column.not_in(items) if condition.negated else column.in_(items))
        truths = [item for item in items if isinstance(item, bool)]
        texts = [item for item in items if isinstance(item, str)]
        numbers = [item for item in items if not isinstance(item, str | bool)]
        kinds: list[tuple[ColumnElement[Any], Sequence[object]]] = [
            (_VALUES.text, texts),
            (_VALUES.number, numbers),
        ]
        if condition.negated:
            unequal = [column.not_in(wanted) for column, wanted in kinds if wanted]
            return self._having(condition.operand, *unequal, *(_is(not truth) for truth in truths))
        equal = [column.in_(wanted) for column, wanted in kinds if wanted]
        return self._having(condition.operand, or_(false(), *equal, *map(_is, truths)))

    def _compared_with_each_other(self, op: str, left: Operand, right: Operand) -> ColumnElement[bool]:
        """Two things of one run: as numbers when both are, as texts when neither is."""
        compare = _OPERATORS[op]
        if isinstance(left, Field) and isinstance(right, Field):
            first, second = _field(left), _field(right)
            return and_(first.is_not(None), second.is_not(None), compare(first, second))
        here = tables.runs.alias()
        found: Select[Any] = select(here)
        sides: list[dict[str, ColumnElement[Any]]] = []
        for operand in (left, right):
            if isinstance(operand, Field):
                sides.append({operand.kind: here.c[operand.name]})
            else:
                value = tables.values.alias()
                found = found.join(value, and_(value.c.run == here.c.key, self._named(value, operand)))
                is_number = or_(value.c.number.is_not(None), value.c.form.in_(["i", "f"]))
                sides.append({NUMBER: value.c.number, TEXT: case((is_number, None), else_=value.c.text)})
        one, other = sides
        compared = or_(*(compare(one[kind], other[kind]) for kind in one if kind in other))
        return self._among(here.c.key, found.where(compared))

    def _holding(self, name: str, item: str) -> tuple[ColumnElement[int], Select[Any]]:
        """The runs whose set of that name holds the item: where the statement has them, and the statement."""
        if name in ("input", "output"):
            uses, versions = tables.uses, tables.versions
            role = tables.INPUT if name == "input" else tables.OUTPUT
            joined = select(uses).join(versions, versions.c.key == uses.c.version)
            fits = matching(versions.c.path, glob(item))
            return uses.c.run, joined.where(uses.c.role == role, of_shards(versions, self.shards), fits)
        if name in ("tag", "note"):
            noted = tables.annotations
            fits = noted.c.text == item if name == "tag" else matching(noted.c.text, containing(item))
            return noted.c.run, select(noted).where(noted.c.kind == name, fits)
        if name == "model":
            return tables.models.c.run, select(tables.models).where(tables.models.c.name == item)
        return _VALUES.run, select(tables.values).where(self._named(tables.values, Value(name, item)))

    def _about(
        self, operand: Operand, fits: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        """A text of the run fits."""
        if isinstance(operand, Field):
            column = _field(operand)
            return and_(column.is_not(None), fits(column))
        return self._having(operand, fits(_VALUES.text))

    def _named(self, table: FromClause, value: Value) -> ColumnElement[bool]:
        return value_of(table, value, self.shards)
