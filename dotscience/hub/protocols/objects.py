"""The S3-like API, through which the 0.8.7 client sends the files of its runs: `/v2/dotmesh/s3/{namespace}:{dot}/{key}`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from ..access import Need
from ..api.answers import Answer
from ..api.blobs import blob_response
from ..api.here import CurrentAccess, CurrentHub
from ..hub import Hub
from ..services import dot_files, dot_uploads, dots
from ..services.dots import Address, Place
from ..store.entries import Entry
from .archive import tar_header, tar_of
from .listing import Question, list_files
from .receiving import Alive, Archive, OneFile, Receiver, kept_alive

__all__ = ["get_object", "list_objects", "put_object", "remove_object"]

_PIECE = 1 << 20
_MOST_KEYS = 10_000
_SNAPSHOT = "snapshot"


async def put_object(
    request: Request, hub: CurrentHub, access: CurrentAccess, bucket: str, key: str
) -> Response:
    """Send a file; with the header `Extract: true` a tar archive, which is unpacked at that path."""

    def begin() -> tuple[Place, str]:
        place = dots.find(hub, access.asker, Need.EDIT, _address(bucket))
        return place, dot_uploads.announce(hub, place)

    path = dot_files.object_path(key)
    is_tree = request.headers.get("extract", "").lower() == "true"
    place, upload = await run_in_threadpool(begin)
    async with kept_alive(hub, upload) as alive:
        kind = Archive if is_tree else OneFile
        receiver: Receiver = await run_in_threadpool(kind, hub, place, path)
        try:
            with hub.metrics.uploads.track_inprogress():
                async for piece in _pieces(request, alive):
                    await run_in_threadpool(receiver.write, piece)
            alive.is_storing = True
            files = await run_in_threadpool(receiver.finish)
        except BaseException:
            await run_in_threadpool(receiver.discard, upload)
            raise

        def keep() -> str:
            return dot_files.put(hub, place, path, files, upload=upload, is_tree=is_tree)

        commit = await run_in_threadpool(keep)
    return Response(headers={"Snapshot": commit})


def get_object(request: Request, hub: CurrentHub, access: CurrentAccess, bucket: str, key: str) -> Response:
    """A file, or a directory as a tar archive; `snapshot/{commit}/…` as a commit left it, `snapshot/{commit}` lists it."""
    place = dots.find(hub, access.asker, Need.VIEW, _address(bucket))
    if key == _SNAPSHOT or key.startswith(f"{_SNAPSHOT}/"):
        _, _, rest = key.partition("/")
        commit, _, key = rest.partition("/")
        if not key:
            return _listing(request, hub, place, commit, _question(request))
        return _content(request, hub, place, commit, key)
    return _content(request, hub, place, "latest", key)


def list_objects(request: Request, hub: CurrentHub, access: CurrentAccess, bucket: str) -> Response:
    """The files of a dot."""
    place = dots.find(hub, access.asker, Need.VIEW, _address(bucket))
    return _listing(request, hub, place, "latest", _question(request))


def remove_object(hub: CurrentHub, access: CurrentAccess, bucket: str, key: str) -> Response:
    """Remove a file, or a directory with all that is in it. Commits made before still hold it."""
    place = dots.find(hub, access.asker, Need.EDIT, _address(bucket))
    commit = dot_files.remove(hub, place, dot_files.object_path(key))
    return Response(headers={"Snapshot": commit})


def _address(bucket: str) -> Address:
    """`{namespace}:{dot}` or `{namespace}:{dot}@{branch}`."""
    namespace, _, rest = bucket.partition(":")
    name, _, branch = rest.partition("@")
    return Address(namespace, name, branch)


async def _pieces(request: Request, alive: Alive) -> AsyncIterator[bytes]:
    """The body in pieces of about a MiB; each chunk that comes is a sign of life."""
    waiting = bytearray()
    async for part in request.stream():
        alive.is_heard = True
        waiting += part
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _content(request: Request, hub: Hub, place: Place, commit: str, key: str) -> Response:
    at = dot_files.snapshot(hub, place, None if commit == "latest" else commit)
    path = dot_files.object_path(key)
    found = dot_files.find(hub, at, path)
    if isinstance(found, Entry):
        return blob_response(request, hub, place.access, found.digest, name=path)
    headers = {"Content-Disposition": "attachment", "Cache-Control": "private, no-store"}
    body = _archive(hub, path, found) if request.method != "HEAD" else iter(())
    return StreamingResponse(body, 200, headers, "application/x-tar")


def _archive(hub: Hub, path: str, entries: Sequence[Entry]) -> Iterator[bytes]:
    """A directory, whose own name stands before all names in it."""
    above = len(path.rpartition("/")[0])
    return tar_of(
        (
            tar_header(entry.path[above:].lstrip("/"), entry.size, entry.modified / 1e6),
            entry.size,
            hub.blobs.read(entry.digest),
        )
        for entry in entries
    )


def _question(request: Request) -> Question:
    asked = request.query_params
    return Question(
        prefix=asked.get("Prefix", ""),
        most=max(1, min(_MOST_KEYS, _number(asked.get("MaxKeys"), 100))),
        page=_number(asked.get("Page"), 0),
        is_flat=_is_said(asked.get("NonRecursive")),
        has_directories=_is_said(asked.get("IncludeDirectories")),
    )


def _listing(request: Request, hub: Hub, place: Place, commit: str, question: Question) -> Response:
    at = dot_files.snapshot(hub, place, None if commit == "latest" else commit)
    listing = dot_files.read(hub, at, question.prefix, lambda entries: list_files(entries, question))
    if request.query_params.get("Format", "").lower() == "json":
        return Answer(listing.to_json(place.name, question))
    return Response(listing.to_xml(place.name, question), media_type="application/xml")


def _number(said: str | None, default: int) -> int:
    return int(said) if said and said.isascii() and said.isdigit() and len(said) < 10 else default


def _is_said(said: str | None) -> bool:
    return said is not None and said.lower() in ("", "1", "true")
