"""The Hub as an ASGI application; everything that it works with is passed in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response

from ..catalog.database import is_full, is_orphan, is_transient
from ..errors import DotscienceError
from .access import Access, Asker
from .api.answers import Answer, written_where_made
from .gate import asker_of_browser, gate
from .hub import Hub
from .middleware import Surround
from .openapi import described, document
from .pages.render import STATIC, StaticPages, page
from .problems import Problem, full, problem_of
from .routes import API, OLD_CLIENT, PAGES, Route
from .settings import HubSettings

if TYPE_CHECKING:
    from ..catalog.shared import SharedCatalog
    from ..storage.blobs import Blobs

__all__ = ["create_app"]

_NOTHING_HERE = "There is nothing at this address. It may be mistyped, or what was here may be gone."

_GONE = "What this belongs to, such as the project, was removed just now."


def create_app(
    settings: HubSettings,
    catalog: SharedCatalog,
    blobs: Blobs,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """A Hub over a catalog and a store of blobs.

    Args:
        clock: seconds since the Unix epoch.

    Example:
        >>> app = create_app(HubSettings(), SharedCatalog(engine), LocalBlobs("blobs"))
    """
    hub = Hub(settings, catalog, blobs, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        hub.close()

    app = FastAPI(
        title="Dotscience Hub",
        version=_version(),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        default_response_class=Answer,
    )
    app.state.hub = hub
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    for route in (*API, *PAGES, *OLD_CLIENT):
        _add(app, route, in_schema=route in API)
    app.mount("/static", StaticPages(directory=STATIC), name="static")
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(DotscienceError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(DBAPIError, _on_database)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    streaming = [(route.method, route.path) for route in (*API, *PAGES, *OLD_CLIENT) if route.streams]
    app.add_middleware(Surround, metrics=hub.metrics, answer=answer, streaming=streaming)
    return app


def _add(app: FastAPI, route: Route, *, in_schema: bool) -> None:
    app.add_api_route(
        route.path,
        written_where_made(route.handler, route.status),
        methods=[route.method],
        status_code=route.status,
        dependencies=[Depends(gate(route.need))],
        response_model=None,
        **(described(route) if in_schema else {}),
        include_in_schema=in_schema,
    )


def _version() -> str:
    from .. import __version__

    return __version__


def answer(problem: Problem, request: Request) -> Response:
    """A problem as the answer to a request: a page for people, a document for programs."""
    if _is_for_people(request):
        if problem.status == 401 and request.method == "GET":
            return RedirectResponse(f"/signin?next={quote(_target(request), safe='')}", 303)
        access = getattr(request.state, "access", None) or Access(getattr(request.state, "asker", Asker()))
        return page(request, "problem.html", access, status=problem.status, problem=problem.to_json())
    headers = dict(problem.headers or {})
    # A browser must not open a dialog of its own: it would send what is typed there with every later request, whoever made it.
    if "sec-fetch-mode" in request.headers:
        headers.pop("WWW-Authenticate", None)
    if problem.status == 401 and request.url.path.startswith("/v2/"):
        return Response("Unauthorized.", 401, headers, "text/plain")
    said = {**problem.to_json(), "request": request.scope.get("state", {}).get("request_id")}
    return Answer(said, problem.status, headers, "application/problem+json")


def _is_for_people(request: Request) -> bool:
    is_api = request.url.path.startswith(("/api/", "/v2/"))
    return not is_api and "text/html" in request.headers.get("accept", "")


def _target(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error, request)


def _on_our_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DotscienceError)
    problem = problem_of(error)
    if problem.status == 500:  # a fault of ours, which the log must hold
        raise error
    return answer(problem, request)


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"at": [str(part) for part in one["loc"]], "what": str(one["msg"])} for one in error.errors()[:20]
    ]
    first = errors[0] if errors else {"at": [], "what": "it cannot be read"}
    return answer(
        Problem(422, f"{'.'.join(first['at'])}: {first['what']}", "invalid", errors=errors), request
    )


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if _is_for_people(request):  # no route, so nobody has asked yet who looks
        with suppress(DBAPIError):
            request.state.asker = asker_of_browser(request)
    detail = _NOTHING_HERE if error.status_code == 404 else str(error.detail)
    return answer(Problem(error.status_code, detail, headers=dict(error.headers or {})), request)


def _on_database(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and is_transient(error):
        detail = "The Hub's database is away for a moment. Try again."
        return answer(Problem(503, detail, "try-again", headers={"Retry-After": "2"}), request)
    if is_full(error):
        return answer(full(), request)
    if is_orphan(error):
        return answer(Problem(404, _GONE), request)
    raise error


def _on_disconnect(request: Request, error: Exception) -> Response:
    return Response(status_code=499)
