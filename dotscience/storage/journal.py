"""The journal: the append-only file of a run in progress.

JSON lines in ASCII. The first is the header, an object with `journal` (the format's version), the run's `id` and
the `process` that writes. Each other line is one event, `[kind, …]`, as `records.state.RunState.apply` reads them.
A torn last line is the mark of a killed process and is dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import CorruptError
from ..records.values import Json

__all__ = ["JOURNAL_VERSION", "AppendFile", "Journal", "encode_events", "parse_journal", "read_journal"]

JOURNAL_VERSION = 1

_MOST_PROBLEMS = 100
"""Lines that are no events, after which a journal is not read on."""

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encode_events(events: Iterable[Json]) -> bytes:
    """Header or events as the lines of a journal."""
    return "".join([_encode(event) + "\n" for event in events]).encode("ascii")


class AppendFile:
    """A file that only grows, written by one process; what a failed write left half done is taken back.

    Args:
        first: what a new file begins with; nobody sees the file without it.

    Raises:
        OSError: it cannot be opened or written.
    """

    def __init__(self, path: str, first: bytes = b"") -> None:
        flags = (
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        )
        self.path = path
        early = f"{path}.tmp" if first and os.name != "nt" else path  # Windows renames no open file
        self._fd = os.open(early, flags, 0o644)
        try:
            self._length = os.fstat(self._fd).st_size
            self.append(first)
            if early != path:
                os.rename(early, path)
        except OSError:
            self.close()
            if early != path:
                os.unlink(early)
            raise

    def append(self, data: bytes | bytearray) -> None:
        """Write all of it or nothing.

        Raises:
            OSError: it could not be written; the file is as it was before.
        """
        view = memoryview(data)
        done = 0
        try:
            while done < len(view):
                done += os.write(self._fd, view[done:])
        except OSError:
            os.ftruncate(self._fd, self._length)
            raise
        self._length += done

    def beat(self) -> None:
        """Set the file's modification time to now: the writer lives."""
        os.utime(self._fd if os.utime in os.supports_fd else self.path)

    def close(self) -> None:
        """Release the file; harmless when repeated."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


@dataclass(frozen=True)
class Journal:
    """What could be read of a journal: its header, its events in order, and what is wrong with it.

    The header is empty where the process was killed before it had written it.
    """

    header: Mapping[str, Any]
    events: list[list[Any]]
    problems: list[CorruptError]
    last_beat: float


def read_journal(path: str) -> Journal:
    """Read a journal as far as it can be read.

    Raises:
        CorruptError: there is no usable header.
        FileNotFoundError: there is no such file.
    """
    with open(path, "rb") as stream:
        last_beat = os.fstat(stream.fileno()).st_mtime
        return parse_journal(stream.read(), path, last_beat)


def parse_journal(data: bytes, source: str, last_beat: float) -> Journal:
    """Read the bytes of a journal as far as they can be read.

    Args:
        source: the file's name, for messages.
        last_beat: when it was last written, in seconds since the Unix epoch.

    Raises:
        CorruptError: there is no usable header.
    """
    lines = data.split(b"\n")
    lines.pop()  # b"" after the last line feed, or the torn last line
    if not lines:
        return Journal({}, [], [], last_beat)
    header = _parse(lines[0])
    if not isinstance(header, dict) or not isinstance(header.get("id"), str):
        raise CorruptError(source, "line 1", "is no journal header")
    if header.get("journal") != JOURNAL_VERSION:
        raise CorruptError(source, "line 1", f"journal version {header.get('journal')!r} is not known here")
    events: list[list[Any]] = []
    problems: list[CorruptError] = []
    for number, line in enumerate(islice(lines, 1, None), 2):
        event = _parse(line)
        if isinstance(event, list) and event and isinstance(event[0], str):
            events.append(event)
        else:
            problems.append(CorruptError(source, f"line {number}", "is no event; it was passed over"))
        if len(problems) == _MOST_PROBLEMS:  # two bytes of nonsense would cost hundreds
            problems.append(
                CorruptError(source, f"line {number}", "is the last that was read: too many are no events")
            )
            break
    return Journal(header, events, problems, last_beat)


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
