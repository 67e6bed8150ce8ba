"""How much a project may still take in: what it holds, what is being sent to it, and what its runs in progress have sent."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from ..hub import Hub
from ..problems import Problem
from ..store import holdings, live

__all__ = ["Room", "check_streamed", "hold_in"]

_ASKED_EVERY = 64 << 20
"""Bytes after which others are looked at again who send at the same time."""

_STREAMED_EVERY = 1 << 20


class Room:
    """How much content may still come into a project, and how large a file may be.

    What runs in progress have sent does not count here: it goes away when their records come, which need their files first.
    """

    def __init__(self, hub: Hub, project: str) -> None:
        self._hub, self.project = hub, project
        self._file, self._limit = hub.settings.limits.file, hub.settings.limits.project
        self._left, self._unasked = self._ask(), 0

    def give_back(self, size: int) -> None:
        """So many bytes that were kept of an upload are dropped."""
        self._left += size

    def check(self, size: int, *, of: int) -> None:
        """Whether so many bytes more may come, of a file that has so many by then.

        Raises:
            Problem: 413, that is more than the Hub takes.
        """
        if self._file and of > self._file:
            raise Problem(413, f"A file has at most {self._file} bytes here (setting limit_file).", "limit")
        if self._limit and size > self._left:
            raise _no_room(self._limit)

    def take(self, size: int, *, of: int) -> None:
        """So many bytes come now; raises as `check` does."""
        self.check(size, of=of)
        self._left -= size
        self._unasked += size
        if self._unasked >= _ASKED_EVERY:
            self._left, self._unasked = min(self._left, self._ask()), 0

    def _ask(self) -> int:
        if not self._limit:
            return 0
        held = self._hub.read(lambda connection: holdings.held_bytes(connection, self.project))
        return self._limit - held - self._hub.blobs.group_size(self.project)


def hold_in(connection: Connection, project: str, sizes: Mapping[str, int], now: int, limit: int) -> None:
    """A project holds these blobs from now on; others may have sent to it at the same time.

    Args:
        limit: how many bytes it may hold, 0 for any number; who adds nothing is not refused.

    Raises:
        Problem: 413, the project is full.
    """
    before = holdings.held_bytes(connection, project) if limit else 0
    holdings.hold(connection, project, sizes, now)
    if limit and max(limit, before) < holdings.held_bytes(connection, project):
        raise _no_room(limit)


def check_streamed(hub: Hub, connection: Connection, project: str, before: int, after: int) -> None:
    """Whether a file of a run in progress may grow; asked once for each MiB of it.

    Raises:
        Problem: 413, the project is full.
    """
    limit = hub.settings.limits.project
    if limit and (not before or before // _STREAMED_EVERY != after // _STREAMED_EVERY):
        streamed = live.streamed_bytes(connection, project) + after - before
        if holdings.held_bytes(connection, project) + streamed > limit:
            raise _no_room(limit)


def _no_room(limit: int) -> Problem:
    return Problem(
        413,
        f"The project may hold {limit} bytes (setting limit_project), and this is more than is left. Delete runs that are no "
        f"longer needed, and ask whoever runs the Hub for `ds hub gc`.",
        "quota",
    )
