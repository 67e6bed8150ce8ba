"""Published series: the points of a run, packed by column into one blob.

Layout of the file: magic, chunks, index, footer. A chunk holds up to `_CHUNK_ROWS` rows of one layout as columns of 8-byte
little-endian values: step (int64), time (int64, milliseconds since the Unix epoch), epoch (float64, where there is one) and one float64
per series. A column is split into its eight byte planes, so that slowly changing bytes lie together; a plane is compressed with
zlib where that makes it shorter and stored as it is otherwise (its length then equals the number of rows). The index is zlib-compressed
JSON, `{"layouts": [[names, epoch]…], "chunks": [[layout, rows, offset, [[8 lengths] per column]]…]}`; the footer is
its length (`<I`) and the magic again. Reading one series touches its own columns only.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import CorruptError, NotFoundError
from ..records.values import Json, stored
from .points import Layout, Rows

__all__ = ["Series", "SeriesReader", "pack_series"]

_MAGIC = b"DSSERIES"
_FOOTER = struct.Struct("<I8s")
_DAMAGED = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    struct.error,
    zlib.error,
)
_CHUNK_ROWS = 65536
_SAMPLE = 1024
_BUFFERED = 16 << 20


@dataclass(frozen=True)
class Series:
    """The points of one series, in the order they were logged.

    Where calls with other names beside this one alternate, those with the same names stand together.

    Attributes:
        steps: int64 array; times: int64 array, milliseconds since the Unix epoch.
        epochs: float64 array, NaN where a point has none.
        values: float64 array.
    """

    steps: array[int]
    times: array[int]
    epochs: array[float]
    values: array[float]


def pack_series(frames: Iterable[Rows], write: Callable[[bytes], object]) -> dict[str, Json]:
    """Write the published form of all frames and return the record's `names`: count, last, min, max by series.

    Args:
        write: takes the bytes of the file, in order.


    Memory stays bounded however many points there are.
    """
    packer = _Packer(write)
    for frame in frames:
        packer.add(frame)
    return packer.finish()


class _Summary:
    """Count, last value and extremes of one series; NaN counts but is no extreme."""

    __slots__ = ("count", "highest", "last", "lowest", "sequence")

    def __init__(self) -> None:
        self.count, self.sequence, self.last = 0, -1, 0.0
        self.lowest = self.highest = float("nan")

    def add(self, column: array[float], sequence: int) -> None:
        self.count += len(column)
        if sequence > self.sequence:
            self.sequence, self.last = sequence, column[-1]
        known: Any = column
        total = sum(column)
        if math.isnan(total):
            known = [value for value in column if not math.isnan(value)]
        if known:
            lowest, highest = min(known), max(known)
            self.lowest = lowest if not self.lowest <= lowest else self.lowest
            self.highest = highest if not self.highest >= highest else self.highest

    def to_json(self) -> dict[str, Json]:
        return {
            "count": self.count,
            "last": stored(self.last),
            "min": stored(self.lowest),
            "max": stored(self.highest),
        }


class _Packer:
    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write, self._offset = write, len(_MAGIC)
        self._layouts: dict[Layout, int] = {}
        self._rows: dict[Layout, bytearray] = {}
        self._buffered = 0
        self._chunks: list[Json] = []
        self._summaries: dict[str, _Summary] = {}
        self._sequences: dict[Layout, int] = {}
        write(_MAGIC)

    def add(self, frame: Rows) -> None:
        if not frame.payload:
            return
        layout = frame.layout
        self._layouts.setdefault(layout, len(self._layouts))
        rows = self._rows.setdefault(layout, bytearray())
        rows += frame.payload
        self._sequences[layout] = frame.sequence
        self._buffered += len(frame.payload)
        if len(rows) >= _CHUNK_ROWS * 8 * layout.fields:
            self._flush(layout)
        elif self._buffered > _BUFFERED:
            for waiting in list(self._rows):
                self._flush(waiting)

    def finish(self) -> dict[str, Json]:
        for layout in list(self._rows):
            self._flush(layout)
        layouts = [[layout.names, layout.has_epoch] for layout in self._layouts]
        index = zlib.compress(json.dumps({"layouts": layouts, "chunks": self._chunks}).encode("ascii"))
        self._write(index + _FOOTER.pack(len(index), _MAGIC))
        return {name: summary.to_json() for name, summary in sorted(self._summaries.items())}

    def _flush(self, layout: Layout) -> None:
        rows = self._rows.pop(layout)
        self._buffered -= len(rows)
        floats = _array("d", rows)
        fields = layout.fields
        start, lengths = self._offset, []
        for field in range(fields):
            column = floats[field::fields]
            name = field - fields + len(layout.names)
            lengths.append(self._write_column(_bytes(column), is_value=name >= 0))
            if name >= 0:
                summary = self._summaries.setdefault(layout.names[name], _Summary())
                summary.add(column, self._sequences[layout])
        self._chunks.append([self._layouts[layout], len(floats) // fields, start, lengths])

    def _write_column(self, raw: bytes, is_value: bool) -> list[int]:
        lengths = []
        for plane in (raw[place::8] for place in range(8)):
            packed = plane if is_value and _looks_random(plane) else _shorter(plane)
            self._write(packed)
            self._offset += len(packed)
            lengths.append(len(packed))
        return lengths


def _looks_random(plane: bytes) -> bool:
    """Whether a sample of the plane has nearly all byte values, so that compressing it would hardly pay.

    Low bytes of measured values do. Steps and times, which count up, would too, and yet compress well.
    """
    return len(plane) >= _SAMPLE and len(set(plane[:_SAMPLE])) > 224


def _shorter(plane: bytes) -> bytes:
    packed = zlib.compress(plane, 1)
    return packed if len(packed) < len(plane) else plane


class SeriesReader:
    """Reads single series out of a published file.

    Args:
        stream: the open file, seekable; the reader does not close it.
        source: its name, for messages.

    Raises:
        CorruptError: it is no such file.
    """

    def __init__(self, stream: BinaryIO, source: str) -> None:
        self._stream, self._source = stream, source
        try:
            stream.seek(-_FOOTER.size, 2)
            length, magic = _FOOTER.unpack(stream.read(_FOOTER.size))
            stream.seek(-_FOOTER.size - length, 2)
            index = json.loads(zlib.decompress(stream.read(length)))
            self._layouts = [Layout(tuple(names), has_epoch) for names, has_epoch in index["layouts"]]
            self._chunks = index["chunks"]
        except _DAMAGED as error:
            raise CorruptError(source, "index", f"is no file of series ({error})") from None
        if magic != _MAGIC:
            raise CorruptError(source, "footer", "is no file of series")

    @property
    def names(self) -> list[str]:
        """The names of the series, sorted."""
        return sorted({name for layout in self._layouts for name in layout.names})

    def read(self, name: str) -> Series:
        """One series.

        Raises:
            NotFoundError: there is no series of that name.
            CorruptError: its columns are damaged.
        """
        if not any(name in layout.names for layout in self._layouts):
            raise NotFoundError(f"No series {name!r} in {self._source}; there are: {', '.join(self.names)}.")
        try:
            return self._read(name)
        except _DAMAGED as error:
            raise CorruptError(self._source, f"series {name!r}", f"is damaged ({error})") from None

    def _read(self, name: str) -> Series:
        series = Series(array("q"), array("q"), array("d"), array("d"))
        for number, rows, offset, lengths in self._chunks:
            layout = self._layouts[number]
            if name in layout.names:
                series.steps.extend(self._column("q", rows, offset, lengths, 0))
                series.times.extend(self._column("q", rows, offset, lengths, 1))
                series.epochs.extend(
                    self._column("d", rows, offset, lengths, 2)
                    if layout.has_epoch
                    else array("d", [float("nan")]) * rows
                )
                field = 2 + layout.has_epoch + layout.names.index(name)
                series.values.extend(self._column("d", rows, offset, lengths, field))
        return series

    def _column(self, code: str, rows: int, offset: int, lengths: list[list[int]], field: int) -> array[Any]:
        self._stream.seek(offset + sum(sum(planes) for planes in lengths[:field]))
        raw = bytearray(8 * rows)
        for place, length in enumerate(lengths[field]):
            packed = self._stream.read(length)
            raw[place::8] = packed if length == rows else zlib.decompress(packed)
        return _array(code, raw)


def _array(code: str, raw: bytes | bytearray) -> array[Any]:
    numbers = array(code)
    numbers.frombytes(raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(numbers: array[Any]) -> bytes:
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers.tobytes()
