"""The query language: a safe subset of Python expressions, parsed and checked.

    metric.accuracy > 0.9 and parameter["n-estimators"] >= 100 and label.mode == "test"
    and "raw/*.csv" in input and started > "2026-11-01" and upstream("data/raw.csv")

What is not listed here is refused. docs/queries.md is the manual.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NoReturn

from ..errors import QueryError
from ..records.times import parse_iso
from .expressions import (
    FIELDS,
    NUMBER,
    SETS,
    TEXT,
    TIME,
    All,
    AnyOf,
    Comparison,
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
from .patterns import containing, glob, like
from .rows import micros
from .source import Source

__all__ = ["parse", "parse_sort"]

MOST_CONDITIONS, MOST_CONSTANTS = 200, 500
"""In one query; a database takes a few more."""

MOST_KEYS = 10
"""To sort by."""

_ALIASES = {"param": "parameter", "summary": "metric", "workload_file": "workload"}
_VALUES = ("parameter", "metric", "label")
_FUNCTIONS = ("like", "upstream", "downstream")
_NAMES = (*FIELDS, *SETS, *_ALIASES, *_FUNCTIONS)
_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_DASHED = re.compile(r"(\w+)\.(\w+(?:-\w+)+)")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@lru_cache(256)
def parse(query: str) -> Condition:
    """What a query says. An empty one fits every run.

    Raises:
        QueryError: it is wrong; points at the character.

    Example:
        >>> parse('metric.accuracy > 0.9')
        Comparison(op='>', left=Value(kind='metric', name='accuracy'), right=Constant(value=0.9))
    """
    if not isinstance(query, str):
        raise QueryError(f"A query is a text, not {type(query).__name__}.", str(query), 0)
    return _Parser(query).whole() if query.strip() else All(())


def parse_sort(sort: str | Iterable[str]) -> list[tuple[Operand, bool]]:
    """Each key to sort by, and whether downwards: `-metric.accuracy` gives (metric.accuracy, True).

    Raises:
        QueryError: a key is no field, parameter, metric or label; or there are too many.
    """
    keys = [sort] if isinstance(sort, str) else list(sort)
    if len(keys) > MOST_KEYS:  # each is a join, and databases take no more than some dozen
        raise QueryError(
            f"Runs are sorted by at most {MOST_KEYS} keys, not {len(keys)}.", " ".join(map(str, keys)), 0
        )
    return [_sort_key(key) for key in keys]


@lru_cache(256)
def _sort_key(key: str) -> tuple[Operand, bool]:
    if not isinstance(key, str) or not key.strip("- "):
        raise QueryError("A sort key is a name such as started or -metric.accuracy.", str(key), 0)
    name = key.lstrip()
    return _Parser(key, key.index(name) + name.startswith("-")).only_operand(), name.startswith("-")


class _Parser:
    """One query on its way to conditions. Its methods take nodes of Python's own syntax tree."""

    def __init__(self, query: str, start: int = 0) -> None:
        self.source = Source(query, start)
        self.fail = self.source.fail
        self.conditions = self.constants = 0

    def whole(self) -> Condition:
        return self.condition(self.source.tree())

    def only_operand(self) -> Operand:
        tree = self.source.tree()
        operand = self.operand(tree)
        if isinstance(operand, Constant):
            self.fail("A sort key is a name such as started or -metric.accuracy, not a constant.", tree)
        return operand

    # conditions

    def condition(self, node: ast.expr) -> Condition:
        self.conditions += len(node.ops) if isinstance(node, ast.Compare) else 1
        if self.conditions > MOST_CONDITIONS:
            self.fail(f"A query has at most {MOST_CONDITIONS} conditions.", node)
        if isinstance(node, ast.BoolOp):
            parts = tuple(map(self.condition, node.values))
            return All(parts) if isinstance(node.op, ast.And) else AnyOf(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self.condition(node.operand))
        if isinstance(node, ast.Compare):
            return self.comparisons(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            self.fail("Conditions are joined with `and` and `or`.", node)
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Constant):
            self.operand(node)
            self.fail("This is no condition yet: compare it with something, as in metric.loss < 0.1.", node)
        self.fail(f"There is no {_kind_of(node)} in a query.", node)

    def comparisons(self, node: ast.Compare) -> Condition:
        if len(node.ops) == 1:
            return self.comparison(node.left, node.ops[0], node.comparators[0], node)
        terms = [node.left, *node.comparators]
        for operator in node.ops:
            if type(operator) not in _OPERATORS:
                self.fail("Only == != < <= > >= can be chained.", node)
        links = zip(terms, node.ops, node.comparators, strict=False)
        return All(tuple(self.comparison(left, operator, right, node) for left, operator, right in links))

    def comparison(
        self, left: ast.expr, operator: ast.cmpop, right: ast.expr, whole: ast.Compare
    ) -> Condition:
        if isinstance(operator, ast.In | ast.NotIn):
            return self.membership(left, isinstance(operator, ast.NotIn), right)
        op = _OPERATORS.get(type(operator))
        if op is None:
            self.fail("Compare with == and !=; `is` has no place in a query.", whole)
        one, other = self.operand(left), self.operand(right)
        if isinstance(one, Constant):
            if isinstance(other, Constant):
                self.fail("Two constants are compared: one side must be something of the run.", left)
            return self.compared(_MIRRORED[op], other, one, left)
        return self.compared(op, one, other, right)

    def compared(self, op: str, left: Operand, right: Constant | Operand, at: ast.expr) -> Comparison:
        if isinstance(right, Constant):
            right = self.fitting(left, right, at)
            if isinstance(right.value, bool) and op not in ("==", "!="):
                self.fail("A truth value can only be compared with == and !=.", at)
        else:
            kinds = {operand.kind for operand in (left, right) if isinstance(operand, Field)}
            if len(kinds) > 1 or (
                TIME in kinds and not (isinstance(left, Field) and isinstance(right, Field))
            ):
                self.fail("The two sides are of different kinds and cannot be compared.", at)
        return Comparison(op, left, right)

    def fitting(self, operand: Operand, constant: Constant, at: ast.expr) -> Constant:
        """The constant as it is compared with the operand."""
        kind = operand.kind if isinstance(operand, Field) else None
        value = constant.value
        if kind == TIME:
            if not isinstance(value, str):
                self.fail(f'{operand.name} is a time: compare it with a text such as "2026-11-01 08:30".', at)
            try:
                return Constant(micros(parse_iso(value.strip())) or 0)
            except (ValueError, OverflowError):
                self.fail(f'{value!r} is no time: say "2026-11-01" or "2026-11-01 08:30".', at)
        if kind == TEXT and not isinstance(value, str):
            self.fail(f"{operand.name} is a text: compare it with a text in quotes.", at)
        if kind == NUMBER and (isinstance(value, str | bool)):
            self.fail(f"{operand.name} is a number (of seconds): compare it with a number.", at)
        return constant

    def membership(self, item: ast.expr, negated: bool, where: ast.expr) -> Condition:
        if isinstance(where, ast.List | ast.Tuple | ast.Set):
            operand = self.operand(item)
            if isinstance(operand, Constant):
                self.fail("Left of `in [...]` must be something of the run.", item)
            items = tuple(self.fitting(operand, self.constant(element), element) for element in where.elts)
            return OneOf(operand, items, negated)
        name = where.id if isinstance(where, ast.Name) else None
        name = _ALIASES.get(name or "", name)
        if name not in SETS:
            hint = ' For a part of a text say like(description, "%part%").' if name in FIELDS else ""
            self.fail(f"After `in` comes a list such as [1, 2], or one of {', '.join(SETS)}.{hint}", where)
        wanted = self.text(item, f"Left of `in {name}` comes a text in quotes.")
        if name in ("input", "output"):
            self.pattern(glob, wanted, item)
        elif name == "note":
            self.pattern(containing, wanted, item)
        return Not(Holds(name, wanted)) if negated else Holds(name, wanted)

    def call(self, node: ast.Call) -> Condition:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in _FUNCTIONS:
            self.unknown(name, "function", _FUNCTIONS, node)
        wanted = 2 if name == "like" else 1
        if len(node.args) != wanted or node.keywords:
            self.fail(f"{name} takes {wanted} argument{'s' * (wanted - 1)}.", node)
        if name != "like":
            file = self.text(
                node.args[0], f'{name} takes a path or a digest in quotes, as in {name}("raw.csv").'
            )
            return Related(name, file)
        operand = self.operand(node.args[0])
        if isinstance(operand, Constant) or (isinstance(operand, Field) and operand.kind != TEXT):
            self.fail('like() compares a text of the run, as in like(label.mode, "te%").', node.args[0])
        pattern = self.text(node.args[1], "The pattern of like() is a text in quotes.")
        self.pattern(like, pattern, node.args[1])
        return Like(operand, pattern)

    def pattern(self, read: Callable[[str], object], pattern: str, at: ast.expr) -> None:
        try:
            read(pattern)
        except ValueError as error:
            self.fail(f"{error}.", at)

    # operands

    def operand(self, node: ast.expr) -> Constant | Operand:
        if isinstance(node, ast.Name):
            return self.field(node)
        if isinstance(node, ast.Attribute | ast.Subscript):
            return self.value(node)
        return self.constant(node)

    def field(self, node: ast.Name) -> Field:
        name = _ALIASES.get(node.id, node.id)
        if name in FIELDS:
            return Field(name)
        if name in _VALUES:
            self.fail(f'Of which {name}? Say {name}.NAME or {name}["NAME"].', node)
        if name in SETS:
            self.fail(f'A run has any number of these: say "…" in {name}.', node)
        near = difflib.get_close_matches(node.id, _NAMES, 1)
        hint = (
            f"Did you mean {near[0]}?"
            if near
            else (
                f"A value is {', '.join(f'{kind}.{node.id}' for kind in ('metric', 'parameter'))} or label.{node.id}, a text "
                f'stands in quotes: "{node.id}". Fields are {", ".join((*FIELDS, *SETS))}.'
            )
        )
        self.fail(f"There is no field {node.id}. {hint}", node)

    def value(self, node: ast.Attribute | ast.Subscript) -> Value:
        owner = node.value
        if not isinstance(owner, ast.Name):
            self.fail('A name with dots or brackets in it stands in quotes, as in metric["val.loss"].', node)
        kind = _ALIASES.get(owner.id, owner.id)
        if kind not in _VALUES:
            if kind in FIELDS or kind in SETS:
                self.fail(f"{owner.id} has no parts.", node)
            self.unknown(owner.id, "name", _NAMES, owner)
        if isinstance(node, ast.Subscript):
            return Value(
                kind, self.text(node.slice, f'The name of a {kind} stands in quotes: {kind}["NAME"].')
            )
        name = self.source.attribute(node)
        if name.startswith("__"):
            self.fail(f'Say {kind}["{name}"] if that is its name.', node)
        return Value(kind, name)

    def constant(self, node: ast.expr) -> Constant:
        self.constants += 1
        if self.constants > MOST_CONSTANTS:
            self.fail(f"A query has at most {MOST_CONSTANTS} constants.", node)
        sign = 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            sign = -1 if isinstance(node.op, ast.USub) else 1
            node = node.operand
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bool):
                self.fail("Only a number has a sign.", node)
        if not isinstance(node, ast.Constant):
            self.check_dashes(node)
            joins = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)
            self.fail(
                f"There is no {_kind_of(node)} in a query; a constant is a text, a number, True or False."
                + (" Conditions are joined with `and` and `or`." if joins else ""),
                node,
            )
        value = node.value
        if isinstance(value, bool | str):
            return Constant(value)
        if isinstance(value, int | float):
            return Constant(sign * _as_number(value))
        self.fail(
            "A constant is a text, a number, True or False. What a run does not have fits no comparison.",
            node,
        )

    def check_dashes(self, node: ast.expr) -> None:
        """Refuse parameter.n-trees, which Python reads as a difference."""
        written = _DASHED.fullmatch(self.source.written(node)) if isinstance(node, ast.BinOp) else None
        if written:
            kind, name = written.groups()
            self.fail(
                f'There is no arithmetic in a query; a name with a dash stands in quotes: {kind}["{name}"].',
                node,
            )

    def text(self, node: ast.expr, reason: str) -> str:
        constant = self.constant(node) if isinstance(node, ast.Constant) else None
        if constant is None or not isinstance(constant.value, str):
            self.fail(reason, node)
        return constant.value

    def unknown(self, name: str | None, what: str, known: Iterable[str], at: ast.AST) -> NoReturn:
        near = difflib.get_close_matches(name or "", known, 1)
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
        self.fail(f"There is no {what} {name or ''}".rstrip() + f".{hint}", at)


def _as_number(value: int | float) -> int | float:
    """As databases hold it: an integer of 64 bits, else the nearest double."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return value


_KINDS = {
    ast.BinOp: "arithmetic",
    ast.UnaryOp: "arithmetic",
    ast.Call: "function call on a side of a comparison",
    ast.JoinedStr: "f-string",
    ast.Lambda: "function definition",
    ast.IfExp: "if",
    ast.NamedExpr: "assignment",
}


def _kind_of(node: ast.AST) -> str:
    return _KINDS.get(type(node), type(node).__name__.lower())
