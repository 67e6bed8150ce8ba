"""Writes what a run is told to its journal, within half a second, on a thread that never holds the caller up."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..records.values import Json
from ..storage.journal import JOURNAL_VERSION, AppendFile, encode_events
from ..storage.processes import HEARTBEAT
from ..storage.runs import RunFolder
from .notices import contained, notice
from .points import Points

__all__ = ["JournalWriter"]

_PAUSE = 0.4
"""Seconds between two writes."""

_MOST_WAITING = 64 << 20
"""Bytes of points that wait in memory while the disk takes none; beyond that the newest are dropped, and said to be."""


class JournalWriter:
    """The journal of one run, from its first event until it is closed.

    Args:
        folder: the run's folder, which is made.
        header: what the journal's first line holds besides its version.
        points: the run's points.
        at_once: write each event as it is told, for no thread will be there to do it.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(
        self, folder: str, header: Mapping[str, Json], points: Points, *, at_once: bool = False
    ) -> None:
        os.makedirs(folder, exist_ok=True)
        self.folder = RunFolder(folder)
        first = encode_events([{"journal": JOURNAL_VERSION, **header}])
        self._journal = AppendFile(self.folder.journal_path, first)
        self._points, self._points_file = points, None
        points.when_full = self.flush
        self._events: deque[Json] = deque()
        self._unwritten, self._unwritten_points = b"", b""
        self.dropped = 0
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._closing = False
        self._beat_at = time.monotonic() + HEARTBEAT
        self.tell: Callable[[Json], None] = self._tell_at_once if at_once else self._events.append
        try:
            threading.Thread(target=self._run, name="dotscience-journal", daemon=True).start()
        except RuntimeError:  # no more threads to be had: write at once
            self.tell = self._tell_at_once

    _points_file: AppendFile | None

    def _tell_at_once(self, event: Json) -> None:
        self._events.append(event)
        self.flush()

    def flush(self) -> None:
        """Write everything told so far; what the disk does not take is tried again next time."""
        with self._lock:
            if not self._stop.is_set():
                self._write_events()
                self._write_points()

    def _write_events(self) -> None:
        waiting = [self._events.popleft() for _ in range(len(self._events))]
        data = self._unwritten + encode_events(map(_wire, waiting))
        if data:
            try:
                self._journal.append(data)
                self._unwritten = b""
            except OSError as error:
                self._unwritten = data
                self._warn(error)

    def _write_points(self) -> None:
        declared, rows = self._points.take()
        declared = self._unwritten_points + declared
        data = declared + rows
        if not data:
            return
        try:
            if self._points_file is None:
                os.makedirs(self.folder.path, exist_ok=True)
                self._points_file = AppendFile(self.folder.points_path)
            self._points_file.append(data)
            self._unwritten_points = b""
        except OSError as error:
            if len(data) > _MOST_WAITING:  # never the layouts, without which later rows could not be read
                self.dropped += len(rows)
                data = declared
            self._unwritten_points = data
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        notice(
            f"cannot write to {self.folder.path} ({error.strerror or error}). Your program goes on and what is recorded "
            f"waits in memory; free space there before it ends."
        )

    def is_written(self) -> bool:
        """Whether everything told so far has reached the disk."""
        return not (self._events or self._unwritten) and self.has_points()

    def has_points(self) -> bool:
        """Whether the points have that were there at the last flush."""
        return not self._unwritten_points

    def close(self, *last: Json) -> None:
        """Tell the last events, write everything and release the files.

        What the disk does not take now is tried again in the background.
        """
        with self._lock:
            self._events.extend(last)
            self._closing = True
            self.flush()
            if self.is_written():
                self.drop()

    def drop(self) -> None:
        """Release the files, whether or not everything is written."""
        with self._lock:
            self._stop.set()
            self.abandon()

    def abandon(self) -> None:
        """Release the files without writing, as a forked child must, whose parent still writes them.

        Takes no lock: in the child it may be held by a thread that does not exist there.
        """
        for file in (self._journal, self._points_file):
            if file is not None:
                file.close()

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE):
            with contained("writing the journal"), self._lock:
                if not self._stop.is_set():
                    self.flush()
                    self._beat()
                    if self._closing and self.is_written():
                        self.drop()

    def _beat(self) -> None:
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + HEARTBEAT
            self._journal.beat()


def _wire(event: tuple[Any, ...]) -> Json:
    """An event as JSON; file versions, which are told as they are, take their wire form here, off the caller's path."""
    if event[0] == "inputs":
        return ("inputs", [version.to_json() for version in event[1]])
    return event
