"""Uploads: bytes that arrive piece by piece and become a blob only if their digest is the announced one.

A name may begin with the name of a group and a slash; the uploads of a group are counted together.

In a folder an upload is a file `uploads/<name>.<16 hex>` beside the blobs, which its writer holds a lock on. Whoever
goes on with an upload that is still being written (by a connection that nobody has noticed is dead) takes
it over: it copies what is there to a file of its own and removes the other's, whose writer then has nothing
left to make a blob of. So no two writers ever write one file, and the last to come wins. Where a file system has no
locks every upload that goes on is copied.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator

from ..errors import ArgumentError, DigestMismatchError, StateError, UnwritableError, UploadLostError
from .drafts import discard, settle

__all__ = ["LocalUpload", "check_upload_name", "group_size", "stale_files", "upload_size"]

_BLOCK = 1024 * 1024
_SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_LONGEST = 128
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def check_upload_name(name: str) -> None:
    """Raises ArgumentError unless the name, and that of the group before it, has 1 to 128 ASCII letters, digits, `_` and `-`."""
    parts = name.split("/", 1) if type(name) is str else [""]
    if not all(0 < len(part) <= _LONGEST and not part.strip(_SAFE) for part in parts):
        raise ArgumentError(f"An upload's name is 1 to {_LONGEST} letters, digits, _ and -, not {name!r}.")


class LocalUpload:
    """An upload into a folder. The blob is on the disk itself when `commit` returns.

    Args:
        folder: where uploads lie.
        name: which one to begin, or to go on with.
        blob: the path of the blob of a digest.

    Raises:
        UnwritableError: the folder or its disk does not take it.
    """

    def __init__(self, folder: str, name: str, blob: Callable[[str], str]) -> None:
        check_upload_name(name)
        self._folder, self._name, self._blob = folder, name, blob
        try:
            self._descriptor, self._path = _take(folder, name)
            self._offset = os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError as error:
            raise UnwritableError(folder, error) from error
        self._is_open = True
        self._sha = None if self._offset else hashlib.sha256()

    @property
    def offset(self) -> int:
        """How many bytes it has taken."""
        return self._offset

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes; what is described by `Upload.write`."""
        sha = self._restored()
        rest = memoryview(data).cast("B")
        try:
            while rest:
                taken = os.write(self._descriptor, rest[:_BLOCK])
                sha.update(rest[:taken])
                self._offset += taken
                rest = rest[taken:]
        except OSError as error:
            raise UnwritableError(self._folder, error) from error

    def suspend(self) -> None:
        """Keep what came and close."""
        if self._is_open and not self._offset:
            self.discard()
        self._close()

    def commit(self, digest: str) -> int:
        """Make it the blob; what is described by `Upload.commit`."""
        path, found = self._blob(digest), self._restored().hexdigest()
        if found != digest:
            self.discard()
            raise DigestMismatchError(digest, found, self._offset)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.fsync(self._descriptor)
            os.chmod(self._path, os.fstat(self._descriptor).st_mode & 0o444)
            # Still locked, or another writer could go on writing to what is a blob now.
            settle(self._path, path, self._offset, durable=True)
        except FileNotFoundError:
            raise UploadLostError(self._name) from None
        except OSError as error:
            raise UnwritableError(self._folder, error) from error
        finally:
            self._close()
        return self._offset

    def discard(self) -> None:
        """Keep nothing, and close."""
        if self._is_open:
            self._close()
            discard(self._path)

    def __enter__(self) -> LocalUpload:
        return self

    def __exit__(self, *raised: object) -> None:
        self.suspend()

    def _restored(self) -> hashlib._Hash:
        """The sha256 of all that came. What was kept is read here, not sooner: many uploads are only looked at."""
        if not self._is_open:
            raise StateError(f"The upload {self._name} is closed. Open it again to go on with it.")
        if self._sha is None:
            sha = hashlib.sha256()
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            while block := os.read(self._descriptor, _BLOCK):
                sha.update(block)
            self._sha = sha
        return self._sha

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)


def upload_size(folder: str, name: str) -> int:
    """How many bytes are kept of the upload of that name."""
    check_upload_name(name)
    return max((size for size, _ in _files(folder, name).values()), default=0)


def group_size(folder: str, group: str) -> int:
    """How many bytes are kept of all uploads of a group."""
    check_upload_name(group)
    return sum(size for size, _ in _files(f"{folder}/{group}").values())


def stale_files(folder: str, before: float) -> Iterator[tuple[str, str]]:
    """Name and path of each file of an upload that was last written to before then, in seconds since the epoch."""
    for place in (folder, *_groups(folder)):
        for path, (_, modified) in _files(place).items():
            if modified < before:
                yield path[len(folder) + 1 :].partition(".")[0], path


def _take(folder: str, name: str) -> tuple[int, str]:
    """A file that this writer alone writes to, holding what was kept: its descriptor and path."""
    there = _files(folder, name)
    kept = max(there, key=lambda path: there[path][0], default=None)
    descriptor, path = _claim(kept) if kept else None, kept
    if descriptor is None or path is None:
        path = f"{folder}/{name}.{os.urandom(8).hex()}"
        descriptor = _create(path)
        try:
            if kept:
                _copy(kept, descriptor)
        except BaseException:
            os.close(descriptor)
            discard(path)
            raise
    for other in there:
        if other != path:
            discard(other)
    return descriptor, path


def _claim(path: str) -> int | None:
    """The file opened and locked, or None where another writer is at it, or it has become a blob meanwhile."""
    try:
        descriptor = os.open(path, _OPEN)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None


def _create(path: str) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, 0o644)
    _lock(descriptor)
    return descriptor


def _lock(descriptor: int) -> bool:
    """Whether the file is now locked, until it is closed. Never where the file system has no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _copy(path: str, descriptor: int) -> None:
    try:
        with open(path, "rb") as stream:
            while rest := stream.read(_BLOCK):
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
    except FileNotFoundError:  # it was committed just now: what it held is a blob
        return


def _groups(folder: str) -> list[str]:
    """The folders of the groups."""
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: str, name: str | None = None) -> dict[str, tuple[int, float]]:
    """Size and modification time of each file of one upload, or of all that are in no group."""
    found = {}
    if name is not None:
        folder, name = os.path.split(f"{folder}/{name}")
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                whose, dot, _ = entry.name.partition(".")
                if dot and whose and not whose.strip(_SAFE) and name in (None, whose):
                    try:
                        status = entry.stat()
                    except FileNotFoundError:
                        continue
                    found[entry.path] = (status.st_size, status.st_mtime)
    except (FileNotFoundError, NotADirectoryError):
        pass
    return found
