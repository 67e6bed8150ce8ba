"""Tar archives as they come: read piece by piece, and nothing in them is trusted. Also written, for directories that go out.

Only files and directories are taken, with names that stay inside. That there is no compression, and that sparse files are
refused, means that an archive never holds more than was sent.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..problems import Problem

__all__ = ["BLOCK", "Member", "TarReader", "tar_header", "tar_of"]

BLOCK = tarfile.BLOCKSIZE
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_MOST_EXTRA = 1 << 20
"""Bytes of what stands before a member to describe it."""

_MOST_MEMBERS = 100_000
_LONGEST_NAME = 1000


@dataclass(frozen=True)
class Member:
    """The beginning of a file; `size` bytes follow."""

    name: str
    size: int


class TarReader:
    """Takes an archive in pieces of any size, and gives what is in it: for each file a Member, then its bytes.

    Raises:
        Problem: 422, this is no archive, or none that a Hub takes.

    Example:
        >>> reader = TarReader()
        >>> for part in reader.feed(data):
        ...     print("file" if isinstance(part, Member) else "bytes")
        >>> reader.close()
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._rest = self._padding = 0  # of the file that is being read
        self._extra: tuple[bytes, int] | None = (
            None  # type and size of a header's extension, once it is known
        )
        self._name: str | None = None  # of the next member, as extensions say
        self._size: int | None = None
        self._count = 0
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[Member | bytes]:
        """What the next piece holds."""
        self._waiting += data
        while not self._is_over:
            if self._rest or self._padding:
                piece = self._take_content()
                if piece is None:
                    return
                if piece:
                    yield piece
            elif self._extra is not None:
                if not self._take_extra(*self._extra):
                    return
            elif len(self._waiting) < BLOCK:
                return
            else:
                member = self._take_header(bytes(self._take(BLOCK)))
                if member is not None:
                    yield member
        self._waiting.clear()

    def close(self) -> None:
        """There is no more. Raises Problem where the archive has no end."""
        if not self._is_over:
            raise _refused("it breaks off before its end")

    def _take(self, length: int) -> bytearray:
        taken = self._waiting[:length]
        del self._waiting[:length]
        return taken

    def _take_content(self) -> bytes | None:
        if not self._waiting:
            return None
        if self._rest:
            piece = bytes(self._take(self._rest))
            self._rest -= len(piece)
            return piece
        self._padding -= len(self._take(self._padding))
        return b""

    def _take_header(self, block: bytes) -> Member | None:
        if not block.strip(b"\0"):
            self._is_over = True
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError) as error:
            raise _refused(f"a header cannot be read ({error})") from None
        if info.size < 0:
            raise _refused("a member's size is below zero")
        if info.type in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            if info.size > _MOST_EXTRA:
                raise _refused(f"the description of a member has more than {_MOST_EXTRA} bytes")
            self._extra = (info.type, info.size)
            return None
        return self._member(info)

    def _take_extra(self, kind: bytes, size: int) -> bool:
        """Read an extension of the next header; False where it has not come yet."""
        if len(self._waiting) < _padded(size):
            return False
        said = bytes(self._take(_padded(size))[:size])
        self._extra = None
        if kind == _LONG_NAME:
            self._name = said.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        elif kind == _PAX:
            self._read_pax(said)
        return True

    def _read_pax(self, said: bytes) -> None:
        """Records of the form `<length> <key>=<value>\\n` (POSIX.1-2001)."""
        while said:
            length, space, _ = said[:20].partition(b" ")
            if not (space and length.isdigit() and len(length) + 2 < int(length) <= len(said)):
                raise _refused("the description of a member is damaged")
            record, said = said[len(length) + 1 : int(length)], said[int(length) :]
            key, equals, value = record.partition(b"=")
            if not equals or not value.endswith(b"\n"):
                raise _refused("the description of a member is damaged")
            self._note_pax(key, value[:-1])

    def _note_pax(self, key: bytes, value: bytes) -> None:
        if key == b"path":
            self._name = value.decode("utf-8", "surrogateescape")
        elif key == b"size":
            if not value.isdigit() or len(value) > 18:
                raise _refused("a member's size is no number")
            self._size = int(value)
        elif key.startswith(b"GNU.sparse."):
            raise _refused("it holds a sparse file; make the archive without `--sparse`")

    def _member(self, info: tarfile.TarInfo) -> Member | None:
        name = info.name if self._name is None else self._name
        size = info.size if self._size is None else self._size
        self._name = self._size = None
        self._count += 1
        if self._count > _MOST_MEMBERS:
            raise _refused(f"it has more than {_MOST_MEMBERS} members")
        plain = _checked(name)
        if info.type == tarfile.DIRTYPE:
            return None
        if info.type not in _FILES:
            raise _refused(
                f"{name[:200]!r} is a link, a device or the like; only files and directories are taken"
            )
        if not plain:
            raise _refused("a file in it has no name")
        self._rest, self._padding = size, _padded(size) - size
        return Member(plain, size)


def tar_header(name: str, size: int, modified: float = 0) -> bytes:
    """The header of a file in an archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, int(modified)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def tar_of(files: Iterable[tuple[bytes, int, Iterable[bytes]]]) -> Iterator[bytes]:
    """An archive of files, each given as its header, its size and its bytes."""
    for header, size, content in files:
        yield header
        yield from content
        yield b"\0" * (_padded(size) - size)
    yield b"\0" * (2 * BLOCK)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _checked(name: str) -> str:
    """A member's name without `.` parts."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise _refused(f"{name[:200]!r} leads out of the archive")
    if len(name) > _LONGEST_NAME:
        raise _refused(f"the name {name[:80]!r}… has more than {_LONGEST_NAME} characters")
    return "/".join(parts)


def _refused(why: str) -> Problem:
    return Problem(422, f"This tar archive is not taken: {why}. Nothing of it was kept.", "archive")
