"""What a command printed, as the page of a run loads it: piece after piece."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from ..api.here import CurrentAccess, CurrentHub
from ..services import logs
from .render import page

__all__ = ["show_log"]


def show_log(
    request: Request,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    execution: str,
    stream: Literal["stdout", "stderr"],
    start: Annotated[int, Query(ge=0, le=1 << 50, description="Where it begins, in bytes.")] = 0,
) -> Response:
    """A piece of what a command printed, and how to get the next."""
    found = logs.piece(hub, access, execution, stream, start)
    return page(request, "log.html", access, piece=found, most=logs.PIECE, execution=execution, stream=stream)
