"""What a command printed, a piece at a time: nobody reads a log of gigabytes at once."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import NotFoundError
from ...runner.execution import STREAMS, Execution
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from . import blobs
from .executions import find
from .terminal import as_text

__all__ = ["PIECE", "Log", "Piece", "logs_of", "piece"]

PIECE = 256 << 10
"""Bytes that are shown at once."""

_TAIL = 128 << 10
_LINES = 200


@dataclass(frozen=True)
class Piece:
    """A part of what was printed.

    Attributes:
        start, stop: its place in the whole, in bytes; `size`: of the whole.
    """

    text: str
    start: int
    stop: int
    size: int


@dataclass(frozen=True)
class Log:
    """One output of a command.

    Attributes:
        tail: how it ends, at most some 200 lines; None where its content is not here.
        is_whole: the tail is all of it.
    """

    name: str
    digest: str
    size: int
    tail: str | None
    is_whole: bool


def logs_of(hub: Hub, access: Access, execution: Execution) -> list[Log]:
    """How the outputs of an execution of the project end; those that are empty are left out."""
    found = []
    for name in STREAMS:
        kept = getattr(execution, name)
        if kept is not None and kept["size"]:
            found.append(_log(hub, access, name, kept["sha256"], kept["size"]))
    return found


def piece(hub: Hub, access: Access, execution: str, stream: str, start: int) -> Piece:
    """A piece of an output from a byte on; it ends with a line where it can.

    Raises:
        Problem: 404, the project has no such execution or output; 416, there are no bytes from there on.
    """
    kept = getattr(find(hub, access, execution), stream)
    if kept is None:
        raise Problem(404, f"The {stream} of the execution {execution} was not kept.")
    digest = str(kept["sha256"])
    size = blobs.size_of(hub, access, digest)
    if start >= size:
        raise Problem(416, f"The {stream} has {size} bytes.")
    raw = _read(hub, digest, start, PIECE)
    if start + len(raw) < size:
        raw = raw[: _end_of_lines(raw)]
    return Piece(as_text(raw), start, start + len(raw), size)


def _log(hub: Hub, access: Access, name: str, digest: str, size: int) -> Log:
    try:
        size = blobs.size_of(hub, access, digest)
        start = max(0, size - _TAIL)
        raw = _read(hub, digest, start, _TAIL)
    except (Problem, NotFoundError):
        return Log(name, digest, size, None, False)
    if start:
        raw = raw[_first_line(raw) :]
    lines = as_text(raw).split("\n")
    most = _LINES + (not lines[-1])  # a text that ends with a line ends with nothing behind it
    return Log(name, digest, size, "\n".join(lines[-most:]), not start and len(lines) <= most)


def _read(hub: Hub, digest: str, start: int, length: int) -> bytes:
    return b"".join(hub.blobs.read(digest, start, length))


def _end_of_lines(raw: bytes) -> int:
    """Where a piece is cut: after its last line, else before a character that goes on."""
    after = max(raw.rfind(b"\n"), raw.rfind(b"\r")) + 1
    return after or len(raw) - _torn(raw)


def _torn(raw: bytes) -> int:
    """How many bytes at the end are the beginning of a character (UTF-8)."""
    for count in range(1, min(4, len(raw)) + 1):
        first = raw[-count]
        if first & 0xC0 != 0x80:
            needed = 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2 if first >= 0xC0 else 1
            return count if needed > count else 0
    return 0


def _first_line(raw: bytes) -> int:
    """Where the first whole line begins, else the first whole character."""
    found = raw.find(b"\n", 0, -1)
    if found >= 0:
        return found + 1
    return next((place for place, each in enumerate(raw[:4]) if each & 0xC0 != 0x80), 0)
