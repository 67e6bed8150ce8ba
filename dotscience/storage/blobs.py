"""Bytes under their sha256: `<2 hex>/<62 hex>` below one folder.

A blob is written to a temporary file, closed and renamed to its digest, so under a digest there are
never other bytes than those, whoever else writes and whenever a writer is killed. Uploads, which come
piece by piece, wait in `uploads/` beside them.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from ..errors import ArgumentError, NotFoundError, UnwritableError
from .drafts import TEMPORARY, Draft, discard, holds, write_new

if TYPE_CHECKING:  # uploads come to a Hub only: recording does without loading them
    from .uploads import LocalUpload

__all__ = ["BLOCK", "Blobs", "Entry", "LocalBlobs", "Upload", "blob_key", "check_range"]

BLOCK = 1024 * 1024
"""How many bytes of a large file are read, hashed and written at once."""

_HEX = "0123456789abcdef"


class Entry(NamedTuple):
    """One blob of a store.

    Attributes:
        size: in bytes.
        modified: when it was last stored, in seconds since the Unix epoch.
    """

    digest: str
    size: int
    modified: float


class Upload(Protocol):
    """Bytes on their way to become a blob. One thread at a time may use it.

    At the end of its `with` block it is suspended, unless it was committed or discarded.

    Example:
        >>> with blobs.upload("name") as upload:
        ...     for data in body:
        ...         upload.write(data)
        ...     upload.commit(digest)
    """

    @property
    def offset(self) -> int:
        """How many bytes it has taken; of an upload that went on, with those kept before."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes, however many.

        Raises:
            UnwritableError: the store did not take them all. `offset` says how many it took.
            StateError: it has been committed, suspended or discarded.
        """

    def suspend(self) -> None:
        """Keep what came, to be gone on with later, and close. Nothing happens where it is closed already.

        Raises:
            UnwritableError: the store did not take the last of it.
        """

    def commit(self, digest: str) -> int:
        """Make the bytes the blob of that digest and return how many they are.

        Raises:
            DigestMismatchError: they have another digest. Nothing of them is kept.
            UploadLostError: another writer took the upload over, or finished it. Nothing was made a blob.
            UnwritableError: the store did not take it. What came is kept.
            StateError: it has been committed, suspended or discarded.
        """

    def discard(self) -> None:
        """Keep nothing, and close."""

    def __enter__(self) -> Upload: ...

    def __exit__(self, *raised: object) -> None: ...


class Blobs(Protocol):
    """A store of bytes by digest: a local folder or an object store. A digest is 64 hexadecimal digits.

    Where the store cannot be reached or read, every method raises StorageError or OSError.
    """

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""

    def size(self, digest: str) -> int:
        """The blob's size in bytes; raises NotFoundError."""

    def open(self, digest: str) -> BinaryIO:
        """The blob's bytes to read and to seek in; raises NotFoundError."""

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start` on, in pieces of at most a few MiB; raises NotFoundError at once.

        Args:
            length: how many at most; all that follow when None. At the blob's end there are fewer.
        """

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their digest; raises UnwritableError."""

    def put_file(self, file: BinaryIO) -> str:
        """Store what a file still has to read and return its digest; raises UnwritableError."""

    def upload(self, name: str) -> Upload:
        """Begin the upload of that name, or go on where it left off; raises UnwritableError.

        Args:
            name: 1 to 128 ASCII letters, digits, `_` and `-`.
        """

    def upload_offset(self, name: str) -> int:
        """How many bytes are kept of the upload of that name."""

    def group_size(self, group: str) -> int:
        """How many bytes are kept of all uploads whose name begins with that and a slash."""

    def stale_uploads(self, before: float) -> Iterator[str]:
        """The names of uploads that nobody wrote to since then, in seconds since the Unix epoch."""

    def sweep(self, before: float) -> int:
        """Remove what writers left behind that did not write since then; return how many such there were."""

    def delete(self, digest: str) -> None:
        """Remove the blob; nothing happens where there is none."""

    def entries(self) -> Iterator[Entry]:
        """All blobs. Storing one again makes it young again."""

    def __iter__(self) -> Iterator[str]:
        """The digests of all blobs."""


def blob_key(digest: str) -> str:
    """Where a blob lies below its store: `<2 hex>/<62 hex>`. Raises ArgumentError where that is no digest."""
    if type(digest) is not str or len(digest) != 64 or digest.strip(_HEX):
        raise ArgumentError(f"A digest is 64 hexadecimal digits in lower case, not {digest!r}.")
    return f"{digest[:2]}/{digest[2:]}"


def check_range(start: int, length: int | None) -> None:
    """Raises ArgumentError where one of them is negative."""
    if start < 0 or (length is not None and length < 0):
        raise ArgumentError(
            f"A range of bytes begins at 0 or later and has a length, not {start} and {length}."
        )


class LocalBlobs:
    """Blobs in a folder, which is made by the first that is written.

    Args:
        folder: where they lie.
        durable: whether a blob must be on the disk itself when storing it returns, so that it outlives a
            power cut. It costs a few milliseconds for each. Uploads always are.

    Example:
        >>> blobs = LocalBlobs(".dotscience/blobs")
        >>> blobs.open(blobs.put_bytes(b"hello")).read()
        b'hello'
    """

    def __init__(self, folder: str, durable: bool = False) -> None:
        self.folder = folder
        self.durable = durable

    def path(self, digest: str) -> str:
        """Where the blob lies, or would lie.

        Raises:
            ArgumentError: that is no digest.
        """
        return f"{self.folder}/{blob_key(digest)}"

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

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start` on, at most `length`, in pieces of at most 1 MiB.

        Raises:
            NotFoundError: there is no such blob. That is said at once, not with the first piece.
        """
        check_range(start, length)
        pieces = self._read(digest, start, math.inf if length is None else length)
        next(pieces)
        return pieces

    def _read(self, digest: str, start: int, rest: float) -> Iterator[bytes]:
        with self.open(digest) as stream:
            stream.seek(start)
            yield b""  # `read` goes as far as here, so that the file is closed when the iterator goes away
            while piece := stream.read(int(min(rest, BLOCK))):
                rest -= len(piece)
                yield piece

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
        # One that is there may be of a writer that has not synced it yet.
        if self.durable or not holds(path, len(data)):
            write_new(data, path, self.durable)

    def draft(self) -> Draft:
        """A blob to be written whose digest is not known yet, to be committed to `path(digest)`.

        Raises:
            OSError: the folder or its disk does not take it.
        """
        return Draft(self.folder, self.durable)

    def upload(self, name: str) -> LocalUpload:
        """Begin the upload of that name, or go on where it left off, even where another writer is still at it.

        Raises:
            UnwritableError: the folder or its disk does not take it.
        """
        from .uploads import LocalUpload

        return LocalUpload(self._uploads, name, self.path)

    def upload_offset(self, name: str) -> int:
        """How many bytes are kept of the upload of that name."""
        from .uploads import upload_size

        return upload_size(self._uploads, name)

    def group_size(self, group: str) -> int:
        """How many bytes are kept of all uploads of a group."""
        from .uploads import group_size

        return group_size(self._uploads, group)

    def stale_uploads(self, before: float) -> Iterator[str]:
        """The names of uploads that nobody wrote to since then, in seconds since the Unix epoch."""
        from .uploads import stale_files

        yield from sorted({name for name, _ in stale_files(self._uploads, before)})

    def sweep(self, before: float) -> int:
        """Remove uploads and temporary files that nobody wrote to since then; return how many there were."""
        from .uploads import stale_files

        stale = [*(path for _, path in stale_files(self._uploads, before)), *self.leftovers(before)]
        for path in stale:
            discard(path)
        return len(stale)

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

    def entries(self) -> Iterator[Entry]:
        """All blobs, sorted by digest."""
        for digest in self:
            try:
                status = os.stat(self.path(digest))
            except FileNotFoundError:  # deleted meanwhile
                continue
            yield Entry(digest, status.st_size, status.st_mtime)

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

    @property
    def _uploads(self) -> str:
        return f"{self.folder}/uploads"

    def _folders(self) -> list[str]:
        return [name for name in _names(self.folder) if len(name) == 2 and not name.strip(_HEX)]

    def _missing(self, digest: str) -> NotFoundError:
        return NotFoundError(
            f"There is no blob {digest} in {self.folder}: the content was never kept here, or it was removed. "
            f"Copy it from another workspace that kept it, or run again what made it.",
            digest=digest,
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
