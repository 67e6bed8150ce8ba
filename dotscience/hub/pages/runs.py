"""The runs of a project: a table of chosen columns. The address holds all that the reader chose."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from ...catalog.columns import name_of, parse_column
from ...catalog.expressions import FIELDS, SETS, Field, Operand, Value
from ...catalog.row import Row
from ...errors import ArgumentError, QueryError
from ..api.here import CurrentAccess, CurrentHub
from ..api.paging import Cursor
from ..api.views import views_json
from ..problems import Problem
from ..services import listing, views
from ..services.listing import MOST_COLUMNS, Listed
from . import words
from .render import page

__all__ = ["Column", "show_runs", "to_runs"]

_MOST_BY_DEFAULT = 4
"""Metrics, and parameters, of a reader who has chosen none."""

_ALWAYS_SHOWN = ("started", "duration")
_ATTRIBUTES = {"workload": "workload_file"}


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        name: how a query says it; `title` is what stands above it, `kind` the small word before that.
        order: `ascending`, `descending` or None; `sort` is the order that a click asks for: by it, or the other way round.
        is_number: whether its values stand on the right; `decimals` are as many as all of them need.
    """

    name: str
    title: str
    kind: str
    order: str | None
    sort: str
    operand: Operand
    is_number: bool
    decimals: int

    def said(self, amount: float) -> str:
        """A number, with its decimal point below those of the others."""
        plain = words.number(amount)
        if isinstance(amount, int) or not math.isfinite(amount) or "e" in plain:
            return plain
        aligned = f"{amount:.{self.decimals}f}"
        is_lost = 0 < abs(amount) < 100 * 10**-self.decimals and len(plain) > len(aligned)
        return plain if is_lost else aligned

    def of(self, row: Row) -> Any:
        """The value that a run has."""
        return value_of(row, self.operand)


def value_of(row: Row, operand: Operand) -> Any:
    """What a run has of a column; None where it has nothing."""
    if isinstance(operand, Value):
        values: Mapping[str, Any] = getattr(row, f"{operand.kind}s")
        return values.get(operand.name)
    return getattr(row, _ATTRIBUTES.get(operand.name, operand.name))


def to_runs(access: CurrentAccess) -> Response:
    """A project is first of all its runs."""
    return RedirectResponse(f"/projects/{access.here.id}/runs", 303)


def show_runs(
    request: Request,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    query: str = "",
    sort: Annotated[list[str] | None, Query()] = None,
    column: Annotated[list[str] | None, Query(max_length=MOST_COLUMNS)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Cursor = None,
) -> Response:
    """The table."""
    etag = listing.stamp(hub, access)
    wanted_sort, problem, found = sort or ["-started"], None, Listed([], {}, None, 0, True)
    operands: list[Operand] = []
    try:
        operands = [parse_column(name) for name in column or []]
        found = listing.listed(hub, access, query, sort=wanted_sort, limit=limit, after=cursor)
    except QueryError as error:
        problem = _told(error)
    except ArgumentError as error:
        raise Problem(422, str(error)) from None
    chosen = operands if column is not None else _usual(found.rows)
    columns = _columns(chosen, wanted_sort[0].strip(), found.rows)
    return page(
        request,
        "runs.html",
        access,
        status=200 if problem is None else 422,
        twin=f"/api{request.url.path}?{urlencode({'query': query, 'sort': wanted_sort}, doseq=True)}",
        etag=etag,
        found=found,
        query=query,
        sort=wanted_sort,
        columns=columns,
        problem=problem,
        more=_next(request, found.next) if found.next else None,
        kept=_kept(request),
        views=_linked(views_json(views.listed(hub, access))),
        state={
            "project": access.here.id,
            "columns": [each.name for each in columns],
            "always": _ALWAYS_SHOWN,
            "fields": [name for name in FIELDS if name != "workspace"],
            "sets": SETS,
        },
    )


def _usual(rows: Sequence[Row]) -> list[Operand]:
    """What is worth a column where nobody has chosen: metrics and parameters that most of these runs have."""
    usual: list[Operand] = []
    for kind in ("metric", "parameter"):
        counts = Counter(name for row in rows for name in getattr(row, f"{kind}s"))
        usual += [Value(kind, name) for name, _ in sorted(counts.items(), key=_most_first)[:_MOST_BY_DEFAULT]]
    return usual


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _columns(chosen: Sequence[Operand], sort: str, rows: Sequence[Row]) -> list[Column]:
    shown = [*map(Field, _ALWAYS_SHOWN), *chosen]
    return [_column(operand, sort, rows) for operand in dict.fromkeys(shown)]


def _column(operand: Operand, sort: str, rows: Sequence[Row]) -> Column:
    name = name_of(operand)
    order = {name: "ascending", f"-{name}": "descending"}.get(sort)
    downwards = order != "descending"  # the largest and the latest are what readers look for first
    numbers = [value for row in rows if type(value := value_of(row, operand)) in (int, float)]
    return Column(
        name,
        operand.name if isinstance(operand, Value) else operand.name.capitalize(),
        operand.kind if isinstance(operand, Value) else "",
        order,
        f"-{name}" if downwards else name,
        operand,
        is_number=bool(numbers),
        decimals=_decimals(numbers),
    )


def _decimals(numbers: Sequence[float]) -> int:
    """How many decimals make numbers comparable: five digits of the largest, and no more than are there."""
    floats = [number for number in numbers if isinstance(number, float) and math.isfinite(number)]
    plain = [f"{number:.5g}" for number in floats]
    there = max((len(text.partition(".")[2]) for text in plain if "e" not in text), default=0)
    largest = max(map(abs, floats), default=0.0)
    return min(there, max(0, 4 - math.floor(math.log10(largest)))) if largest else there


def _kept(request: Request) -> list[tuple[str, str]]:
    """What else the address says: another order begins at the first page."""
    return [
        (name, value) for name, value in request.query_params.multi_items() if name not in ("sort", "cursor")
    ]


def _next(request: Request, cursor: str) -> str:
    said = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"?{urlencode([*said, ('cursor', cursor)])}"


def _linked(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Views with the part of the address that shows them."""
    linked = []
    for view in found:
        settings = view["settings"]
        said = {
            "query": settings["query"],
            "sort": settings["sort"],
            "column": settings["columns"],
            **settings["chart"],
        }
        address = urlencode({name: value for name, value in said.items() if value}, doseq=True)
        linked.append({"id": view["id"], "name": view["name"], "link": f"?{address}"})
    return linked


def _told(error: QueryError) -> dict[str, Any]:
    """A mistake in a query, with the text around the character."""
    query, at = error.query, error.position
    begin, end = max(0, at - 40), at + 40
    return {
        "reason": error.reason,
        "before": ("…" if begin else "") + query[begin:at],
        "at": query[at : at + 1] or " ",
        "after": query[at + 1 : end] + ("…" if end < len(query) else ""),
        "position": at,
    }
