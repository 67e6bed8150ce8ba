"""One file of the digest cache: written once, looked up where it lies, so that a large cache costs no memory.

"dotscience digests 1\\n", number of records and of buckets (2 × 4 bytes)
buckets: end of each, in records (4) and crc32 of each (4); a record is in bucket crc32(identity) mod their number
records: identity of a file (40 bytes), sha256 of its content (32), whether it is kept (1)
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from array import array
from collections.abc import Iterable, Mapping
from io import FileIO
from itertools import chain
from zlib import crc32

__all__ = ["RECORD", "SMALL", "DigestFile", "encode"]

RECORD = 73
"""Bytes of a record: 40 of the identity, 33 that belong to it."""

_HEADER = b"dotscience digests 1\n"
_NUMBERS = struct.Struct("<II")
_START = len(_HEADER) + _NUMBERS.size
_RECORD = struct.Struct("40s33s")
_PER_BUCKET = 8
SMALL = 20_000
"""Up to so many records are one bucket: such a file is read whole, in a few milliseconds."""


def encode(entries: Mapping[bytes, bytes]) -> bytes:
    """A file that holds these entries, identity → sha256 and kept (33 bytes)."""
    number = 1 if len(entries) <= SMALL else len(entries) // _PER_BUCKET
    index = array("I")
    bodies = []
    end = 0
    for bucket in _spread(entries, number):
        body = b"".join(bucket)
        end += len(body) // RECORD
        index.append(end)
        index.append(crc32(body))
        bodies.append(body)
    return b"".join([_HEADER, _NUMBERS.pack(end, number), _little(index).tobytes(), *bodies])


def _spread(entries: Mapping[bytes, bytes], number: int) -> list[Iterable[bytes]]:
    """Identities and values, in turn, of each bucket."""
    if number == 1:
        return [chain.from_iterable(entries.items())]
    buckets: list[list[bytes]] = [[] for _ in range(number)]
    for identity, value in entries.items():
        buckets[crc32(identity) % number] += identity, value
    return [*buckets]


class DigestFile:
    """A file of the cache, open for looking things up.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """

    def __init__(self, stream: FileIO) -> None:
        self._stream = stream
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(_START)
        if len(start) != _START or not start.startswith(_HEADER):
            raise ValueError("not a file of digests")
        self._count, self._buckets = _NUMBERS.unpack_from(start, len(_HEADER))
        self._first = _START + 8 * self._buckets
        if not self._buckets or size != self._first + RECORD * self._count:
            raise ValueError("cut short")
        index = array("I")
        index.frombytes(stream.read(8 * self._buckets))
        if len(index) != 2 * self._buckets:
            raise ValueError("cut short")
        self._index = _little(index)

    def get(self, identity: bytes) -> bytes | None:
        """The 33 bytes that belong to an identity; nothing where the file is damaged."""
        try:
            body = self._bucket(crc32(identity) % self._buckets)
        except (OSError, ValueError):
            return None
        place = body.find(identity)
        while place % RECORD and place >= 0:  # the same bytes, but across two records
            place = body.find(identity, place + 1)
        return None if place < 0 else body[place + 40 : place + RECORD]

    def entries(self) -> dict[bytes, bytes]:
        """All that it holds."""
        entries: dict[bytes, bytes] = {}
        for number in range(self._buckets):
            entries.update(_RECORD.iter_unpack(self._bucket(number)))
        return entries

    def _bucket(self, number: int) -> bytes:
        first = self._index[2 * number - 2] if number else 0
        end, checksum = self._index[2 * number : 2 * number + 2]
        if not first <= end <= self._count:
            raise ValueError("the index is damaged")
        body = _read_at(self._stream.fileno(), (end - first) * RECORD, self._first + first * RECORD)
        if len(body) != (end - first) * RECORD or crc32(body) != checksum:
            raise ValueError("a bucket is damaged")
        return body

    def __del__(self) -> None:
        self._stream.close()


def _little(index: array[int]) -> array[int]:
    """To and from the order of bytes that the file has."""
    if sys.byteorder == "big":
        index.byteswap()
    return index


_one_reader = threading.Lock()


def _read_at(descriptor: int, count: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, count, offset)
    with _one_reader:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, count)
