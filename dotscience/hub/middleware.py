"""What happens to every request, around its handler: an id, limits, a line in the log, headers that browsers obey."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import LOG, log_request
from .metrics import Metrics
from .problems import Problem

__all__ = ["LARGEST_BODY", "Surround"]

LARGEST_BODY = 1 << 20
"""Bytes that a body has at most, on routes that do not read theirs piece by piece."""

_LONGEST_TARGET = 16 << 10
_MOST_HEADERS = 100
_REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
        "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
}


class Surround:
    """ASGI middleware.

    Args:
        metrics: counts the requests.
        answer: turns a problem into the answer to a request.
        streaming: methods and paths of the routes that read long bodies piece by piece.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        answer: Callable[[Problem, Request], Response],
        streaming: Collection[tuple[str, str]],
    ) -> None:
        self._app, self._metrics, self._answer = app, metrics, answer
        self._streaming = frozenset(streaming)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _make_plain(scope)
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            problem = _refusal(scope)
            if problem is None:
                await self._app(scope, self._limited(scope, receive), sending)
            else:
                await self._answer(problem, Request(scope))(scope, receive, sending)
        except Exception:
            LOG.exception("A request failed.", extra={"fields": {"request": request_id}})
            if not status:
                crash = self._answer(_crash(request_id), Request(scope))
                await crash(scope, receive, sending)
        finally:
            self._note(scope, request_id, status, time.perf_counter() - began)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """The body, which may be long only where the route reads it piece by piece."""
        size = 0

        async def receiving() -> Message:
            nonlocal size
            if (scope["method"], _route(scope)) in self._streaming:
                return await receive()
            if size == 0 and _said_length(scope) > LARGEST_BODY:
                raise _too_large()
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise _too_large()
            return message

        return receiving

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = _route(scope)
        # A path that no route has is anybody's invention; it must not become a name in the metrics.
        labels = (scope["method"] if route else "", route or "none", str(status or 499))
        self._metrics.requests.labels(*labels).observe(seconds)
        log_request(_entry(scope, request_id, status, seconds, route))


def _make_plain(scope: Scope) -> None:
    """A target in absolute form, and doubled slashes at its beginning, as the plain path that is meant."""
    path = scope["path"]
    if "://" in path[:8]:
        path = urlsplit(path).path or "/"
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if path != scope["path"]:
        scope["path"] = path


def _refusal(scope: Scope) -> Problem | None:
    """Why a request is not even looked at."""
    if len(scope["path"]) + len(scope.get("query_string", b"")) > _LONGEST_TARGET:
        return Problem(414, f"An address has at most {_LONGEST_TARGET} characters here.", "limit")
    if len(scope["headers"]) > _MOST_HEADERS:
        return Problem(431, f"A request has at most {_MOST_HEADERS} headers here.", "limit")
    if _CONTROL.search(scope["path"]):
        return Problem(400, "The path holds a control character.")
    if b"%00" in scope.get("query_string", b""):  # which no text of PostgreSQL can hold
        return Problem(400, "The address holds a NUL.")
    return None


def _too_large() -> HTTPException:
    """The answer to a body that is too long; of a kind that readers of bodies let pass."""
    return HTTPException(413, f"A body has at most {LARGEST_BODY} bytes here.")


def _route(scope: Scope) -> str | None:
    """The path of the route that was found, as the route table writes it."""
    return getattr(scope.get("route"), "path", None)


def _said_length(scope: Scope) -> int:
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() and len(said) < 20 else 0


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return uuid.uuid4().hex


def _crash(request_id: str) -> Problem:
    return Problem(
        500,
        f"The Hub failed at this. Whoever runs it finds more in its log, under the request {request_id}.",
        "crash",
    )


def _entry(scope: Scope, request_id: str, status: int, seconds: float, route: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "request": request_id,
        "method": scope["method"],
        "path": scope["path"][:1000],
        "route": route,
        "status": status or 499,
        "ms": round(1000 * seconds, 2),
        "client": scope["client"][0] if scope.get("client") else None,
    }
    access = scope.get("state", {}).get("access")
    if access is not None and access.asker.user is not None:
        entry["user"] = access.asker.user.name
    return entry
