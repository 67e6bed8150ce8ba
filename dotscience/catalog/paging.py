"""A long list in pages: what comes after a row is told from the values that the row is sorted by.

A cursor is opaque to whoever holds it, and not to be trusted: it says where to go on, never what may be seen.
"""

from __future__ import annotations

import base64
import json
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar
from zlib import crc32

from sqlalchemy import BigInteger, ColumnElement, Float, Integer, LargeBinary, and_, false, or_

from ..errors import ArgumentError
from .tables import Number

__all__ = ["MOST_ROWS", "Order", "Page", "beyond", "check_limit", "cursor_of", "read_cursor"]

_T = TypeVar("_T")

MOST_ROWS = 1000
"""In one page."""

_LONGEST = 20_000
"""Characters of a cursor."""

Order: TypeAlias = Sequence[tuple[ColumnElement[Any], bool]]
"""What rows are sorted by: expressions, and whether downwards."""


@dataclass(frozen=True)
class Page(Generic[_T]):
    """Some rows of a list.

    Attributes:
        next: the cursor of the page that follows, or None when this is the last one.
    """

    rows: list[_T]
    next: str | None


def check_limit(limit: object) -> int:
    """A number of rows of a page.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_ROWS:
        raise ArgumentError(f"A page has 1 to {MOST_ROWS} rows, not {limit!r}.")
    return limit


def cursor_of(sort: Sequence[str], part: int, values: Sequence[Any]) -> str:
    """The cursor of a row.

    Args:
        sort: the keys that the list is sorted by, as they were asked for.
        part: the number of the part of the list that it is in.
        values: those that the part is sorted by.
    """
    said = json.dumps([_mark(sort), part, *values], default=bytes.hex)
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sequence[str], orders: Sequence[Order]) -> tuple[int, list[Any]]:
    """Inverse of `cursor_of`.

    Args:
        orders: what each part of the list is sorted by.

    Raises:
        ArgumentError: it is no cursor of that list in that order.
    """
    try:
        padded = cursor[:_LONGEST] + "=" * (-len(cursor) % 4)
        mark, part, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        [_mark(sort)].index(mark)  # values of another order may look as if they fitted this one
        part = range(len(orders)).index(operator.index(part))
        order = orders[part]
        return part, [_fitting(column, value) for (column, _), value in zip(order, values, strict=True)]
    except (TypeError, ValueError, LookupError, RecursionError):
        raise ArgumentError(
            "This cursor does not belong to this list in this order: ask for the first page again."
        ) from None


def _mark(sort: Sequence[str]) -> int:
    return crc32(json.dumps(list(sort)).encode())


def beyond(order: Order, values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition on rows that come after the one with those values. Where nothing is missing the order must say so first."""
    later: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for (column, downwards), value in zip(order, values, strict=True):
        if value is not None:
            later.append(and_(*same, column < value if downwards else column > value))
        same.append(column.is_(None) if value is None else column == value)
    column, downwards = order[0]
    first = values[0]  # said once more: by this an index finds the place
    near = [] if first is None else [column <= first if downwards else column >= first]
    return and_(*near, or_(false(), *later))


def _fitting(column: ColumnElement[Any], value: Any) -> Any:
    """A value as it can be compared with what is in a column, in every database.

    Raises:
        TypeError, ValueError: it cannot be.
    """
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return bytes.fromhex(value)
    if isinstance(column.type, Integer | Float | Number):
        if isinstance(value, float) and not isinstance(column.type, Integer) and not math.isnan(value):
            return value
        bits = 31 if isinstance(column.type, Integer) and not isinstance(column.type, BigInteger) else 63
        if type(value) is int and -(1 << bits) <= value < 1 << bits:
            return value
    elif isinstance(value, str):
        return value
    raise TypeError(type(value).__name__)
