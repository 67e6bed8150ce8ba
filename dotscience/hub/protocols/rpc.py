"""JSON-RPC 2.0 at `/v2/dotmesh/rpc`, for a client that is strict about the envelope.

Every answer has HTTP status 200 and exactly the keys `jsonrpc`, `id` and one of `result` and `error`: 0.8.7 takes anything
else for a failure of the protocol and never shows the message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from ...errors import DotscienceError
from ..api.answers import Answer
from ..api.body import read_body
from ..api.here import CurrentAccess, CurrentHub
from ..problems import Problem, problem_of
from .commits import commit
from .methods import METHODS, Call, Wrong

__all__ = ["call_method"]

_PARSE, _REQUEST, _METHOD, _PARAMS, _FAILED = -32700, -32600, -32601, -32602, -32000
_PREFIX = "DotmeshRPC."


async def call_method(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """Call a method of the Hub's JSON-RPC, as dotscience 0.8.7 does."""
    raw = await read_body(request, hub.settings.limits.record, "limit_record")
    try:
        asked = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _error(None, _PARSE, "The request is no JSON.")
    number = asked.get("id") if isinstance(asked, dict) else None
    if isinstance(number, bool) or not isinstance(number, str | int | None):
        number = None
    if (
        not isinstance(asked, dict)
        or asked.get("jsonrpc") != "2.0"
        or not isinstance(asked.get("method"), str)
    ):
        return _error(number, _REQUEST, 'A request is one object with "jsonrpc": "2.0" and a method.')
    name, params = asked["method"].removeprefix(_PREFIX), asked.get("params", {})
    call = Call(hub, access, params, request.headers.get("authorization", ""))
    try:
        if name == "Commit":
            return _result(number, await commit(call))
        if name not in METHODS:
            return _error(number, _METHOD, f"There is no method {asked['method'][:100]!r} here.")
        return _result(number, await run_in_threadpool(METHODS[name], call))
    except Wrong as error:
        return _error(number, _PARAMS, str(error))
    except Problem as problem:
        return _error(number, _FAILED, problem.detail)
    except DotscienceError as error:
        return _error(number, _FAILED, problem_of(error).detail)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _result(number: str | int | None, result: Any) -> Response:
    return _answer({"jsonrpc": "2.0", "id": number, "result": result})


def _error(number: str | int | None, code: int, message: str) -> Response:
    return _answer(
        {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, "data": None}}
    )


def _answer(content: Mapping[str, Any]) -> Response:
    return Answer(content)
