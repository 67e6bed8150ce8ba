"""The catalog made anew from the records and journals that the Hub holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from ...catalog.shared_writing import forget_runs
from ...errors import CorruptError
from ..hub import Hub
from ..problems import Problem
from ..store import live as live_store
from ..store import records, sweeping
from . import live, runs

__all__ = ["Reindexed", "reindex"]

_AT_ONCE = 50


class Reindexed(NamedTuple):
    """How many runs are in the catalog, and why the others are not: their records or journals cannot be read."""

    runs: int
    problems: tuple[str, ...]


def reindex(hub: Hub, progress: Callable[[int, int], object] = lambda done, total: None) -> Reindexed:
    """Write every run's rows of the catalog anew; the Hub may serve meanwhile.

    Args:
        progress: called with how many are done, and how many there are.
    """
    published = hub.read(sweeping.published_runs)
    running = hub.read(
        lambda connection: live_store.list_live(connection, sweeping.every_project(connection))
    )
    total, done = len(published) + len(running), 0
    problems: list[str] = []
    for start in range(0, len(published), _AT_ONCE):
        part = published[start : start + _AT_ONCE]

        def work(connection: Connection, part: Sequence[str] = part) -> list[str]:
            return [why for run in part for why in _problems(_index, connection, run)]

        problems += hub.change(work)
        done += len(part)
        progress(done, total)
    for each in running:

        def show(connection: Connection, run: str = each.run) -> list[str]:
            return list(_problems(partial(_show, hub), connection, run))

        problems += hub.change(show)
        done += 1
        progress(done, total)
    hub.change(_drop_strays)
    return Reindexed(total - len(problems), tuple(problems))


def _problems(work: Callable[[Connection, str], None], connection: Connection, run: str) -> Iterator[str]:
    """Write a run's rows anew, or say why that cannot be; one run must not keep the others out."""
    try:
        work(connection, run)
    except (CorruptError, Problem) as error:  # which comes before anything is written
        yield f"run {run}: {error}"


def _index(connection: Connection, run: str) -> None:
    there = records.find_record(connection, run)
    if there is not None and there.deleted is None:
        runs.reindex(connection, run, there.project)


def _show(hub: Hub, connection: Connection, run: str) -> None:
    there = live_store.find_live(connection, run)
    if there is not None and live_store.length(connection, run, "journal"):
        live.show_what_fits(hub, connection, run, there.project)


def _drop_strays(connection: Connection) -> None:
    forget_runs(connection, sweeping.stray_runs(connection))
