"""Reading the body of a request, no further than the Hub takes."""

from __future__ import annotations

from fastapi import Request

from ..problems import Problem

__all__ = ["read_body"]


async def read_body(request: Request, most: int, setting: str | None) -> bytes:
    """The whole body.

    Args:
        most: bytes; 0 for any number.

    Raises:
        Problem: 413, it has more than `most` bytes.
    """
    said = request.headers.get("content-length", "")
    parts, size = [], 0
    if not (said.isdigit() and 0 < most < int(said)):
        async for part in request.stream():
            size += len(part)
            if 0 < most < size:
                break
            parts.append(part)
        else:
            return b"".join(parts)
    named = "" if setting is None else f" (setting {setting})"
    raise Problem(413, f"The Hub takes at most {most} bytes here{named}.", "limit")
