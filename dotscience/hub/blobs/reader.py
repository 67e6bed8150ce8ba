"""A blob of an object store as a file to read and to seek in."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

__all__ = ["ObjectReader"]


class ObjectReader(io.RawIOBase):
    """Every read is one request for a range, so it belongs below an `io.BufferedReader`.

    Args:
        fetch: the bytes from one offset to another.
        size: how many bytes there are.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch, self._size, self._position = fetch, size, 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go somewhere, also beyond the end, as in any file."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if begin + offset < 0:
            raise OSError(f"Cannot seek to {begin + offset}, before the beginning.")
        self._position = begin + offset
        return self._position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there are bytes."""
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """All that follows, in one request."""
        return self._next(self._size)

    def _next(self, length: int) -> bytes:
        end = min(self._position + length, self._size)
        if end <= self._position:
            return b""
        data = self._fetch(self._position, end)
        self._position += len(data)
        return data
