"""Published runs, taken in: what is checked before one is kept, and how many that come at once are kept together."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from sqlalchemy import Connection

from ...catalog.parts import parts_of
from ...catalog.rows import from_record
from ...catalog.shared_writing import write_runs
from ...errors import CorruptError
from ...records.record import Record
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..store import holdings, live, projects, records
from .limits import check_record, check_run_id
from .room import hold_in

__all__ = ["Arrival", "accept", "hold_parts", "keep"]


@dataclass(frozen=True)
class Arrival:
    """A record that is to be kept in a project.

    Attributes:
        access: whose it is, and the project.
        raw: the sealed record as its writer wrote it.
        now: microseconds since the Unix epoch.
        limit: how many bytes of content the project may hold; 0 for any number.
    """

    access: Access
    record: Record
    raw: bytes
    now: int
    limit: int


def accept(hub: Hub, access: Access, run: str, raw: bytes) -> bool:
    """Take in a published run; whether it is new. Its kept content must be here before it.

    Args:
        raw: the sealed record as its writer wrote it.

    Raises:
        CorruptError: it is no record, or was altered.
        Problem: 409, content is missing, the run is in another project, differs from what is here, or was deleted;
            413 or 422, it holds more than this Hub takes, or the project is full.
    """
    check_run_id(run)
    if 0 < hub.settings.limits.record < len(raw):
        raise Problem(413, f"A record has at most {hub.settings.limits.record} bytes here.", "limit")
    record = Record.from_bytes(raw, "record")
    if record.id != run:
        raise CorruptError("record", "id", f"is {record.id!r}, and the address says {run!r}")
    if record.seal is None:
        raise CorruptError("record", "seal", "is missing")
    check_record(hub, record)
    return hub.change_together(keep, Arrival(access, record, raw, hub.now(), hub.settings.limits.project))


def keep(connection: Connection, arrivals: Sequence[Arrival]) -> list[bool]:
    """Take in records, in a transaction of the caller's; whether each is new.

    Raises:
        Problem: as `accept`.
        IntegrityError: a run is among them twice.
    """
    ids = [each.record.id for each in arrivals]
    running, known = live.find_running(connection, ids), records.find_records(connection, ids)
    for each in arrivals:
        _check_place(connection, each, running.get(each.record.id))
        _check_place(connection, each, known.get(each.record.id))
        _check_same(each, known.get(each.record.id))
    new = [each for each in arrivals if each.record.id not in known]
    for each in new:
        hold_parts(
            connection, {part.digest for part in parts_of(each.record)}, each.access, each.now, each.limit
        )
        if each.record.id in running:
            live.drop(connection, each.record.id)
    if new:
        _add(connection, new)
    return [each.record.id not in known for each in arrivals]


def _add(connection: Connection, new: Sequence[Arrival]) -> None:
    records.add_records(connection, [_sent(each) for each in new])
    said = records.annotations_by_run(connection, [each.record.id for each in new])
    write_runs(
        connection,
        [(from_record(each.record, said.get(each.record.id, ())), each.access.here.id) for each in new],
    )
    for project, now in {each.access.here.id: each.now for each in new}.items():
        projects.touch(connection, project, now)


def _sent(arrival: Arrival) -> records.Sent:
    record, access = arrival.record, arrival.access
    return records.Sent(record.id, access.here.id, access.user.id, str(record.seal), arrival.raw, arrival.now)


def _check_place(connection: Connection, arrival: Arrival, there: live.Live | records.Stored | None) -> None:
    """Raises Problem where another project has the run."""
    access, run = arrival.access, arrival.record.id
    if there is not None and there.project != access.here.id:
        may_know = there.project in _visible(connection, access)
        where = "in another project" if may_know else "under that id"
        raise Problem(409, f"The Hub holds a run {where}: {run}. A run belongs to one project.", "elsewhere")


def _check_same(arrival: Arrival, there: records.Stored | None) -> None:
    """Raises Problem where the run's record is here, and is not exactly this one."""
    run = arrival.record.id
    if there is None:
        return
    if there.deleted is not None:
        raise Problem(409, f"The run {run} was deleted here. Restore it on the Hub.", "deleted")
    if there.seal != arrival.record.seal:
        raise Problem(
            409,
            f"The Hub holds another record of the run {run}. A record never changes: a correction is a new run that "
            f"names the old one.",
            "differs",
        )


def hold_parts(connection: Connection, needed: Set[str], access: Access, now: int, limit: int) -> None:
    """Let the project hold the content that a record, or what stands beside one, needs.

    Content that the asker may read in another project is taken over from there. What is found
    is not removed before it is held, for there is one change at a time.

    Args:
        limit: how many bytes the project may hold; 0 for any number.

    Raises:
        Problem: 409, some of it is missing; 413, the project is full.
    """
    project = access.here.id
    others = needed - holdings.known(connection, needed, {project}).keys()
    if not others:
        return
    known = holdings.known(connection, others, _visible(connection, access))
    missing = sorted(others - known.keys())
    if missing:
        raise Problem(
            409,
            f"{len(missing)} of {len(needed)} contents that are named as kept are not here. Send them first.",
            "missing-blobs",
            missing=missing,
        )
    hold_in(connection, project, known, now, limit)


def _visible(connection: Connection, access: Access) -> frozenset[str]:
    return projects.visible_projects(connection, access.asker.id, access.asker.only)
