"""What an upload of the 0.8.7 client brings, on its way into a dot: one file, or an archive of several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from ..hub import Hub
from ..problems import Problem
from ..services import blobs, dot_files, dot_uploads
from ..services.dot_uploads import Content, Incoming
from ..services.dots import Place
from ..services.room import Room
from .archive import Member, TarReader

__all__ = ["Alive", "Archive", "OneFile", "Receiver", "kept_alive"]


class Receiver(Protocol):
    """Takes a body. Its methods wait for the disk."""

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises Problem where they are refused."""

    def finish(self) -> Mapping[str, Content]:
        """All has come: the files, by their whole paths; raises Problem where they are refused."""

    def discard(self, upload: str) -> None:
        """Nothing comes of it; `upload` is its id."""


class OneFile:
    """A body that is one file."""

    def __init__(self, hub: Hub, place: Place, path: str) -> None:
        self._path, self._incoming = path, Incoming(hub, Room(hub, place.project.id))

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._incoming.write(data)

    def finish(self) -> Mapping[str, Content]:
        """The file."""
        return {self._path: self._incoming.finish()}

    def discard(self, upload: str) -> None:
        """Keep nothing."""
        self._incoming.discard()


_LOOSE, _LOOSE_BYTES = 64, 16 << 20
"""Files of an archive, and how much of them, that the project does not hold yet though they have come."""


class Archive:
    """A body that is a tar archive, unpacked below a path while it comes. Of members with one name the last counts.

    The project holds what has come, a few files at a time: so it counts, whatever becomes of the archive, until the sweep finds
    that nothing names it.
    """

    def __init__(self, hub: Hub, place: Place, path: str) -> None:
        self._hub, self._path, self._room = hub, path, Room(hub, place.project.id)
        self._reader = TarReader()
        self._files: dict[str, Content] = {}
        self._loose: dict[str, int] = {}
        self._incoming: Incoming | None = None
        self._name, self._rest = "", 0

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        for part in self._reader.feed(data):
            if isinstance(part, Member):
                self._name, self._rest = dot_files.object_path(f"{self._path}/{part.name}"), part.size
                self._room.take(0, of=part.size)  # before its bytes are stored
                self._incoming = Incoming(self._hub, self._room)
            elif self._incoming is not None:
                self._incoming.write(part)
                self._rest -= len(part)
            if self._incoming is not None and not self._rest:
                self._files[self._name] = come = self._incoming.finish()
                self._incoming = None
                self._loose[come.digest] = come.size
                if len(self._loose) >= _LOOSE or sum(self._loose.values()) >= _LOOSE_BYTES:
                    self._hold()

    def finish(self) -> Mapping[str, Content]:
        """The files."""
        self._reader.close()
        for path in self._files:
            parts = path.split("/")
            if any("/".join(parts[:count]) in self._files for count in range(1, len(parts))):
                raise Problem(
                    422, f"The archive holds a file where {path[:200]!r} needs a directory.", "archive"
                )
        self._hold()
        return self._files

    def discard(self, upload: str) -> None:
        """Keep nothing that the project does not hold yet."""
        if self._incoming is not None:
            self._incoming.discard()
        if self._loose:
            blobs.drop(self._hub, self._room.project, self._loose, upload)

    def _hold(self) -> None:
        if self._loose:
            blobs.hold(self._hub, self._room.project, self._loose)
        self._loose = {}  # only now: what the project did not come to hold is dropped


class Alive:
    """Keeps an upload's lease as long as it is heard of."""

    def __init__(self, upload: str) -> None:
        self.upload = upload
        self.is_heard = True
        self.is_storing = False


@asynccontextmanager
async def kept_alive(hub: Hub, upload: str) -> AsyncIterator[Alive]:
    """Renew an upload's lease while bytes come or are being stored. One that fails is over at once."""
    alive = Alive(upload)
    renewing = asyncio.create_task(_renew(hub, alive))
    try:
        yield alive
    except BaseException:
        await run_in_threadpool(dot_uploads.expect_no_more, hub, upload)
        raise
    finally:
        renewing.cancel()


async def _renew(hub: Hub, alive: Alive) -> None:
    while True:
        await asyncio.sleep(dot_uploads.RENEWED_EVERY)
        if alive.is_heard or alive.is_storing:
            alive.is_heard = False
            with suppress(DBAPIError):  # the lease outlives a few failures
                await run_in_threadpool(dot_uploads.renew, hub, alive.upload)
