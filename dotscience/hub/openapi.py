"""The OpenAPI document of the REST API, complete enough to generate a client from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from .access import Need
from .api.answers import Answer
from .api.shapes import ProblemDocument

if TYPE_CHECKING:
    from .routes import Route

__all__ = ["described", "document"]

_PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
_PROBLEMS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, or the key is not valid.",
    403: "The role does not allow it.",
    404: "There is no such thing, or the asker may not know of it.",
    405: "The path has no such method.",
    409: "It does not fit what is there.",
    413: "It is larger than the Hub takes.",
    414: "The address is too long.",
    422: "A value does not fit.",
    429: "Too many sign-ins failed.",
    431: "There are too many headers.",
    500: "The Hub failed.",
    503: "Not now: try again.",
    507: "The Hub's storage is full.",
}

_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "User name and API key (or password)."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "ds_session",
        "description": "A sign-in on the web pages. Unsafe methods also need the header X-CSRF-Token.",
    },
}
_SECURITY: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]


def described(route: Route) -> dict[str, Any]:
    """What FastAPI is told of a route beside how to call it."""
    about = (route.handler.__doc__ or "").strip()
    answers: dict[int | str, dict[str, Any]] = {
        status: {"description": "Done.", **_content(route)} for status in (route.status, *route.others)
    }
    for status, why in _PROBLEMS.items():
        answers[status] = {
            "description": why,
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
    extra: dict[str, Any] = {}
    if route.need is not Need.NOTHING:
        extra["security"] = _SECURITY
    else:
        extra["security"] = [{}, *_SECURITY]
    if route.streams:
        extra["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    return {
        "operation_id": f"{route.handler.__name__}{'_head' if route.method == 'HEAD' else ''}",
        "summary": about.partition("\n")[0],
        "description": f"{about}\n\nNeeds: {route.need.value}.",
        "responses": answers,
        "response_class": Response if isinstance(route.shape, str) or route.method == "HEAD" else Answer,
        "openapi_extra": extra,
        "tags": [_tag(route.path)],
    }


def _content(route: Route) -> dict[str, Any]:
    if route.shape is None or route.status == 204 or route.method == "HEAD":
        return {}
    if isinstance(route.shape, str):
        return {"content": {route.shape: {"schema": {"type": "string", "format": "binary"}}}}
    return {"content": {"application/json": {"schema": {"$ref": _reference(route.shape.__name__)}}}}


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _tag(path: str) -> str:
    words = [word for word in path.split("/") if word and not word.startswith("{")]
    return "operations" if words[0] != "api" else (words[2] if len(words) > 2 else words[1])


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        from .routes import API

        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path, operations in made["paths"].items():
            for operation in operations.values():
                _name_parameters(path, operation)
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for shape in (ProblemDocument, *(route.shape for route in API)):
            if shape is None or isinstance(shape, str):
                continue
            found = shape.model_json_schema(ref_template=_reference("{model}"), mode="serialization")
            schemas.update(found.pop("$defs", {}))
            schemas[shape.__name__] = found
        components["securitySchemes"] = _SCHEMES
        app.openapi_schema = made
    return app.openapi_schema


def _name_parameters(path: str, operation: dict[str, Any]) -> None:
    """Add the parts of a path that no handler asks for by name, because the gate has read them."""
    there = operation.setdefault("parameters", [])
    named = {parameter["name"] for parameter in there if parameter["in"] == "path"}
    for name in re.findall(r"{(\w+)", path):
        if name not in named:
            kind = {"type": "string", "minLength": 1}
            there.insert(0, {"name": name, "in": "path", "required": True, "schema": kind})
