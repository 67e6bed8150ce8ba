"""Digests of files that were hashed before, so that an unchanged file is not read again.

A cache: it may be deleted at any time, and where it cannot be read or written there is none. Each
`save()` adds one file that is never changed afterwards, so any number of processes share the folder
without locks:

    "dotscience digests 1\\n" + sha256 of the rest (32 bytes) + records
    record: device, inode, size, mtime, ctime (5 × 8 bytes) + sha256 of the content (32) + kept (1)
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Callable
from itertools import islice
from typing import BinaryIO

__all__ = ["DigestCache", "identity"]

_HEADER = b"dotscience digests 1\n"
_START = len(_HEADER) + 32
_RECORD = struct.Struct("40s33s")
_IDENTITY = struct.Struct("<QQqqq")
_WORD = (1 << 64) - 1
_SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file surely shows in its times (FAT counts in two seconds)."""

_MOST_FILES = 64
_MOST_ENTRIES = 2_000_000
_TEMPORARY = "tmp-"
_MERGING = "merging"
_STALE = 3600.0
"""Seconds after which a temporary file is taken to be that of a killed process."""


def identity(stat: os.stat_result) -> bytes:
    """What a file is and what state it is in: device, inode, size, mtime and ctime in nanoseconds, in 40 bytes.

    Two stats with the same identity are of the same file, unchanged as far as its times can tell.
    """
    try:
        return _IDENTITY.pack(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    except struct.error:  # inodes of 128 bits, times beyond the year 2262
        words = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        return struct.pack("<5Q", *(word & _WORD for word in words))


class DigestCache:
    """Digest and "is kept as a blob" of files, by their `identity`, remembered in a folder.

    Files that are written through a memory map change without their times telling at once; the
    operating system gives no better sign, so such a change can be missed.

    Example:
        >>> cache = DigestCache(".dotscience/digests")
        >>> cache.get(os.stat("data.csv"))
        ('9f86d081884c7d65…', True)
    """

    def __init__(self, folder: str, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._folder = folder
        self._known: dict[bytes, bytes] | None = None
        self._new: dict[bytes, bytes] = {}

    def get(self, stat: os.stat_result) -> tuple[str, bool] | None:
        """The digest (hexadecimal) and whether the content is kept as a blob, or None where it is not known."""
        known = self._known
        if known is None:
            known = self._load()
        value = known.get(identity(stat))
        return None if value is None else (value[:32].hex(), value[32] == 1)

    def put(self, stat: os.stat_result, digest: str, kept: bool, hashed_at: float) -> None:
        """Remember a digest, unless the file is so young that a later change might not show in its times.

        Args:
            hashed_at: when reading began, in seconds since the Unix epoch by this cache's clock.
        """
        if hashed_at * 1e9 < max(stat.st_mtime_ns, stat.st_ctime_ns) + _SETTLED or not stat.st_ino:
            return
        known = self._known
        if known is None:
            known = self._load()
        key = identity(stat)
        known[key] = self._new[key] = bytes.fromhex(digest) + (b"\1" if kept else b"\0")

    def save(self) -> None:
        """Write what is new into a file of its own; now and then merge all files into one.

        Where the folder cannot be written nothing happens, and the next call tries again.
        """
        new, self._new = self._new, {}
        if not new:
            return
        try:
            os.makedirs(self._folder, exist_ok=True)
            names = self._names()
            if len(names) < _MOST_FILES or not self._merge(names, new):
                with self._temporary(os.urandom(4).hex()) as stream:
                    self._write(stream, new)
        except OSError:  # a cache that cannot be written is no cache; the files are hashed again
            self._new = {**new, **self._new}

    def clear(self) -> None:
        """Forget everything, here and on disk. For whoever deletes blobs: what is kept is no longer known."""
        self._known, self._new = {}, {}
        for name in self._names():
            _unlink(os.path.join(self._folder, name))

    def _names(self) -> list[str]:
        """The cache's files, oldest first: their names begin with the time."""
        try:
            return sorted(name for name in os.listdir(self._folder) if not name.startswith(_TEMPORARY))
        except OSError:
            return []

    def _load(self) -> dict[bytes, bytes]:
        # Threads that come here at once do the same work twice; no lock, so nothing to break at a fork.
        known = self._read(self._names())
        known.update(self._new)
        self._known = known
        return known

    def _read(self, names: list[str]) -> dict[bytes, bytes]:
        bodies: list[memoryview] = []
        room = _MOST_ENTRIES
        for name in reversed(names):
            if room <= 0:
                break
            body = _body(os.path.join(self._folder, name))
            bodies.append(body)
            room -= len(body) // _RECORD.size
        entries: dict[bytes, bytes] = {}
        for body in reversed(bodies):
            entries.update(_RECORD.iter_unpack(body))
        return entries

    def _merge(self, names: list[str], new: dict[bytes, bytes]) -> bool:
        """Replace these files by one. False where another process is at it: both would do the same work."""
        self._remove_stale()
        try:
            stream = self._temporary(_MERGING)
        except FileExistsError:
            return False
        with stream:
            entries = self._read(names)
            entries.update(new)
            excess = max(0, len(entries) - _MOST_ENTRIES)
            self._write(stream, dict(islice(entries.items(), excess, None)))
        for name in names:
            _unlink(os.path.join(self._folder, name))
        return True

    def _temporary(self, name: str) -> BinaryIO:
        return open(os.path.join(self._folder, _TEMPORARY + name), "xb")

    def _write(self, stream: BinaryIO, entries: dict[bytes, bytes]) -> None:
        body = b"".join([part for entry in entries.items() for part in entry])
        name = f"{int(self.clock() * 1e6):016x}-{os.urandom(4).hex()}"
        try:
            stream.write(_HEADER + hashlib.sha256(body).digest() + body)
            stream.close()
            os.rename(stream.name, os.path.join(self._folder, name))
        except OSError:
            _unlink(stream.name)
            raise

    def _remove_stale(self) -> None:
        """Remove temporary files of processes that were killed."""
        before = self.clock() - _STALE
        with os.scandir(self._folder) as scan:
            for entry in scan:
                if entry.name.startswith(_TEMPORARY) and entry.stat().st_mtime < before:
                    _unlink(entry.path)


def _body(file: str) -> memoryview:
    """The records of one file of the cache. One that is damaged is removed."""
    try:
        with open(file, "rb") as stream:
            raw = stream.read()
    except OSError:  # merged by another process a moment ago, or not ours to read
        return memoryview(b"")
    body = memoryview(raw)[_START:]
    if raw.startswith(_HEADER) and len(body) % _RECORD.size == 0:
        if hashlib.sha256(body).digest() == raw[len(_HEADER) : _START]:
            return body
    _unlink(file)
    return memoryview(b"")


def _unlink(file: str) -> None:
    try:
        os.unlink(file)
    except OSError:  # somebody else's, or already gone
        return
