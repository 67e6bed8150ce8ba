"""JSON answers of content that others wrote: with an ETag, and whatever it holds."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from fastapi import Request, Response
from starlette.responses import JSONResponse

from ..problems import Problem

__all__ = ["Answer", "json_answer", "written_where_made"]


class Answer(JSONResponse):
    """A JSON answer; texts that users made of halves of characters go out escaped, as they came in."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        try:
            return super().render(content)
        except ValueError:
            return _written(content).encode("ascii")


def written_where_made(handler: Callable[..., Any], status: int) -> Callable[..., Any]:
    """The handler of a route, whose answer is bytes already when it comes back from the thread that made it.

    FastAPI would write the values that it returns in the event loop, where a large answer holds up everybody.

    Args:
        status: of a success.
    """
    if inspect.iscoroutinefunction(handler):  # which runs in the event loop itself, and answers with little
        return handler

    @wraps(handler)
    def answering(*args: Any, **named: Any) -> Response:
        found = handler(*args, **named)
        return found if isinstance(found, Response) else Answer(found, status)

    # In types, for old versions of FastAPI look the words of annotations up where the function stands that they are given.
    answering.__signature__ = inspect.signature(handler, eval_str=True)  # type: ignore[attr-defined]
    return answering


def json_answer(request: Request, value: Any) -> Response:
    """A value as JSON; 304 where the reader has just that. Numbers that JSON does not have become texts.

    Raises:
        Problem: 422, the value is nested deeper than can be written.
    """
    try:
        text = _written(value)
    except RecursionError:
        raise Problem(422, "What is recorded here is nested too deep to be shown.", "nested") from None
    raw = text.encode("ascii")
    headers = {"ETag": f'"{hashlib.sha256(raw).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(raw, media_type="application/json", headers=headers)


def _written(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
