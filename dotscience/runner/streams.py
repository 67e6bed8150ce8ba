"""What a command prints: passed through as it comes, kept in a file, and searched for run blocks."""

from __future__ import annotations

import hashlib
import os
import select
import threading
from collections.abc import Callable

from ..catalog.block_stream import BlockStream, Found
from ..recorder.notices import notice
from ..records.values import Json

__all__ = ["Stream"]

_AT_ONCE = 64 << 10
_PATIENCE = 1.0
"""Seconds without output after which a stream is left that something keeps open although the command has ended."""

_TICK = 0.25


class Stream:
    """One output of a command, read on a thread of its own until it ends.

    Args:
        source: descriptor of the pipe's reading end; closed at the end.
        through: descriptor that everything is written to as well, or None.
        file: where to keep it.
        on_block: called on the thread with each run block.
    """

    def __init__(
        self, source: int, through: int | None, file: str, on_block: Callable[[Found], None]
    ) -> None:
        self._source, self._through, self._path = source, through, file
        self._on_block = on_block
        self._blocks = BlockStream()
        self._sha, self._size = hashlib.sha256(), 0
        self._file: int | None = self._open()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dotscience-stream", daemon=True)
        self._thread.start()

    def finish(self) -> dict[str, Json] | None:
        """Once the command has ended: wait for the rest; `{"sha256", "size"}` of what was kept, or None."""
        self._ended.set()
        self._thread.join()
        if self._file is None:
            return None
        os.close(self._file)
        return {"sha256": self._sha.hexdigest(), "size": self._size}

    def _run(self) -> None:
        try:
            while self._wait():
                data = os.read(self._source, _AT_ONCE)
                self._keep(data)  # first, so that whatever anybody has seen is kept
                if not data or not self._pass_through(data):
                    break
                for found in self._blocks.feed(data):
                    self._on_block(found)
            for found in self._blocks.finish():
                self._on_block(found)
        finally:
            os.close(self._source)

    def _wait(self) -> bool:
        """Whether there is something to read, or the end of it."""
        silence = 0.0
        while os.name == "posix" and not select.select([self._source], [], [], _TICK)[0]:
            silence = silence + _TICK if self._ended.is_set() else 0.0
            if silence > _PATIENCE:
                notice("something that the command left behind may still print; that is not kept.")
                return False
        return True

    def _pass_through(self, data: bytes) -> bool:
        """False when nobody reads on: the command then meets a closed pipe, as it would without us."""
        view = memoryview(data)
        try:
            while view and self._through is not None:
                try:
                    view = view[os.write(self._through, view) :]
                except (
                    BlockingIOError
                ):  # whoever shares the descriptor has made it so; the reader is only slow
                    select.select([], [self._through], [])
        except OSError:
            return False
        return True

    def _open(self) -> int | None:
        try:
            return os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644
            )
        except OSError as error:
            self._lose(error)
            return None

    def _keep(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and self._file is not None:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            self._lose(error)
            assert self._file is not None
            os.close(self._file)
            self._file = None
        self._sha.update(data)
        self._size += len(data)

    @staticmethod
    def _lose(error: OSError) -> None:
        notice(f"cannot keep what the command prints ({error}). The command goes on.")
