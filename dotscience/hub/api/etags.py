"""Answers that need not be sent again: the client says which it has, by its ETag."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from .answers import Answer

__all__ = ["has_it", "not_modified", "tagged"]

_CACHING = {"Cache-Control": "private, no-cache"}


def has_it(request: Request, etag: str) -> bool:
    """Whether the client has what that ETag stands for (RFC 9110, weak comparison)."""
    said = request.headers.get("if-none-match", "")
    held = {one.strip().removeprefix("W/") for one in said.split(",")}
    return "*" in held or etag.removeprefix("W/") in held


def not_modified(etag: str) -> Response:
    """The answer to a client that has it."""
    return Response(status_code=304, headers={"ETag": etag, **_CACHING})


def tagged(content: dict[str, Any], etag: str) -> Response:
    """JSON with its ETag."""
    return Answer(content, headers={"ETag": etag, **_CACHING})
