"""A blob being written: a temporary file that becomes its digest, or goes away."""

from __future__ import annotations

import os

from .whole import sync_folder

__all__ = ["TEMPORARY", "Draft", "discard", "holds", "settle", "write_new"]

TEMPORARY = "tmp-"
"""How the name of a file begins that is not a blob yet."""

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_READ_ONLY = 0o444
_FICLONE = 0x40049409
"""The request that makes one file share another's blocks until either is written (btrfs, XFS and others)."""


class Draft:
    """A blob whose digest is not known yet; dropped at the end of its `with` block unless committed.

    Making it, `write` and `commit` raise OSError where the disk does not take it.

    Args:
        folder: where the temporary file is made.
        durable: whether the blob must be on the disk itself when `commit` returns.

    Attributes:
        descriptor: the temporary file, open for reading and writing.
    """

    def __init__(self, folder: str, durable: bool = False) -> None:
        self._durable = durable
        self._path: str | None = f"{folder}/{_name()}"
        self.descriptor = _create(self._path, folder)
        self._open = True

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        _write_all(self.descriptor, data)

    def clone(self, descriptor: int) -> bool:
        """Become a copy of an open file that shares its blocks. False, and unchanged, where that cannot be."""
        try:
            import fcntl

            fcntl.ioctl(self.descriptor, _FICLONE, descriptor)
        except (ImportError, OSError):
            return False
        return True

    def commit(self, path: str) -> None:
        """Close it and make it the blob at `path`, where its digest belongs."""
        size = os.fstat(self.descriptor).st_size
        if self._durable:
            os.fsync(self.descriptor)
        self._close()
        if self._path is not None and (self._durable or not holds(path, size)):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            settle(self._path, path, size, self._durable)
            self._path = None

    def drop(self) -> None:
        """Remove it, unless it was committed. Never raises."""
        try:
            self._close()
        except OSError:  # what could not be flushed is thrown away anyhow
            pass
        if self._path is not None:
            discard(self._path)
            self._path = None

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.descriptor)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *raised: object) -> None:
        self.drop()


def holds(path: str, size: int) -> bool:
    """Whether a blob of that size is at `path`. A machine that lost power can leave one cut short there."""
    try:
        return os.stat(path).st_size == size
    except FileNotFoundError:
        return False


def write_new(data: bytes, path: str, durable: bool = False) -> None:
    """Write a blob at `path`, whole or not at all. Raises OSError."""
    folder = os.path.dirname(path)
    temporary = f"{folder}/{_name()}"
    descriptor = _create(temporary, folder)
    try:
        try:
            _write_all(descriptor, data)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        settle(temporary, path, len(data), durable)
    except BaseException:
        discard(temporary)
        raise


def settle(temporary: str, path: str, size: int, durable: bool) -> None:
    """Make a file that is written the blob at `path`, in a folder that is there. Raises OSError.

    Where it must be durable the file has been synced before; its name is on the disk itself afterwards.
    """
    _rename(temporary, path, size)
    if durable:
        sync_folder(os.path.dirname(path))
        sync_folder(os.path.dirname(os.path.dirname(path)))


def _name() -> str:
    return TEMPORARY + os.urandom(8).hex()


def _create(path: str, folder: str) -> int:
    try:
        return os.open(path, _CREATE, _READ_ONLY)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        return os.open(path, _CREATE, _READ_ONLY)


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _rename(temporary: str, path: str, size: int) -> None:
    try:
        os.replace(temporary, path)
    except PermissionError:  # Windows replaces no read-only file: another writer was first
        if not holds(path, size):
            raise
        discard(temporary)


def discard(temporary: str) -> None:
    """Remove a file that is no blob yet. Never raises."""
    try:
        if os.name == "nt":  # where a read-only file cannot be deleted
            os.chmod(temporary, 0o600)
        os.unlink(temporary)
    except OSError:  # it stays as a leftover, which a later clean-up finds by its name
        return
