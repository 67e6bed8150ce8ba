"""Brings a catalog's tables up to date with the run folders.

Any number of processes may do so at once: what a folder says is read without a lock and written in short
transactions, in which each looks first at what the others have done.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, select

from ..storage.runs import RunFolder
from ..storage.workspace import Workspace
from . import tables
from .database import build_indexes, drop_indexes, insert_many, writing
from .reading import Reading, read
from .scan import OPEN, RUNNING, YOUNG, Known, is_old, is_unchanged, look, time_of
from .texts import escape
from .writing import Writer

__all__ = ["Progress", "bring_up_to_date"]

Progress = Callable[[int, int], None]
"""Called with how many run folders are done and how many there are."""

_MOST_FOLDERS, _MOST_USES = 2000, 100_000
"""One transaction holds up to so many."""

_BULK = 1000
"""From so many new folders on, an empty catalog gets its indexes afterwards."""


@dataclass
class _Place:
    """One `runs/` folder with something to be done about it."""

    name: str
    time: int
    began: int
    is_scanned: bool
    known: dict[str, Known]
    pending: list[RunFolder]
    gone: list[str]


def bring_up_to_date(engine: Engine, workspace: Workspace, progress: Progress | None = None) -> None:
    """Index what is new or changed in the workspace's run folders, and forget what is gone."""
    with engine.connect() as connection:
        places = list(_changed_places(connection, workspace))
        is_empty = bool(places) and connection.execute(select(tables.runs.c.key).limit(1)).first() is None
    if is_empty and sum(len(place.pending) for place in places) >= _BULK:
        with writing(engine) as connection:
            drop_indexes(connection)
        with _paused_garbage_collection():
            _index(engine, workspace.root, places, progress)
    else:
        _index(engine, workspace.root, places, progress)
    _note_scans(engine, [place for place in places if place.is_scanned])


def _index(engine: Engine, root: str, places: Sequence[_Place], progress: Progress | None) -> None:
    total, done = sum(len(place.pending) for place in places), 0
    writer = Writer(engine, root)
    for place in places:
        for batch in _batches(_readings(place)):
            writer.write(batch)
            done += sum(reading.known is not None for reading in batch)
            if progress is not None:
                progress(done, total)


@contextmanager
def _paused_garbage_collection() -> Iterator[None]:
    """A million small objects and no cycles among them: looking for some would take a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _changed_places(connection: Connection, workspace: Workspace) -> Iterator[_Place]:
    scans = {row.place: (row.changed, row.began) for row in connection.execute(select(tables.scans))}
    here = {_place_name(place, workspace.root): place for place in workspace.places}
    for name in (*here, *(scans.keys() - here.keys())):
        runs = os.path.join(here.get(name, os.path.join(workspace.root, name)), "runs")
        began, changed, last = time.time_ns(), time_of(runs), scans.get(name)
        whole = not is_unchanged(changed, last)
        known = _known(connection, name, whole)
        pending, gone = look(runs, known, whole, began)
        is_scanned = whole and (last is None or changed != last[0] or is_old(changed, began))
        if pending or gone or is_scanned:
            yield _Place(name, changed, began, is_scanned, known, pending, gone)


def _place_name(place: str, root: str) -> str:
    """How the tables name a place: relative where it can be, so that a workspace may be moved."""
    return os.path.relpath(place, root) if place.startswith(os.path.join(root, "")) else place


def _known(connection: Connection, place: str, whole: bool) -> dict[str, Known]:
    folders = tables.folders
    wanted = select(folders.c.name, folders.c.stamp, folders.c.watch).where(folders.c.place == place)
    if not whole:
        wanted = wanted.where(folders.c.watch.in_((YOUNG, RUNNING, OPEN)))
    return {name: Known(stamp, watch) for name, stamp, watch in connection.execute(wanted)}


def _readings(place: _Place) -> Iterator[Reading]:
    for name in place.gone:
        yield Reading(place.name, name)
    for folder in place.pending:
        reading = read(folder, place.name)
        if reading.known != place.known.get(reading.name):
            yield reading


def _batches(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    batch: list[Reading] = []
    uses = 0
    for reading in readings:
        batch.append(reading)
        uses += 0 if reading.facts is None else len(reading.facts.inputs) + len(reading.facts.outputs)
        if len(batch) >= _MOST_FOLDERS or uses >= _MOST_USES:
            yield batch
            batch, uses = [], 0
    if batch:
        yield batch


def _note_scans(engine: Engine, places: Sequence[_Place]) -> None:
    """Remember what was listed, so that the next look can be short."""
    if not places:
        return
    scans = tables.scans
    with writing(engine) as connection:
        build_indexes(connection)
        connection.execute(delete(scans).where(scans.c.place.in_([place.name for place in places])))
        rows = [(escape(place.name), place.time, place.began) for place in places]
        insert_many(connection, scans, rows)
