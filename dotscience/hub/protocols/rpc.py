"""JSON-RPC 2.0 at `/v2/dotmesh/rpc`, for a client that is strict about the envelope.

Every answer has HTTP status 200 and exactly the keys `jsonrpc`, `id` and one of `result` and `error`: 0.8.7 takes anything
else for a failure of the protocol and never shows the message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

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
_ERRORS = (Wrong, Problem, DotscienceError)


async def call_method(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """Call a method of the Hub's JSON-RPC, as dotscience 0.8.7 does."""
    raw = await read_body(request, hub.settings.limits.record, "limit_record")
    said = request.headers.get("authorization", "")
    # Requests and answers may be long: both are read and written in the thread.
    found = await run_in_threadpool(_answered, raw, Call(hub, access, {}, said))
    if isinstance(found, Response):
        return found
    try:
        return _result(found.number, await commit(found.call))
    except _ERRORS as error:
        return _failed(found.number, error)


class _Commit(NamedTuple):
    """A call of the one method that waits, for which no thread is held."""

    number: str | int | None
    call: Call


def _answered(raw: bytes, call: Call) -> Response | _Commit:
    """The answer to a request; what is asked is put into the call."""
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
    name, call = asked["method"].removeprefix(_PREFIX), replace(call, params=asked.get("params", {}))
    if name == "Commit":
        return _Commit(number, call)
    if name not in METHODS:
        return _error(number, _METHOD, f"There is no method {asked['method'][:100]!r} here.")
    try:
        return _result(number, METHODS[name](call))
    except _ERRORS as error:
        return _failed(number, error)


def _failed(number: str | int | None, error: Wrong | Problem | DotscienceError) -> Response:
    if isinstance(error, Wrong):
        return _error(number, _PARAMS, str(error))
    problem = error if isinstance(error, Problem) else problem_of(error)
    return _error(number, _FAILED, problem.detail)


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
