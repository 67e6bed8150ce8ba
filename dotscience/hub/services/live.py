"""Runs in progress: their journal and points arrive as they are written, by offset, and the catalog shows what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from ...catalog.rows import from_state
from ...catalog.shared_writing import write_runs
from ...catalog.view import as_record
from ...records.record import Record
from ...records.state import RunState
from ...storage.journal import parse_journal
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..store import live as store
from ..store import projects, records
from ..store.live import Live
from .limits import check_record, check_run_id
from .logged import Logged
from .room import check_streamed

__all__ = ["KINDS", "Piece", "append", "length", "record_of", "show", "show_what_fits", "state_of"]

KINDS = ("journal", "points")
"""The files of a run folder that are sent while the run is in progress."""

_EVERY = 1_000_000
"""Microseconds between two times that the catalog is told of a run in progress."""

_PER_BYTE = 2
"""Further microseconds for each byte of the journal: the catalog is told of all that it says, which takes time."""

_OVER = (b'["closed"', b'["ended"')
"""What stands in a piece of a journal that must be told at once, for nothing may follow it."""

_JOURNALS_PER_RECORD = 4
"""How much longer a journal may be than a record: it repeats what changed."""


class Piece(NamedTuple):
    """Bytes of a file of a run in progress; `kind` is one of `KINDS`."""

    run: str
    kind: str
    offset: int
    data: bytes


def append(hub: Hub, access: Access, piece: Piece) -> int:
    """Take a piece of a file of a run in progress, and return how long the file is now.

    What is held already is compared and passed over, so a piece may come twice.

    Raises:
        Problem: 409, bytes before this piece are missing, differ from what is held, or the run is published or elsewhere;
            413 or 422, the run holds more than this Hub takes.
        CorruptError: what came is no journal.
    """
    check_run_id(piece.run)

    def work(connection: Connection) -> int:
        return _append(hub, connection, access, piece)

    return hub.change(work)


def _append(hub: Hub, connection: Connection, access: Access, piece: Piece) -> int:
    run, kind, offset, data = piece
    project, now = access.here, hub.now()
    before = _find(connection, run, project.id)
    held = store.length(connection, run, kind)
    if offset > held:
        raise Problem(409, f"The Hub holds {held} bytes of this file; go on from there.", "gap", length=held)
    known = min(held - offset, len(data))
    if known and store.content(connection, run, kind, offset, known) != data[:known]:
        raise Problem(409, f"The Hub holds other bytes of the {kind} of the run {run}.", "differs")
    new = data[known:]
    if before is None:
        store.begin(connection, run, project.id, access.user.id, now)
    else:
        store.heard(connection, run, now)
    if new:
        _check_size(hub, kind, held + len(new))
        check_streamed(hub, connection, project.id, held, held + len(new))
        store.append(connection, run, kind, held, new)
        if kind == "points":
            _read_on(hub, connection, run, held + len(new))
    if _is_due(connection, before, new, now):
        if _says_only_that_it_is_over(new):
            show_what_fits(hub, connection, run, project.id)
        else:
            show(hub, connection, run, project.id)
    if new:
        projects.touch(connection, project.id, now)
    return held + len(new)


def _find(connection: Connection, run: str, project: str) -> Live | None:
    """The run, which is None where it begins now. Raises Problem where it is not one that may go on here."""
    there, running = records.find_record(connection, run), store.find_live(connection, run)
    if any(found is not None and found.project != project for found in (there, running)):
        raise Problem(
            409, f"The Hub holds the run {run} elsewhere. A run belongs to one project.", "elsewhere"
        )
    if there is not None:
        raise Problem(409, f"The run {run} is published or was deleted: nothing can be added.", "published")
    return running


def _check_size(hub: Hub, kind: str, size: int) -> None:
    limits = hub.settings.limits
    most, setting = (
        (_JOURNALS_PER_RECORD * limits.record, "limit_record")
        if kind == "journal"
        else (limits.file, "limit_file")
    )
    if most and size > most:
        raise Problem(
            413, f"The Hub takes at most {most} bytes of the {kind} of a run (setting {setting}).", "limit"
        )


def _read_on(hub: Hub, connection: Connection, run: str, size: int) -> None:
    """Read the points that were not read before, where they are whole now."""
    logged = Logged.from_text(*store.logged(connection, run))
    if size < logged.parsed + logged.wanted:
        return
    logged.take(store.content(connection, run, "points", logged.parsed), hub.settings.limits.names)
    store.keep_logged(connection, run, logged.parsed, logged.to_text())


def _is_due(connection: Connection, before: Live | None, new: bytes, now: int) -> bool:
    """Whether the catalog must be told now."""
    if before is None or before.shown is None:
        return True
    if not new and before.heard <= before.shown:
        return False
    size = store.length(connection, before.run, "journal")
    is_time = now - before.shown >= _EVERY + _PER_BYTE * size
    return is_time or any(word in new for word in _OVER) or store.is_over(connection, before.run)


def _says_only_that_it_is_over(new: bytes) -> bool:
    return new.startswith(_OVER[0]) and all(line.startswith(_OVER[0]) for line in new.splitlines())


def length(hub: Hub, access: Access, run: str, kind: str) -> int:
    """How many bytes of a file have come.

    Raises:
        Problem: 404, the project has no such run in progress.
    """

    def ask(connection: Connection) -> int:
        running = store.find_live(connection, run)
        if running is None or running.project != access.here.id:
            raise Problem(404, f"There is no run {run[:100]!r} in progress in this project.")
        return store.length(connection, run, kind)

    return hub.read(ask)


def state_of(connection: Connection, run: str) -> RunState:
    """What the journal of a run in progress says so far.

    Raises:
        CorruptError: it has no usable header.
    """
    return _state(connection, run)[0]


def record_of(connection: Connection, run: str) -> Record:
    """What is known of a run in progress, in the form of a record.

    Raises:
        CorruptError: its journal has no usable header.
    """
    return _record(*_state(connection, run))


def show(hub: Hub, connection: Connection, run: str, project: str) -> None:
    """Tell the catalog what is known of a run in progress.

    Raises:
        CorruptError: its journal has no usable header.
        Problem: 422, it holds more than this Hub takes.
    """
    _tell(hub, connection, *_state(connection, run), project)


def show_what_fits(hub: Hub, connection: Connection, run: str, project: str) -> None:
    """As `show`; of a run that holds more than this Hub takes, the catalog is told its status and when it began."""
    state, logged = _state(connection, run)
    try:
        _tell(hub, connection, state, logged, project)
    except Problem:
        bare = RunState(run, state.status, process=state.process, root=state.root, started=state.started)
        _tell(hub, connection, bare, Logged(), project)


def _tell(hub: Hub, connection: Connection, state: RunState, logged: Logged, project: str) -> None:
    check_record(hub, _record(state, logged))
    said = records.annotations_of(connection, state.id)
    write_runs(connection, [(from_state(state, said), project)])
    store.shown(connection, state.id, hub.now())


def _state(connection: Connection, run: str) -> tuple[RunState, Logged]:
    journal = parse_journal(store.content(connection, run, "journal"), "journal", 0.0)
    state = RunState.replay({**journal.header, "id": run}, journal.events)
    logged = Logged.from_text(*store.logged(connection, run))
    state.problems.extend(str(problem) for problem in journal.problems)
    state.logged = logged.last_values()
    return state, logged


def _record(state: RunState, logged: Logged) -> Record:
    record = as_record(state)
    names = logged.names()
    return replace(
        record, series={"names": names} if names else {}, notices=(*record.notices, *logged.problems)
    )
