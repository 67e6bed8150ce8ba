"""Content by digest: asked for, sent, and fetched through a project that holds it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..services import blobs
from .etags import has_it
from .here import CurrentAccess, CurrentHub
from .shapes import Digests

__all__ = ["ask_missing", "blob_response", "get_blob", "put_blob", "upload_offset"]

_PIECE = 1 << 20
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def ask_missing(hub: CurrentHub, access: CurrentAccess, wanted: Digests) -> dict[str, list[str]]:
    """Which of these contents must be sent."""
    return {"missing": blobs.missing(hub, access, wanted.digests)}


def upload_offset(hub: CurrentHub, access: CurrentAccess, digest: str) -> dict[str, int]:
    """How many bytes are kept of an upload of yours that broke off."""
    return {"offset": blobs.kept_of_upload(hub, access, digest)}


async def put_blob(
    request: Request,
    response: Response,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    digest: str,
    upload_offset: Annotated[int, Header(ge=0, description="Where these bytes begin in the whole.")] = 0,
    upload_length: Annotated[int | None, Header(ge=0, description="Size of the whole.")] = None,
) -> dict[str, Any]:
    """Send content. What has come when the connection breaks is kept: ask for its offset and go on from there."""
    blobs.checked(digest)
    if await run_in_threadpool(blobs.held, hub, access, digest) is not None:
        response.status_code = 200
        return {"digest": digest, "is_new": False}
    total = upload_length if upload_length is not None else _length(request, upload_offset)
    receiving = await run_in_threadpool(blobs.receive, hub, access, digest, upload_offset, total)
    try:
        with hub.metrics.uploads.track_inprogress():
            await _write_all(request, receiving)
    except BaseException:  # the connection broke, the disk is full, the Hub is being stopped
        await run_in_threadpool(receiving.suspend)
        raise
    if total is not None and receiving.offset < total:
        await run_in_threadpool(receiving.suspend)
        raise Problem(400, f"{receiving.offset} of {total} bytes came; go on from there.", "short")
    await run_in_threadpool(receiving.commit)
    response.status_code = 201
    return {"digest": digest, "is_new": True}


def get_blob(request: Request, hub: CurrentHub, access: CurrentAccess, digest: str) -> Response:
    """Content that the project holds; a range of it where one is asked for."""
    return blob_response(request, hub, access, digest)


def blob_response(
    request: Request,
    hub: Hub,
    access: Access,
    digest: str,
    *,
    media_type: str = "application/octet-stream",
    name: str | None = None,
) -> Response:
    """Content as an answer. Browsers save it and never show it, whatever it is."""
    size = blobs.size_of(hub, access, digest)
    headers = {
        "ETag": f'"{digest}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Disposition": "attachment" if name is None else _attachment(name),
    }
    if has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    start, stop = _range(request.headers.get("range"), size)
    headers["Content-Length"] = str(stop - start)
    is_part = (start, stop) != (0, size)
    if is_part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    pieces = hub.blobs.read(digest, start, stop - start)  # of content that is gone there is no answer of 200
    body = pieces if request.method != "HEAD" else iter(())
    return StreamingResponse(body, 206 if is_part else 200, headers, media_type)


def _range(said: str | None, size: int) -> tuple[int, int]:
    """Begin and end of what is asked for (RFC 9110, a single range)."""
    found = None if said is None else _RANGE.fullmatch(said)
    if found is None or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
    if start >= stop:
        raise Problem(416, f"There are {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return start, stop


def _attachment(name: str) -> str:
    from urllib.parse import quote

    return f"attachment; filename*=UTF-8''{quote(name.rpartition('/')[2], safe='')}"


def _length(request: Request, offset: int) -> int | None:
    said = request.headers.get("content-length", "")
    return offset + int(said) if said.isdigit() and len(said) < 20 else None


async def _write_all(request: Request, receiving: blobs.Receiving) -> None:
    """Write the body as it comes: while one piece is hashed and written, the next is received."""
    writing: asyncio.Future[None] | None = None
    try:
        async for piece in _pieces(request):
            if writing is not None:
                await writing
            writing = asyncio.ensure_future(run_in_threadpool(receiving.write, piece))
    finally:
        if writing is not None:
            await writing


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of about a MiB: each is a trip to another thread."""
    waiting = bytearray()
    async for part in request.stream():
        waiting += part
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting = bytearray()
    if waiting:
        yield bytes(waiting)
