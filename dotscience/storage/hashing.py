"""One file as it is now: its digest, of bytes that were really read, and in the same pass its blob."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from .blobs import BLOCK, LocalBlobs
from .digests import DigestCache
from .drafts import Draft

__all__ = ["Seen", "see", "see_once"]

Advance = Callable[[int], None]

_FLAGS = os.O_RDONLY
for _flag in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"):
    _FLAGS |= getattr(os, _flag, 0)

_AT_ONCE = BLOCK if hasattr(os, "pread") else -1
"""Files of up to so many bytes are read in one call, where there is a call that does not move the descriptor."""


class Seen(NamedTuple):
    """What was seen of one file.

    Attributes:
        digest: sha256 of the content in hexadecimal, or None where it was not seen.
        size: in bytes, or None where it was not seen.
        mtime: modification time in nanoseconds since the Unix epoch, or None where it was not seen.
        kept: the content is stored as a blob.
        unseen: None, or the key of `records.files.UNSEEN` that says why there is no digest.
        stat: the file's stat in the state that `digest` belongs to.
        fault: why the content could not be stored although that was asked for.
    """

    digest: str | None
    size: int | None
    mtime: int | None
    kept: bool = False
    unseen: str | None = None
    stat: os.stat_result | None = None
    fault: OSError | None = None


def see(
    source: str | int,
    expected: os.stat_result | None,
    *,
    blobs: LocalBlobs | None = None,
    advance: Advance | None = None,
) -> Seen:
    """Hash one file. Never raises for what the file is or does, and never waits for a pipe or device.

    Args:
        source: a path, or a descriptor open for reading, which is read from its start and left open.
        expected: the file as it was when it was named. If it is different by now, it is not read
            (`unseen="replaced"`). None takes it as it is.
        blobs: where to store the content. The stored bytes are the hashed bytes. A store that fails
            leaves `kept` False and its error in `fault`; the digest is there all the same.
        advance: called with the number of bytes each time some of a large file are done.
    """
    if expected is not None and not S_ISREG(expected.st_mode):
        return _unseen(_misfit(expected), expected)
    if isinstance(source, int):
        return _see_open(source, expected, blobs, advance)
    try:
        if expected is None:
            stat = os.stat(source)
            if not S_ISREG(stat.st_mode):
                return _unseen(_misfit(stat), stat)
        descriptor = _open(source)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have that name
        return _unseen("missing" if expected is None else "replaced", expected)
    except OSError:
        return _unseen("unreadable", expected)
    try:
        return _see_open(descriptor, expected, blobs, advance)
    finally:
        os.close(descriptor)


def see_once(
    source: str | int,
    expected: os.stat_result,
    cache: DigestCache,
    *,
    blobs: LocalBlobs | None = None,
    advance: Advance | None = None,
) -> Seen:
    """`see`, but a file that the cache knows, in the state expected, is not read again.

    With `blobs` it is read again unless it is known to be kept.
    """
    known = cache.get(expected)
    if known is not None and (known[1] or blobs is None):
        return Seen(known[0], expected.st_size, expected.st_mtime_ns, known[1], None, expected)
    began = cache.clock()
    seen = see(source, expected, blobs=blobs, advance=advance)
    if seen.digest is not None and seen.stat is not None:
        cache.put(seen.stat, seen.digest, seen.kept, began)
    return seen


def _open(path: str) -> int:
    try:
        return os.open(path, _FLAGS)
    except BlockingIOError:  # a regular file leased by a file server, which gives it up when waited for
        return os.open(path, _FLAGS & ~os.O_NONBLOCK)


def _see_open(
    descriptor: int, expected: os.stat_result | None, blobs: LocalBlobs | None, advance: Advance | None
) -> Seen:
    if expected is not None and (data := _read_as_expected(descriptor, expected)) is not None:
        return _see_small(data, expected, blobs)
    try:
        before = os.fstat(descriptor)
        if expected is None:
            if not S_ISREG(before.st_mode):
                return _unseen(_misfit(before), before)
        elif not _same(before, expected):
            return _unseen("replaced", expected)
        os.lseek(descriptor, 0, os.SEEK_SET)
        if before.st_size > BLOCK:
            return _see_large(descriptor, before, blobs, advance)
        data = _read(descriptor, before.st_size)
        if len(data) != before.st_size or not _same(before, os.fstat(descriptor)):
            return _unseen("changing", before)
    except OSError:
        return _unseen("unreadable", expected)
    return _see_small(data, before, blobs)


def _read_as_expected(descriptor: int, expected: os.stat_result) -> bytes | None:
    """What a small file holds that is as expected when it has been read; None where a closer look is needed.

    One look is enough here: `pread` takes nothing out of a pipe that was put in the file's place.
    """
    size = expected.st_size
    if size > _AT_ONCE:
        return None
    try:
        data = os.pread(descriptor, size + 1, 0)
        return data if len(data) == size and _same(os.fstat(descriptor), expected) else None
    except OSError:
        return None


def _see_small(data: bytes, stat: os.stat_result, blobs: LocalBlobs | None) -> Seen:
    digest = hashlib.sha256(data).hexdigest()
    fault = None
    if blobs is not None:
        try:
            blobs.store(data, digest)
        except OSError as error:
            fault = error
    kept = blobs is not None and fault is None
    return Seen(digest, stat.st_size, stat.st_mtime_ns, kept, None, stat, fault)


def _read(descriptor: int, size: int) -> bytes:
    """What a file holds from here on, at most one byte more than `size`."""
    data = os.read(descriptor, size + 1)
    while len(data) < size:  # file systems in user space may give less at once
        more = os.read(descriptor, size + 1 - len(data))
        if not more:
            break
        data += more
    return data


def _see_large(
    descriptor: int, before: os.stat_result, blobs: LocalBlobs | None, advance: Advance | None
) -> Seen:
    size = before.st_size
    with _Keeper(blobs) as keeper:
        clone = keeper.clone(descriptor)
        if clone is None:
            digest = _hash(descriptor, size, keeper.write, advance)
            steady = _same(before, os.fstat(descriptor))
        else:  # the file as it was at one moment: what becomes of it afterwards does not matter
            steady = _same(before, os.fstat(descriptor))
            digest = _hash(clone, size, None, advance) if steady else None
        if digest is None or not steady:
            return _unseen("changing", before)
        kept = keeper.commit(digest)
        return Seen(digest, size, before.st_mtime_ns, kept, None, before, keeper.fault)


class _Keeper:
    """The blob of a large file in the making, if it is wanted. Its first failure ends it, and nothing else."""

    def __init__(self, blobs: LocalBlobs | None) -> None:
        self.fault: OSError | None = None
        self._blobs = blobs
        self._draft: Draft | None = None
        if blobs is not None:
            try:
                self._draft = blobs.draft()
            except OSError as error:
                self.fault = error

    def clone(self, descriptor: int) -> int | None:
        """A descriptor of a clone of the file, or None where there cannot be one."""
        if self._draft is not None and self._draft.clone(descriptor):
            return self._draft.descriptor
        return None

    def write(self, block: memoryview) -> None:
        if self._draft is not None:
            try:
                self._draft.write(block)
            except OSError as error:
                self._fail(error)

    def commit(self, digest: str) -> bool:
        if self._blobs is None or self._draft is None:
            return False
        try:
            self._draft.commit(self._blobs.path(digest))
        except OSError as error:
            self._fail(error)
        return self.fault is None

    def _fail(self, error: OSError) -> None:
        self.fault = error
        self.__exit__()

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._draft is not None:
            self._draft.drop()
            self._draft = None


def _hash(
    descriptor: int, size: int, write: Callable[[memoryview], None] | None, advance: Advance | None
) -> str | None:
    """The digest of the bytes from here to the end, or None if there are not exactly `size` of them."""
    sha = hashlib.sha256()
    view = memoryview(bytearray(BLOCK))
    left = size
    with io.FileIO(descriptor, closefd=False) as stream:
        while count := stream.readinto(view):
            left -= count
            if left < 0:
                return None
            block = view[:count]
            sha.update(block)
            if write is not None:
                write(block)
            if advance is not None:
                advance(count)
    return None if left else sha.hexdigest()


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (
        one.st_mtime_ns == other.st_mtime_ns
        and one.st_ctime_ns == other.st_ctime_ns
        and one.st_size == other.st_size
        and one.st_ino == other.st_ino
        and one.st_dev == other.st_dev
    )


def _misfit(stat: os.stat_result) -> str:
    return "unreadable" if S_ISDIR(stat.st_mode) else "special"


def _unseen(reason: str, stat: os.stat_result | None) -> Seen:
    """No digest; size and time as they were when the file was named, or when reading began."""
    if stat is None or not S_ISREG(stat.st_mode):
        return Seen(None, None, None, False, reason)
    return Seen(None, stat.st_size, stat.st_mtime_ns, False, reason)
