"""Uploads into an object store, whose state lies in the store: any process may go on with one.

What came is kept as objects `uploads/<name>/<offset, 16 digits>` of 8 MiB; the last may be shorter, and is written
anew when more comes. At `commit` they are read back, hashed and sent to the digest's key as one multipart upload, which
the store makes an object only after the digest was found right. An upload of less than one piece never
takes that way: it goes to its key at once. Two writers at once write the same pieces; where what they
write differs, neither becomes a blob.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from typing import Any

import obstore
from obstore.exceptions import BaseError

from ...errors import DigestMismatchError, StateError, UploadLostError
from ...storage.blobs import blob_key
from .failures import reading, writing

__all__ = ["PIECE", "UPLOADS", "ObjectUpload", "kept_pieces", "name_of", "remove_pieces"]

PIECE = 8 * 1024 * 1024
"""How many bytes are sent, read and held at once."""

UPLOADS = "uploads"

_MOST_PARTS = 9000
"""Parts of one object: no store takes more than 10,000. Beyond 70 GiB they are larger than a piece."""

_KEY = re.compile(f"{UPLOADS}/((?:[A-Za-z0-9_-]{{1,128}}/)?[A-Za-z0-9_-]{{1,128}})/[0-9]{{16}}")


class ObjectUpload:
    """An upload into an object store. Its methods do what `Upload` says of them.

    Raises:
        StorageError: the store cannot be read.
        UploadLostError: another writer ended it just now.
    """

    def __init__(self, store: Any, url: str, name: str) -> None:
        self._store, self._url, self._name = store, url, name
        self._is_open = True
        self._tail = bytearray()  # what is no whole piece yet
        with reading(url):
            self._pieces = kept_pieces(store, name)
        self._in_pieces = sum(self._pieces)
        if self._pieces and self._pieces[-1] < PIECE:
            size = self._pieces.pop()
            self._in_pieces -= size
            self._tail += self._piece(self._in_pieces, size)
        self._tail_kept = len(self._tail)

    @property
    def offset(self) -> int:
        """How many bytes it has taken."""
        return self._in_pieces + len(self._tail)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes; what is described by `Upload.write`."""
        self._check_open()
        rest = memoryview(data).cast("B")
        while rest:
            room = PIECE - len(self._tail)
            self._tail += rest[:room]
            rest = rest[room:]
            if len(self._tail) == PIECE:
                self._keep_tail()
                self._pieces.append(PIECE)
                self._in_pieces += PIECE
                self._tail, self._tail_kept = bytearray(), 0

    def suspend(self) -> None:
        """Keep what came and close."""
        if self._is_open:
            if len(self._tail) > self._tail_kept:
                self._keep_tail()
            self._is_open = False

    def commit(self, digest: str) -> int:
        """Make it the blob; what is described by `Upload.commit`."""
        self._check_open()
        key, size = blob_key(digest), self.offset
        try:
            with writing(self._url):
                if self._pieces:
                    part = max(PIECE, size // _MOST_PARTS)
                    checked = self._checked(digest)
                    obstore.put(self._store, key, checked, chunk_size=part, max_concurrency=2)
                else:
                    (data,) = self._checked(digest)
                    obstore.put(self._store, key, data, use_multipart=False)
        except DigestMismatchError:
            self.discard()
            raise
        except UploadLostError:
            self._is_open = False
            raise
        self.discard()
        return size

    def discard(self) -> None:
        """Keep nothing, and close. What the store does not remove now stays as a stale upload."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            remove_pieces(self._store, self._name)
        except (BaseError, OSError):
            return

    def __enter__(self) -> ObjectUpload:
        return self

    def __exit__(self, *raised: object) -> None:
        self.suspend()

    def _checked(self, digest: str) -> Iterator[Any]:
        """All that came, as the store gives it back; raises at the end unless that has the digest."""
        sha = hashlib.sha256()
        for piece in self._read_back():
            sha.update(piece)
            yield piece
        sha.update(self._tail)
        if sha.hexdigest() != digest:
            raise DigestMismatchError(digest, sha.hexdigest(), self.offset)
        yield bytes(self._tail)

    def _read_back(self) -> Iterator[memoryview]:
        """The pieces, each read while the one before is sent.

        The thread is needed: who is asked for the next bytes to send may not wait for the store itself.
        """
        with ThreadPoolExecutor(1) as thread:
            coming: Future[memoryview] | None = None
            for size, end in zip(self._pieces, accumulate(self._pieces), strict=True):
                piece, coming = coming, thread.submit(self._piece, end - size, size)
                if piece:
                    yield piece.result()
            if coming:
                yield coming.result()

    def _piece(self, offset: int, size: int) -> memoryview:
        try:
            with reading(self._url):
                data = memoryview(obstore.get(self._store, _key(self._name, offset)).bytes())
        except FileNotFoundError:
            raise UploadLostError(self._name) from None
        if len(data) < size:
            raise UploadLostError(self._name)
        return data[:size]

    def _keep_tail(self) -> None:
        with writing(self._url):
            key = _key(self._name, self._in_pieces)
            obstore.put(self._store, key, bytes(self._tail), use_multipart=False)
        self._tail_kept = len(self._tail)

    def _check_open(self) -> None:
        if not self._is_open:
            raise StateError(f"The upload {self._name} is closed. Open it again to go on with it.")


def kept_pieces(store: Any, name: str) -> list[int]:
    """The sizes of an upload's pieces, as far as they follow one another without a gap."""
    sizes = {item["path"]: int(item["size"]) for item in _list(store, name)}
    pieces: list[int] = []
    offset = 0
    while size := sizes.get(_key(name, offset), 0):
        pieces.append(size)
        offset += size
    return pieces


def remove_pieces(store: Any, name: str) -> None:
    """Remove what is kept of an upload. Raises what the store raises."""
    if paths := [item["path"] for item in _list(store, name) if name_of(item["path"]) == name]:
        obstore.delete(store, paths)


def name_of(key: str) -> str | None:
    """The name of the upload that an object is a piece of, or None where it is none."""
    found = _KEY.fullmatch(key)
    return found and found[1]


def _list(store: Any, name: str) -> list[Any]:
    return [item for items in obstore.list(store, f"{UPLOADS}/{name}") for item in items]


def _key(name: str, offset: int) -> str:
    return f"{UPLOADS}/{name}/{offset:016}"
