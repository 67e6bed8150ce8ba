"""Blobs to a Hub: several at once, each as a whole or, when it is large, from where an earlier attempt broke off."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import BinaryIO, Protocol

from ..catalog.parts import Part
from ..errors import HubRefusedError, HubUnreachableError, NotFoundError
from ..storage.blobs import BLOCK
from ..storage.hashers import Hashers
from .api import Gap, HubApi, Place

__all__ = ["Progress", "Store", "send_parts"]

Progress = Callable[[int, int], None]
"""Called with how many bytes are sent and how many there are in all."""


class Store(Protocol):
    """Where content is that is to be sent: the part of `LocalBlobs` that it takes.

    Attributes:
        folder: named where something is not there.
    """

    folder: str

    def has(self, digest: str) -> bool:
        """Whether it is there."""

    def size(self, digest: str) -> int:
        """How many bytes it has; raises NotFoundError."""

    def open(self, digest: str) -> BinaryIO:
        """Its bytes, to read and to seek in; raises NotFoundError."""


_THREADS = 4
_RESUMED = 4 << 20
"""From so many bytes on it is worth asking how much of a file is there already."""

_PAUSE = 0.2
"""Seconds that a Hub needs to notice that a connection broke off, and to put aside what has come."""

_TRIES = 3
"""How often a file may fail to get on before it is left for later."""


def send_parts(parts: Collection[Part], blobs: Store, api: HubApi, place: Place, progress: Progress) -> None:
    """Send the content of some parts of a record.

    Raises:
        NotFoundError: some of it is no longer in the workspace.
        HubError: as `HubApi.put_blob` does.
    """
    for part in parts:
        _require(part, blobs)
    pool = Hashers(_THREADS)
    failed: list[Exception] = []

    def send(upload: _Upload) -> None:
        if failed:  # the Hub would only be asked in vain as often as there are parts
            return
        try:
            upload.send()
        except Exception as error:
            failed.append(error)

    for part in parts:
        upload = _Upload(part.digest, blobs, api, place, pool.advance)
        pool.submit(partial(send, upload), blobs.size(part.digest))
    pool.wait(progress)
    if failed:
        raise failed[0]


class _Upload:
    """One blob on its way."""

    def __init__(
        self, digest: str, blobs: Store, api: HubApi, place: Place, advance: Callable[[int], None]
    ) -> None:
        self._digest, self._blobs, self._api, self._place = digest, blobs, api, place
        self._advance = advance
        self._size = blobs.size(digest)

    def send(self) -> None:
        with self._blobs.open(self._digest) as stream:
            offset, tries = self._held() if self._size >= _RESUMED else 0, _TRIES
            self._advance(offset)
            while True:
                try:
                    self._put(stream, offset)
                    return
                except (Gap, HubUnreachableError) as error:
                    time.sleep(_PAUSE)
                    if self._is_there():
                        return
                    held = self._held()
                    if held <= offset:
                        tries -= 1
                        self._ask_why(held)
                        if not tries:
                            raise HubUnreachableError(
                                f"{self._api.url} takes no more of a file: {error}"
                            ) from None
                    offset = held

    def _put(self, stream: BinaryIO, offset: int) -> None:
        left = self._size - offset
        if left < _RESUMED:  # small enough to be sent a second time at once
            stream.seek(offset)
            self._api.put_blob(self._place, self._digest, stream.read(), offset, self._size)
            self._advance(left)
        else:
            rest = _Rest(stream, offset, self._size, self._advance)
            self._api.put_blob(self._place, self._digest, rest, offset, self._size)

    def _is_there(self) -> bool:
        """Whether it has come meanwhile: by this attempt, whose answer was lost, or from somebody else."""
        return not self._api.missing(self._place, [self._digest])

    def _held(self) -> int:
        held = self._api.held_of(self._place, self._digest)
        if held > self._size:
            raise HubUnreachableError(
                f"{self._api.url} claims to have {held} bytes of a file of {self._size}."
            )
        return held

    def _ask_why(self, offset: int) -> None:
        """Raise HubRefusedError where that is why a file does not get on.

        A Hub that refuses a large file says so while it is still being sent, and then closes: the words may be lost.
        """
        try:
            self._api.put_blob(self._place, self._digest, b"", offset, self._size)
        except Gap:
            return
        except HubRefusedError as error:
            if error.problem.get("reason") != "short":
                raise


class _Rest:
    """The rest of a file as an HTTP body: it has a length, and comes in blocks."""

    def __init__(self, stream: BinaryIO, offset: int, size: int, advance: Callable[[int], None]) -> None:
        self._stream, self._offset, self._size, self._advance = stream, offset, size, advance

    def __len__(self) -> int:
        return self._size - self._offset

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(self._offset)
        while block := self._stream.read(BLOCK):
            yield block
            self._advance(len(block))


def _require(part: Part, blobs: Store) -> None:
    if not blobs.has(part.digest):
        raise NotFoundError(
            f"The content of {part.name} is no longer in {blobs.folder} (blob {part.digest[:12]}…), so what names it "
            f"cannot be sent. Bring it back from a copy of the workspace."
        )
