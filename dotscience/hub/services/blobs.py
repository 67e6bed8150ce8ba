"""Content: what a project holds, and what is being sent to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ..access import Access, no_project
from ..hub import Hub
from ..problems import Problem
from ..store import holdings, projects
from .room import Room, hold_in

if TYPE_CHECKING:
    from ...storage.blobs import Upload

__all__ = [
    "Receiving",
    "drop",
    "held",
    "hold",
    "hold_within",
    "kept_of_upload",
    "missing",
    "receive",
    "size_of",
]

_DIGEST = re.compile("[0-9a-f]{64}")
_MOST_ASKED = 1000
_AT_ONCE = 16


def missing(hub: Hub, access: Access, digests: Sequence[str]) -> list[str]:
    """Those contents that must be sent before a record can name them as kept.

    What the answer tells apart is only what the asker may read; anything else is missing, and is stored once all the same.

    Raises:
        Problem: 422, something is no digest, or there are too many.
    """
    if len(digests) > _MOST_ASKED:
        raise Problem(422, f"Ask for at most {_MOST_ASKED} digests at once.")
    wanted = dict.fromkeys(map(checked, digests))
    asker, project = access.asker, access.here.id

    def ask(connection: Connection) -> list[str]:
        visible = projects.visible_projects(connection, asker.id, asker.only) | {project}
        known = holdings.known(connection, wanted, visible)
        return [digest for digest in wanted if digest not in known]

    return hub.read(ask)


def size_of(hub: Hub, access: Access, digest: str) -> int:
    """The size in bytes of a blob that the project holds.

    Raises:
        Problem: 404, it holds no such blob; 422, that is no digest.
    """
    checked(digest)
    size = held(hub, access, digest)
    if size is None:
        raise Problem(404, f"The project holds no content {digest}.")
    return size


def held(hub: Hub, access: Access, digest: str) -> int | None:
    """The size of a blob, or None where the project does not hold it."""
    return hub.read(lambda connection: holdings.holds(connection, access.here.id, digest))


def checked(digest: str) -> str:
    """The digest; raises Problem where it is none."""
    if not _DIGEST.fullmatch(digest):
        raise Problem(422, f"A digest is 64 hexadecimal digits in lower case, not {digest[:80]!r}.")
    return digest


def kept_of_upload(hub: Hub, access: Access, digest: str) -> int:
    """How many bytes are kept of an upload that broke off."""
    return hub.blobs.upload_offset(_name(access, checked(digest)))


class Receiving:
    """One blob that is being received. All its methods wait for the disk.

    Attributes:
        offset: bytes that have come so far.
    """

    def __init__(self, hub: Hub, access: Access, digest: str, upload: Upload, room: Room) -> None:
        self._hub, self._access, self._digest, self._upload, self._room = hub, access, digest, upload, room
        self.offset = upload.offset

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Problem: 413, the file or the project becomes larger than this Hub takes; nothing of it is kept.
        """
        try:
            self._room.take(len(data), of=self.offset + len(data))
        except Problem:
            self._upload.discard()
            raise
        try:
            self._upload.write(data)
        finally:
            self.offset = self._upload.offset

    def suspend(self) -> None:
        """Keep what has come, to go on later."""
        self._upload.suspend()

    def commit(self) -> None:
        """All has come: it is the project's from now on.

        Raises:
            DigestMismatchError: the bytes are others than was announced; none are kept.
        """
        size = self._upload.commit(self._digest)
        self._hub.metrics.received.inc(size)
        hold(self._hub, self._access.here.id, {self._digest: size})


def hold(hub: Hub, project: str, sizes: Mapping[str, int]) -> None:
    """A project holds these blobs, which were stored just now; raises what `hold_within` raises.

    Raises:
        Problem: 404, the project was removed while they came.
    """
    try:
        hub.change(lambda connection: hold_within(hub, connection, project, sizes))
    except IntegrityError:
        raise no_project() from None


def hold_within(hub: Hub, connection: Connection, project: str, sizes: Mapping[str, int]) -> None:
    """The same, in a transaction of the caller's.

    Raises:
        Problem: 503, `ds hub gc` removed one of them at this very moment: it must be sent again; 413, the project is full.
    """
    new = sizes.keys() - holdings.known(connection, sizes, {project}).keys()
    hold_in(connection, project, sizes, hub.now(), hub.settings.limits.project)
    # What was held is there. The look at the rest is under the lock of every change, so that nothing is removed between it and
    # the end of the transaction: whoever holds much does so bit by bit.
    if not _are_there(hub, new):
        raise Problem(503, "The content was removed while it came. Send it again.", "try-again")


def drop(hub: Hub, project: str, sizes: Mapping[str, int], upload: str) -> None:
    """These blobs were stored for an upload of which nothing comes: they are removed where nobody holds them.

    While others send, who may have stored the same and not hold it yet, the project holds them instead, and they count until the
    sweep finds that nothing names them.
    """

    def work(connection: Connection) -> None:
        if holdings.are_others_sending(connection, upload, hub.now()):
            holdings.hold(connection, project, sizes, hub.now())
            return
        for digest in sizes.keys() - holdings.held_by_anybody(connection, sizes):
            hub.blobs.delete(digest)

    hub.change(work)


def _are_there(hub: Hub, digests: Collection[str]) -> bool:
    if len(digests) < _AT_ONCE:
        return all(map(hub.blobs.has, digests))
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # an object store takes its time for each
        return all(pool.map(hub.blobs.has, digests))


def receive(hub: Hub, access: Access, digest: str, offset: int, total: int | None) -> Receiving:
    """Begin to receive a blob, or go on with it.

    Args:
        offset: where the bytes to come begin.
        total: size of the whole, where the sender says it.

    Raises:
        Problem: 409, other bytes are expected first; 413, it is larger than this Hub takes.
    """
    name, room = _name(access, checked(digest)), Room(hub, access.here.id)
    kept = hub.blobs.upload_offset(name)
    if offset not in (0, kept):
        raise Problem(409, f"The Hub holds {kept} bytes of it; go on from there.", "offset", offset=kept)
    if kept != offset:  # the sender begins anew
        room.give_back(kept)
    whole = offset if total is None else total
    room.check(whole - offset, of=whole)
    upload = hub.blobs.upload(name)
    if upload.offset != offset:
        upload.discard()
        upload = hub.blobs.upload(name)
    return Receiving(hub, access, digest, upload, room)


def _name(access: Access, digest: str) -> str:
    """Of one user's upload of one content to one project; with the user's id in full it would be too long."""
    sender = hashlib.sha256(access.user.id.encode()).hexdigest()[:32]
    return f"{access.here.id}/{digest}-{sender}"
