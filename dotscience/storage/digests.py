"""Digests of files that were hashed before, so that an unchanged file is not read again.

A cache: it may be deleted at any time, and where it cannot be read or written there is none. Each
`save()` adds one file that is never changed afterwards, so any number of processes share the folder
without locks.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from itertools import islice
from typing import BinaryIO

from .digestfiles import RECORD, SMALL, DigestFile, encode

__all__ = ["DigestCache", "identity"]

_IDENTITY = struct.Struct("<QQqqq")
_WORD = (1 << 64) - 1
_SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file surely shows in its times (FAT counts in two seconds)."""

_MOST_SMALL = 64
_MOST_LARGE = 4
_MOST_LOADED = 2 * SMALL
"""How many small and large files there may be, and how many entries in small ones, before some are merged."""

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
        self._large: list[DigestFile] = []
        self._new: dict[bytes, bytes] = {}
        self._files: set[str] = set()

    def refresh(self) -> None:
        """Forget what comes from files that are gone: whoever deletes blobs deletes these first.

        To be called when a run has begun. While one is in progress no blob is deleted.
        """
        if self._known is None:
            return
        try:
            names = os.listdir(self._folder)
        except OSError:
            names = []
        if not self._files.issubset(names):  # or others have merged them, and have more by now
            self._known, self._large, self._new = None, [], {}

    def get(self, stat: os.stat_result) -> tuple[str, bool] | None:
        """The digest (hexadecimal) and whether the content is kept as a blob, or None where it is not known."""
        known = self._known
        if known is None:
            known = self._load()
        key = identity(stat)
        value = self._new.get(key) or known.get(key)
        if value is None:
            for file in self._large:
                value = file.get(key)
                if value is not None:
                    break
            else:
                return None
        return value[:32].hex(), value[32] == 1

    def put(self, stat: os.stat_result, digest: str, kept: bool, hashed_at: float) -> None:
        """Remember a digest, unless the file is so young that a later change might not show in its times.

        Args:
            hashed_at: when reading began, in seconds since the Unix epoch by this cache's clock.
        """
        if hashed_at * 1e9 < max(stat.st_mtime_ns, stat.st_ctime_ns) + _SETTLED or not stat.st_ino:
            return
        key, value = identity(stat), bytes.fromhex(digest) + (b"\1" if kept else b"\0")
        self._new[key] = value  # in one step, for another thread may be saving

    def save(self) -> None:
        """Write what is new into a file of its own; now and then merge files into one.

        Where the folder cannot be written nothing happens, and the next call tries again.
        """
        new, self._new = self._new, {}
        if not new:
            return
        try:
            os.makedirs(self._folder, exist_ok=True)
            if not self._merge(new):
                with self._temporary(os.urandom(4).hex()) as stream:
                    self._write(stream, new)
        except OSError:  # a cache that cannot be written is no cache; the files are hashed again
            self._new = {**new, **self._new}
            return
        known = self._known  # which another thread may forget at any moment
        if known is not None:
            known.update(new)

    def clear(self) -> None:
        """Forget everything, here and on disk. For whoever deletes blobs: what is kept is no longer known."""
        self._known, self._large, self._new = {}, [], {}
        for name in self._sizes():
            self._remove(name)

    def _load(self) -> dict[bytes, bytes]:
        # Threads that come here at once do the same work twice; no lock, so nothing to break at a fork.
        known: dict[bytes, bytes] = {}
        large = []
        sizes = self._sizes()
        self._files = set(sizes)
        for name, size in sizes.items():
            if size > SMALL:
                large += self._opened(name)
            else:
                known.update(self._entries(name))
        self._large = large
        self._known = known
        return known

    def _merge(self, new: dict[bytes, bytes]) -> bool:
        """Write what is new together with what some files hold. False where nothing is to be merged yet."""
        sizes = self._sizes()
        merged = _worth_merging(sizes)
        if not merged:
            return False
        self._remove_stale()
        try:
            stream = self._temporary(_MERGING)
        except FileExistsError:  # another process is at it: both would do the same work
            return False
        with stream:
            entries: dict[bytes, bytes] = {}
            for name in merged:
                entries.update(self._entries(name))
            entries.update(new)
            excess = max(0, len(entries) - _MOST_ENTRIES)
            self._write(stream, dict(islice(entries.items(), excess, None)))
        for name in merged:
            self._remove(name)
        self._remove_excess({name: size for name, size in sizes.items() if name not in merged}, len(entries))
        return True

    def _remove_excess(self, sizes: dict[str, int], more: int) -> None:
        total = sum(sizes.values()) + more
        for name, size in sizes.items():
            if total > _MOST_ENTRIES:
                self._remove(name)
                total -= size

    def _sizes(self) -> dict[str, int]:
        """The cache's files, oldest first (their names begin with the time), and how many entries each has."""
        sizes = {}
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return {}
        for name in names:
            if not name.startswith(_TEMPORARY):
                try:
                    sizes[name] = os.stat(os.path.join(self._folder, name)).st_size // RECORD
                except OSError:  # merged by another process a moment ago
                    continue
        return sizes

    def _opened(self, name: str) -> list[DigestFile]:
        """The file, or nothing where it is gone or damaged. A damaged file is removed."""
        try:
            return [DigestFile(open(os.path.join(self._folder, name), "rb", buffering=0))]
        except OSError:  # merged by another process a moment ago, or not ours to read
            return []
        except ValueError:
            self._remove(name)
            return []

    def _entries(self, name: str) -> dict[bytes, bytes]:
        for file in self._opened(name):
            try:
                return file.entries()
            except OSError:
                return {}
            except ValueError:
                self._remove(name)
        return {}

    def _temporary(self, name: str) -> BinaryIO:
        return open(os.path.join(self._folder, _TEMPORARY + name), "xb")

    def _write(self, stream: BinaryIO, entries: dict[bytes, bytes]) -> None:
        name = f"{int(self.clock() * 1e6):016x}-{os.urandom(4).hex()}"
        try:
            stream.write(encode(entries))
            stream.close()
            os.rename(stream.name, os.path.join(self._folder, name))
            self._files.add(name)
        except OSError:
            self._remove(os.path.basename(stream.name))
            raise

    def _remove_stale(self) -> None:
        """Remove temporary files of processes that were killed."""
        before = self.clock() - _STALE
        with os.scandir(self._folder) as scan:
            for entry in scan:
                if entry.name.startswith(_TEMPORARY) and entry.stat().st_mtime < before:
                    self._remove(entry.name)

    def _remove(self, name: str) -> None:
        self._files.discard(name)
        try:
            os.unlink(os.path.join(self._folder, name))
        except OSError:  # somebody else's, or already gone
            return


def _worth_merging(sizes: dict[str, int]) -> list[str]:
    """Which files to make one of, the largest first: none, or all small ones and the large ones that are not
    much larger, so that a large file is rarely written again."""
    by_size = sorted(sizes, key=sizes.__getitem__)
    small = [name for name in by_size if sizes[name] <= SMALL]
    large = by_size[len(small) :]
    total = sum(sizes[name] for name in small)
    if len(small) < _MOST_SMALL and len(large) <= _MOST_LARGE and total <= _MOST_LOADED:
        return []
    merged = small
    for place, name in enumerate(large):
        if sizes[name] > total and len(large) - place <= _MOST_LARGE:
            break
        total += sizes[name]
        merged.append(name)
    return merged[::-1]
