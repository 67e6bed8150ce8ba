"""Pieces of bytes, one after another, as a stream to read from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

__all__ = ["Joined"]


class Joined(io.BufferedReader):
    """A stream of what an iterator gives; only the piece that is being read is in memory.

    Example:
        >>> Joined(iter([b"ab", b"c"])).read()
        b'abc'
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(_Pieces(pieces))


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            following = next(self._pieces, None)
            if following is None:
                return 0
            self._rest = memoryview(following)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
