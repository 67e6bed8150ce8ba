"""The series of a run, and their points."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ..services import series
from .answers import json_answer
from .here import CurrentAccess, CurrentHub

__all__ = ["get_points", "list_series"]

_AFTER = (
    "The `end` of an earlier answer about a run in progress: only points that came since are told. "
    "Where the answer's own `after` is 0 they are all."
)
_Edge = Annotated[float | None, Query(allow_inf_nan=False)]


def list_series(request: Request, hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """The series that a run logged: name, count, last, min, max."""
    return json_answer(request, {"series": series.series(hub, access, run)})


async def get_points(
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
    after: Annotated[int, Query(ge=0, le=1 << 50, description=_AFTER)] = 0,
) -> Response:
    """Points of series: all that are in the window, or as many as draw the same line on a chart of that width."""
    window = series.Window(x, width, start, stop, after)

    def read() -> Response:
        found = series.points(hub, access, run, name, window)
        told = [each.to_json() for each in found.series]
        return json_answer(request, {"x": x, "series": told, "after": found.after, "end": found.end})

    async with hub.reading_points:  # who waits here holds no thread, which others need
        return await run_in_threadpool(read)
