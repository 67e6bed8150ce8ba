"""Executions of `ds run`: sent, and looked at."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from ..services import executions
from .answers import json_answer
from .body import read_body
from .here import CurrentAccess, CurrentHub

__all__ = ["get_execution", "put_execution"]


def get_execution(request: Request, hub: CurrentHub, access: CurrentAccess, execution: str) -> Response:
    """What `ds run` executed: exit code, times, peak memory, and the digests of what it printed."""
    return json_answer(request, executions.find(hub, access, execution).to_json())


async def put_execution(
    request: Request, response: Response, hub: CurrentHub, access: CurrentAccess, execution: str
) -> dict[str, Any]:
    """Send what `ds run` executed, when it has ended and a run of it is here. Sending it again changes nothing."""
    raw = await read_body(request, executions.LARGEST, None)
    is_new = await run_in_threadpool(executions.accept, hub, access, execution, raw)
    response.status_code = 201 if is_new else 200
    return {"id": execution, "is_new": is_new}
