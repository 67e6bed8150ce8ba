"""The points that wait to be written: `log()` packs each call into one row of bytes."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from ..errors import ArgumentError
from ..storage.points import Layout, layout_frame, rows_frame

__all__ = ["Points"]

_FULL = 4 << 20
"""Bytes after which the caller writes them out itself, so that memory stays bounded."""


class _Pending:
    """The rows of one layout that are not written yet, and the last one that is.

    `names` are the keys as they were given, text or not.
    """

    __slots__ = ("last", "layout", "names", "number", "pack", "rows", "sequence")

    def __init__(self, number: int, names: tuple[Any, ...], layout: Layout) -> None:
        self.number, self.names, self.layout = number, names, layout
        self.pack = struct.Struct(f"<qq{layout.fields - 2}d").pack
        self.rows = self.last = bytearray()
        self.sequence = 0

    def swap(self) -> bytearray:
        """Hand over the rows."""
        rows, self.rows = self.rows, bytearray()
        self.last = rows[-8 * self.layout.fields :] or self.last
        return rows


class Points:
    """Packs points as they are logged. `take()` hands over what is not written yet, as frames.

    Args:
        clock: seconds since the Unix epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Reentrant: a signal handler or a finalizer may log while its own thread is logging.
        self._lock = threading.RLock()
        self._layouts: dict[tuple[tuple[Any, ...], bool], _Pending] = {}
        self._latest = _Pending(-1, (None,), Layout((), False))
        self._dirty: list[_Pending] = []
        self._declared: list[bytes] = []
        self._waiting = 0
        self._step = -1
        self.count = 0
        self.when_full: Callable[[], None] = self._shed

    def add(self, data: Mapping[str, Any], step: int | None, epoch: float | None) -> None:
        """Take one row.

        Raises:
            ArgumentError: a value is no number, or the step no integer.
        """
        with self._lock:
            if step is None:
                step = self._step + 1
            try:
                names = tuple(data)
                pending = self._latest
                if names != pending.names or (epoch is not None) != pending.layout.has_epoch:
                    pending = self._latest = self._pending(names, epoch is not None)
                now = int(self._clock() * 1000)
                if epoch is None:
                    row = pending.pack(step, now, *data.values())
                else:
                    row = pending.pack(step, now, epoch, *data.values())
            except (struct.error, TypeError, ValueError, AttributeError, OverflowError):
                raise _explained(data, step, epoch) from None
            self._step = step
            self.count += 1
            if not pending.rows:
                self._dirty.append(pending)
            pending.rows += row
            pending.sequence = self.count
            self._waiting += len(row)
            full = self._waiting > _FULL
        if full:
            self.when_full()

    def take(self) -> tuple[bytes, bytes]:
        """The frames of everything logged since the last call: the layouts that are new, and the rows."""
        with self._lock:
            # Swapped before they are used, for a signal handler may log at any point in between.
            declared, self._declared = self._declared, []
            dirty, self._dirty = self._dirty, []
            self._waiting = 0
            rows = [rows_frame(pending.number, pending.sequence, pending.swap()) for pending in dirty]
        return b"".join(declared), b"".join(rows)

    def last_values(self) -> dict[str, float]:
        """The value of each series that was logged last."""
        found: dict[str, float] = {}
        with self._lock:
            for pending in sorted(self._layouts.values(), key=attrgetter("sequence")):
                names, row = pending.layout.names, pending.rows or pending.last
                if row and names:
                    found.update(
                        zip(names, struct.unpack(f"<{len(names)}d", row[-8 * len(names) :]), strict=True)
                    )
        return found

    def _shed(self) -> None:
        """Forget the rows: nobody writes them down, and memory is bounded."""
        with self._lock:
            dirty, self._dirty = self._dirty, []
            self._waiting = 0
            for pending in dirty:
                pending.swap()

    def _pending(self, names: tuple[Any, ...], has_epoch: bool) -> _Pending:
        pending = self._layouts.get((names, has_epoch))
        if pending is None:
            layout = Layout(tuple(map(str, names)), has_epoch)
            pending = self._layouts[names, has_epoch] = _Pending(len(self._layouts), names, layout)
            self._declared.append(layout_frame(pending.number, layout))
        return pending


def _explained(data: object, step: object, epoch: object) -> ArgumentError:
    if not isinstance(data, Mapping):
        return ArgumentError(
            f'ds.log() takes names and numbers, as in ds.log({{"loss": 0.3}}), not {data!r:.80}.'
        )
    if not hasattr(step, "__index__"):
        return ArgumentError(
            f"ds.log(): step must be an integer, not {step!r:.80}; a fraction can go into epoch."
        )
    for name, value in {**data, "epoch": 0.0 if epoch is None else epoch}.items():
        try:
            struct.pack("<d", value)
        except (struct.error, TypeError, ValueError, OverflowError):
            return ArgumentError(
                f"ds.log(): {name!r} must be a number, not {type(value).__name__} {value!r:.80}. "
                f"Texts belong into ds.label() or ds.parameter()."
            )
    return ArgumentError(f"ds.log(): step {step!r:.80} is too large; it must fit 64 bits.")
