"""Bytes under their sha256: `<2 hex>/<62 hex>` below one folder.

A blob is written to a temporary file, closed and renamed to its digest, so under a digest there are
never other bytes than those, whoever else writes and whenever a writer is killed.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from ..errors import ArgumentError, NotFoundError, UnwritableError
from .drafts import TEMPORARY, Draft, holds, write_new

__all__ = ["BLOCK", "Blobs", "LocalBlobs"]

BLOCK = 1024 * 1024
"""How many bytes of a large file are read, hashed and written at once."""

_HEX = "0123456789abcdef"


class Blobs(Protocol):
    """A store of bytes by digest: a local folder or an object store. A digest is 64 hexadecimal digits."""

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""

    def size(self, digest: str) -> int:
        """The blob's size in bytes; raises NotFoundError."""

    def open(self, digest: str) -> BinaryIO:
        """The blob's bytes to read; raises NotFoundError."""

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their digest; raises UnwritableError."""

    def put_file(self, file: BinaryIO) -> str:
        """Store what a file still has to read and return its digest; raises UnwritableError."""

    def delete(self, digest: str) -> None:
        """Remove the blob; nothing happens where there is none."""

    def __iter__(self) -> Iterator[str]:
        """The digests of all blobs."""


class LocalBlobs:
    """Blobs in a folder, which is made by the first that is written.

    Example:
        >>> blobs = LocalBlobs(".dotscience/blobs")
        >>> blobs.open(blobs.put_bytes(b"hello")).read()
        b'hello'
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, digest: str) -> str:
        """Where the blob lies, or would lie.

        Raises:
            ArgumentError: that is no digest.
        """
        if type(digest) is not str or len(digest) != 64 or digest.strip(_HEX):
            raise ArgumentError(f"A digest is 64 hexadecimal digits in lower case, not {digest!r}.")
        return f"{self.folder}/{digest[:2]}/{digest[2:]}"

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""
        return os.path.isfile(self.path(digest))

    def size(self, digest: str) -> int:
        """The blob's size in bytes.

        Raises:
            NotFoundError: there is no such blob.
        """
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            raise self._missing(digest) from None

    def open(self, digest: str) -> BinaryIO:
        """The blob's bytes, as a file opened for reading.

        Raises:
            NotFoundError: there is no such blob.
        """
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError:
            raise self._missing(digest) from None

    def check(self, digest: str) -> bool:
        """Whether the blob's bytes are still those of its digest.

        Raises:
            NotFoundError: there is no such blob.
        """
        sha = hashlib.sha256()
        with self.open(digest) as stream:
            while block := stream.read(BLOCK):
                sha.update(block)
        return sha.hexdigest() == digest

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their digest.

        Raises:
            UnwritableError: the folder or its disk does not take them.
        """
        digest = hashlib.sha256(data).hexdigest()
        try:
            self.store(data, digest)
        except OSError as error:
            raise UnwritableError(self.folder, error) from error
        return digest

    def put_file(self, file: BinaryIO) -> str:
        """Store what a file still has to read and return its digest.

        Raises:
            UnwritableError: the folder or its disk does not take it.
        """
        sha = hashlib.sha256()
        try:
            with self.draft() as draft:
                while block := file.read(BLOCK):
                    sha.update(block)
                    draft.write(block)
                digest = sha.hexdigest()
                draft.commit(self.path(digest))
        except OSError as error:
            raise UnwritableError(self.folder, error) from error
        return digest

    def store(self, data: bytes, digest: str) -> None:
        """Store bytes whose digest the caller has just computed.

        Raises:
            OSError: the folder or its disk does not take them.
        """
        path = self.path(digest)
        if not holds(path, len(data)):
            write_new(data, path)

    def draft(self) -> Draft:
        """A blob to be written whose digest is not known yet, to be committed to `path(digest)`.

        Raises:
            OSError: the folder or its disk does not take it.
        """
        return Draft(self.folder)

    def delete(self, digest: str) -> None:
        """Remove the blob; nothing happens where there is none.

        Raises:
            UnwritableError: it cannot be removed.
        """
        path = self.path(digest)
        try:
            if os.name == "nt":  # where a read-only file cannot be deleted
                os.chmod(path, 0o600)
            os.unlink(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UnwritableError(self.folder, error) from error

    def __iter__(self) -> Iterator[str]:
        """The digests of all blobs, sorted."""
        for folder in self._folders():
            for name in _names(f"{self.folder}/{folder}"):
                if len(name) == 62 and not name.strip(_HEX):
                    yield folder + name

    def leftovers(self, before: float) -> Iterator[str]:
        """Temporary files of writers that were killed.

        Args:
            before: files that were written to since then (seconds since the Unix epoch) are not
                listed, for their writers may be alive.
        """
        for folder in (self.folder, *(f"{self.folder}/{name}" for name in self._folders())):
            for name in _names(folder):
                path = f"{folder}/{name}"
                if name.startswith(TEMPORARY) and _mtime(path) < before:
                    yield path

    def _folders(self) -> list[str]:
        return [name for name in _names(self.folder) if len(name) == 2 and not name.strip(_HEX)]

    def _missing(self, digest: str) -> NotFoundError:
        return NotFoundError(
            f"There is no blob {digest} in {self.folder}: the content was never kept here, or it was removed. "
            f"Copy it from another workspace that kept it, or run again what made it."
        )


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _mtime(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:  # its writer has just finished: as young as can be
        return math.inf
