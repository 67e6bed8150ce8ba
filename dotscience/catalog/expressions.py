"""What a query says, once it is understood: a tree of conditions on a run.

Every condition is true or false, never in between: one on something that a run does not have is false, and `Not` of
it is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "FIELDS",
    "NUMBER",
    "SETS",
    "TEXT",
    "TIME",
    "All",
    "AnyOf",
    "Comparison",
    "Condition",
    "Constant",
    "Field",
    "Holds",
    "Like",
    "Not",
    "OneOf",
    "Operand",
    "Related",
    "Value",
]

TEXT, NUMBER, TIME = "text", "number", "time"

FIELDS = {
    "id": TEXT,
    "status": TEXT,
    "mode": TEXT,
    "description": TEXT,
    "error": TEXT,
    "workload": TEXT,
    "workspace": TEXT,
    "started": TIME,
    "ended": TIME,
    "published": TIME,
    "duration": NUMBER,
}
"""What every run has at most one of, with its kind. Times are microseconds since the Unix epoch, `duration` seconds."""

SETS = ("input", "output", "tag", "note", "model", "parameter", "metric", "label")
"""What a run has any number of, to be asked with `in`."""


@dataclass(frozen=True)
class Constant:
    """A text, a number or a truth value; of a time, its microseconds."""

    value: str | int | float | bool


@dataclass(frozen=True)
class Field:
    """One of `FIELDS`."""

    name: str

    @property
    def kind(self) -> str:
        """`TEXT`, `NUMBER` or `TIME`."""
        return FIELDS[self.name]


@dataclass(frozen=True)
class Value:
    """A parameter, metric or label of that name. It may be of any type, so a comparison decides what it is taken for."""

    kind: str
    name: str


Operand: TypeAlias = "Field | Value"


@dataclass(frozen=True)
class Comparison:
    """`left op right`; `op` is one of `== != < <= > >=`.

    With a number it compares numbers (a text that is a number counts), with a text it compares texts, with True or False truth
    values (a text `True` counts). What is of the wrong type is as if it were missing, and so is NaN.
    """

    op: str
    left: Operand
    right: Constant | Operand


@dataclass(frozen=True)
class OneOf:
    """`operand in [items]`: any of `==`. Negated: the operand is there, and all of `!=`."""

    operand: Operand
    items: tuple[Constant, ...]
    negated: bool = False


@dataclass(frozen=True)
class Like:
    """`like(operand, pattern)`: SQL's `%` and `_`, a backslash takes their meaning away; case matters."""

    operand: Operand
    pattern: str


@dataclass(frozen=True)
class Holds:
    """`item in set`, of one of `SETS`.

    `input` and `output`: a glob that fits the path of one of the files. `note`: a part of one of the notes. Otherwise the
    name of one.
    """

    set: str
    item: str


@dataclass(frozen=True)
class Related:
    """`upstream(file)`: the run comes from that file. `downstream(file)`: the file comes from the run."""

    direction: str
    file: str


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Condition


@dataclass(frozen=True)
class All:
    """All of the parts; of no parts, true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of the parts."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = "Comparison | OneOf | Like | Holds | Related | Not | All | AnyOf"
