"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["sync_folder", "write_whole"]

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: str, data: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all, whoever else writes it at the same time.

    Args:
        durable: also after a power failure; without that it costs no wait for the disk.
        mode: its permissions from its first moment on, less the umask.

    Raises:
        OSError: it could not be written; what was there before is unharmed.
    """
    temporary = f"{path}.{os.urandom(8).hex()}.tmp"  # threads share a process id, and so do machines
    fd = os.open(temporary, _CREATE, mode)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Have the names in a folder on the disk itself. Raises OSError."""
    if os.name == "nt":  # where that cannot be asked for
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
