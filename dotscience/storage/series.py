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
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import CorruptError, NotFoundError
from ..records.values import Json, stored
from .points import Layout, Rows

__all__ = ["COLUMNS", "Series", "SeriesReader", "Summary", "columns_of", "pack_series"]

COLUMNS = ("steps", "times", "epochs", "values")
"""The columns of a series, as `Series` names them."""

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


@dataclass
class Summary:
    """Count, last value and extremes of one series; NaN counts but is no extreme.

    Attributes:
        sequence: number, among the rows of the run, of the row that holds `last`; -1 where there is none yet.
    """

    count: int = 0
    sequence: int = -1
    last: float = 0.0
    lowest: float = math.nan
    highest: float = math.nan

    def add(self, column: array[float], sequence: int) -> None:
        """Take further points, of which there is at least one; `sequence` is the row number of the last."""
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
        """As a record says it."""
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
        self._summaries: dict[str, Summary] = {}
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
        start = self._offset
        lengths: list[list[int]] = []
        for field in range(fields):
            column = floats[field::fields]
            name = field - fields + len(layout.names)
            lengths.append(self._write_column(_bytes(column), is_value=name >= 0))
            if name >= 0:
                summary = self._summaries.setdefault(layout.names[name], Summary())
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


def columns_of(rows: Rows) -> dict[str, array[float]]:
    """The values in a frame of rows, by the name of their series."""
    floats, fields = _array("d", rows.payload), rows.layout.fields
    first = fields - len(rows.layout.names)
    return {name: floats[first + place :: fields] for place, name in enumerate(rows.layout.names)}


class SeriesReader:
    """Reads single series out of a published file.

    Args:
        stream: the open file, seekable; the reader does not close it.
        source: its name, for messages.
        largest_index: bytes that its index may unpack to: a small file could claim anything.

    Raises:
        CorruptError: it is no such file.
    """

    def __init__(self, stream: BinaryIO, source: str, largest_index: int = 256 << 20) -> None:
        self._stream, self._source = stream, source
        try:
            stream.seek(-_FOOTER.size, 2)
            length, magic = _FOOTER.unpack(stream.read(_FOOTER.size))
            stream.seek(-_FOOTER.size - length, 2)
            index = json.loads(_unpacked(stream.read(length), largest_index))
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

    def count(self, name: str) -> int:
        """How many points the index says a series has.

        Raises:
            CorruptError: the index says no such thing.
        """
        try:
            counts = [int(chunk[1]) for chunk in self._chunks if name in self._layouts[chunk[0]].names]
            if any(count < 0 for count in counts):
                raise ValueError("a chunk has less than no rows")
            return sum(counts)
        except _DAMAGED as error:
            raise CorruptError(self._source, "index", f"is damaged ({error})") from None

    def read(self, name: str, columns: Collection[str] = COLUMNS) -> Series:
        """One series.

        Args:
            columns: those that are wanted, of `COLUMNS`; the others stay empty and cost nothing.

        Raises:
            NotFoundError: there is no series of that name.
            CorruptError: its columns are damaged.
        """
        if not any(name in layout.names for layout in self._layouts):
            raise NotFoundError(f"No series {name!r} in {self._source}; there are: {', '.join(self.names)}.")
        try:
            return self._read(name, columns)
        except _DAMAGED as error:
            raise CorruptError(self._source, f"series {name!r}", f"is damaged ({error})") from None

    def _read(self, name: str, columns: Collection[str]) -> Series:
        series = Series(array("q"), array("q"), array("d"), array("d"))
        for number, rows, offset, lengths in self._chunks:
            layout = self._layouts[number]
            if name not in layout.names:
                continue
            for place, column in enumerate(COLUMNS):
                if column not in columns:
                    continue
                found: array[Any] = getattr(series, column)
                if column == "epochs" and not layout.has_epoch:
                    found.extend(array("d", [float("nan")]) * rows)
                    continue
                field = place if column != "values" else 2 + layout.has_epoch + layout.names.index(name)
                found.extend(self._column(found.typecode, rows, offset, lengths, field))
        return series

    def _column(self, code: str, rows: int, offset: int, lengths: list[list[int]], field: int) -> array[Any]:
        self._stream.seek(offset + sum(sum(planes) for planes in lengths[:field]))
        if len(lengths[field]) != 8:
            raise ValueError("a column has eight planes")
        planes = []
        for length in lengths[field]:
            if not 0 <= length <= rows:
                raise ValueError(f"a plane of {length} bytes for {rows} rows")
            packed = self._stream.read(length)
            planes.append(packed if length == rows else _unpacked(packed, rows))
        if any(len(plane) != rows for plane in planes):
            raise ValueError(f"a plane does not have {rows} rows")
        raw = bytearray(8 * rows)
        for place, plane in enumerate(planes):
            raw[place::8] = plane
        return _array(code, raw)


def _unpacked(packed: bytes, most: int) -> bytes:
    """What was compressed, which is no longer than that."""
    unpacking = zlib.decompressobj()
    raw = unpacking.decompress(packed, most + 1)
    if len(raw) > most or not unpacking.eof:
        raise ValueError("compressed content is longer than it should be, or cut off")
    return raw


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
