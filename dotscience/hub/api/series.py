"""The series of a run, and their points."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from ..services import series
from .answers import json_answer
from .here import CurrentAccess, CurrentHub

__all__ = ["get_points", "list_series"]

_Edge = Annotated[float | None, Query(allow_inf_nan=False)]


def list_series(request: Request, hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """The series that a run logged: name, count, last, min, max."""
    return json_answer(request, {"series": series.series(hub, access, run)})


def get_points(
    request: Request,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    run: str,
    name: Annotated[list[str], Query(max_length=series.MOST_NAMES)],
    width: Annotated[int, Query(ge=1, le=100_000, description="Of the chart, in pixels.")] = 800,
    x: Annotated[
        Literal["step", "time", "epoch"], Query(description="`time` is milliseconds since the Unix epoch.")
    ] = "step",
    start: Annotated[_Edge, Query(alias="from", description="Where the window on `x` begins.")] = None,
    stop: Annotated[_Edge, Query(alias="to", description="Where it ends.")] = None,
) -> Response:
    """Points of series: all that are in the window, or as many as draw the same line on a chart of that width."""
    window = series.Window(x, width, start, stop)
    found = series.points(hub, access, run, name, window)
    return json_answer(request, {"x": x, "series": [each.to_json() for each in found]})
