"""The points of a run's series while it is in progress: `points.bin`, an append-only file of frames.

A frame is a header (`<BIQII`: kind, layout number, sequence number, payload length, crc32 of the rest of the frame) and its payload.
A layout frame (kind 1) declares which series a row holds: JSON `{"names": […], "epoch": bool}`. A rows frame (kind 2) holds rows
of 8-byte little-endian fields: step (int64), time (int64, milliseconds since the Unix epoch), epoch (float64, where the layout
has it), then one float64 per name. The sequence number counts the run's rows in the order they were logged, up to the frame's last.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import BinaryIO

from ..errors import CorruptError

__all__ = ["Frames", "Layout", "Rows", "layout_frame", "read_frames", "read_last", "rows_frame"]

_HEADER = struct.Struct("<BIQII")
_LAYOUT, _ROWS = 1, 2


@dataclass(frozen=True)
class Layout:
    """Which series a row holds, in the order of its fields."""

    names: tuple[str, ...]
    has_epoch: bool

    @property
    def fields(self) -> int:
        """How many 8-byte fields a row has."""
        return 2 + self.has_epoch + len(self.names)


@dataclass(frozen=True)
class Rows:
    """Rows of one layout as they were logged, the last of them being the run's row number `sequence`."""

    layout: Layout
    sequence: int
    payload: bytes


def layout_frame(number: int, layout: Layout) -> bytes:
    """Declare a layout under a number of the run."""
    body = json.dumps({"names": layout.names, "epoch": layout.has_epoch}).encode("ascii")
    return _frame(_LAYOUT, number, 0, body)


def rows_frame(number: int, sequence: int, rows: bytes | bytearray) -> bytes:
    """Rows of a declared layout."""
    return _frame(_ROWS, number, sequence, rows)


def _frame(kind: int, number: int, sequence: int, payload: bytes | bytearray) -> bytes:
    head = _HEADER.pack(kind, number, sequence, len(payload), 0)[:-4]
    return head + zlib.crc32(payload, zlib.crc32(head)).to_bytes(4, "little") + payload


class Frames:
    """Every whole frame of rows; a torn last frame is left, a damaged one is noted in `problems` and passed over.

    Args:
        stream: where a frame begins.
        source: the file's name, for messages.
        layouts: those that were declared before, by number; those that are read are added.

    Attributes:
        end: how many bytes were read of whole frames.
        wanted: how many bytes the frame after them takes, as far as that is known; else those of a header.
    """

    def __init__(
        self, stream: BinaryIO, source: str, problems: list[str], layouts: dict[int, Layout] | None = None
    ) -> None:
        self._stream, self._source, self._problems = stream, source, problems
        self.layouts: dict[int, Layout] = {} if layouts is None else layouts
        self.end, self.wanted = 0, _HEADER.size

    def __iter__(self) -> Iterator[Rows]:
        """Read on."""
        stream, layouts = self._stream, self.layouts
        while len(header := stream.read(_HEADER.size)) == _HEADER.size:
            kind, number, sequence, length, crc = _HEADER.unpack(header)
            payload = stream.read(length)
            if len(payload) < length:
                self.wanted = _HEADER.size + length
                return
            place = self.end
            self.end += _HEADER.size + length
            if zlib.crc32(payload, zlib.crc32(header[:-4])) != crc:
                self._note(place, "a damaged frame of points was passed over")
            elif kind == _LAYOUT and (layout := _layout(payload)) is not None:
                layouts[number] = layout
            elif kind == _ROWS and number in layouts and length % (8 * layouts[number].fields) == 0:
                yield Rows(layouts[number], sequence, payload)
            else:
                self._note(place, "a frame of points that fits no layout was passed over")

    def _note(self, place: int, what: str) -> None:
        self._problems.append(str(CorruptError(self._source, f"offset {place}", what)))


def read_frames(stream: BinaryIO, source: str, problems: list[str]) -> Iterator[Rows]:
    """The frames of a whole file: see `Frames`."""
    yield from Frames(stream, source, problems)


def read_last(stream: BinaryIO) -> dict[str, float]:
    """The value of each series that was logged last, as far as whole frames tell, without reading what came before it."""
    size = stream.seek(0, 2)
    layouts: dict[int, Layout] = {}
    last: dict[str, tuple[int, float]] = {}
    place = stream.seek(0)
    while len(header := stream.read(_HEADER.size)) == _HEADER.size:
        kind, number, sequence, length, _ = _HEADER.unpack(header)
        place += _HEADER.size + length
        if place > size:
            break
        if kind == _LAYOUT and (layout := _layout(stream.read(length))) is not None:
            layouts[number] = layout
        elif kind == _ROWS and number in layouts and length >= 8 * layouts[number].fields:
            names = layouts[number].names
            stream.seek(place - 8 * len(names))
            values = struct.unpack(f"<{len(names)}d", stream.read(8 * len(names)))
            for name, value in zip(names, values, strict=True):
                last[name] = max((sequence, value), last.get(name, (-1, 0.0)), key=itemgetter(0))
        stream.seek(place)
    return {name: value for name, (_, value) in last.items()}


def _layout(payload: bytes) -> Layout | None:
    """The layout that a frame declares, or None where that is none."""
    try:
        declared = json.loads(payload)
        names, has_epoch = declared["names"], declared["epoch"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if type(has_epoch) is bool and isinstance(names, list) and all(isinstance(name, str) for name in names):
        return Layout(tuple(names), has_epoch)
    return None
