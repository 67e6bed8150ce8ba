"""The catalog made anew from the records and journals that the Hub holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ...catalog.database import lock_runs
from ...catalog.shared_writing import forget_runs
from ..hub import Hub
from ..store import live as live_store
from ..store import records, sweeping
from . import live, runs

__all__ = ["reindex"]

_AT_ONCE = 50


def reindex(hub: Hub, progress: Callable[[int, int], object] = lambda done, total: None) -> int:
    """Write every run's rows of the catalog anew; the Hub may serve meanwhile. How many runs there are.

    Args:
        progress: called with how many are done, and how many there are.
    """
    published = hub.read(sweeping.published_runs)
    running = hub.read(
        lambda connection: live_store.list_live(connection, sweeping.every_project(connection))
    )
    total, done = len(published) + len(running), 0
    for start in range(0, len(published), _AT_ONCE):
        part = published[start : start + _AT_ONCE]

        def work(connection: Connection, part: Sequence[str] = part) -> None:
            lock_runs(connection)  # or a run that is deleted meanwhile would come back; likewise below
            for run in part:
                there = records.find_record(connection, run)
                if there is not None and there.deleted is None:
                    runs.reindex(connection, run, there.project)

        hub.change(work)
        done += len(part)
        progress(done, total)
    for each in running:

        def show(connection: Connection, run: str = each.run) -> None:
            lock_runs(connection)
            there = live_store.find_live(connection, run)
            if there is not None and live_store.length(connection, run, "journal"):
                live.show_what_fits(hub, connection, run, there.project)

        hub.change(show)
        done += 1
        progress(done, total)
    hub.change(_drop_strays)
    return total


def _drop_strays(connection: Connection) -> None:
    lock_runs(connection)  # or one that is taken in meanwhile would be taken for a stray
    forget_runs(connection, sweeping.stray_runs(connection))
