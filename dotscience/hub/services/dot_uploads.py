"""What is being sent into a dot: a lease that commits of runs look at, and the bytes."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection

from ..hub import Hub
from ..store import holdings
from .dots import Place
from .room import Room

__all__ = ["LEASE", "RENEWED_EVERY", "Content", "Incoming", "announce", "expect_no_more", "renew"]

LEASE = 30.0
"""Seconds for which an upload counts as alive after it was last heard of."""

RENEWED_EVERY = 5.0
"""Seconds."""

_LONG_OVER = 60 * 60 * 1_000_000


@dataclass(frozen=True)
class Content:
    """Bytes that have come, and are a blob by now."""

    digest: str
    size: int


def announce(hub: Hub, place: Place) -> str:
    """Something begins to come into a dot: commits of runs wait for it. The id of the upload."""
    upload, now, project = str(uuid.uuid4()), hub.now(), place.project.id
    lease = now + int(LEASE * 1e6)

    def work(connection: Connection) -> None:
        holdings.forget_uploads(connection, now - _LONG_OVER)
        holdings.add_upload(connection, upload, project, dot=place.dot.id, now=now, lease=lease)

    hub.change(work)
    return upload


def renew(hub: Hub, upload: str) -> None:
    """It is still coming."""
    lease = hub.now() + int(LEASE * 1e6)
    hub.change(lambda connection: holdings.extend_upload(connection, upload, lease))


def expect_no_more(hub: Hub, upload: str) -> None:
    """It broke off, or was refused."""
    hub.change(lambda connection: holdings.end_upload(connection, upload))


class Incoming:
    """The bytes of one file, on their way to become a blob. All methods wait for the disk."""

    def __init__(self, hub: Hub, room: Room) -> None:
        self._room = room
        self._sha = hashlib.sha256()
        self._upload = hub.blobs.upload(f"{room.project}/{uuid.uuid4().hex}")

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Problem: 413, the file or the project becomes larger than the Hub takes.
        """
        self._room.take(len(data), of=self._upload.offset + len(data))
        self._sha.update(data)
        self._upload.write(data)

    def finish(self) -> Content:
        """All has come."""
        digest = self._sha.hexdigest()
        return Content(digest, self._upload.commit(digest))

    def discard(self) -> None:
        """Keep nothing of it."""
        self._upload.discard()
