"""The latest runs of several projects, and who sent runs: as much as a list says of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ...catalog import tables as catalog
from ...catalog.database import in_parts
from ...catalog.place import shard_of
from .tables import live, records, users

__all__ = ["RecentRun", "Sender", "last_heard", "recent_runs", "running_runs", "senders"]

_RUNS = catalog.runs.c
_LONGEST = 500

_SHOWN = select(
    _RUNS.id,
    _RUNS.workspace,
    _RUNS.status,
    _RUNS.started,
    _RUNS.duration,
    *(func.substr(column, 1, _LONGEST, type_=column.type) for column in (_RUNS.description, _RUNS.error)),
)


@dataclass(frozen=True)
class RecentRun:
    """A run as a list of the latest shows it. Times are microseconds since the Unix epoch; texts are cut where they are long."""

    id: str
    project: str
    status: str
    started: int | None
    duration: float | None
    description: str | None
    error: str | None


@dataclass(frozen=True)
class Sender:
    """The name of who sent a run; of a run in progress also when it was last heard of."""

    user: str
    heard: int | None = None


def recent_runs(
    connection: Connection,
    found: Collection[str],
    limit: int,
    *,
    statuses: Collection[str] | None = None,
    since: int | None = None,
) -> Sequence[RecentRun]:
    """The latest runs of those projects.

    Args:
        since: when they started at the earliest.
    """
    wanted = _SHOWN.where(_RUNS.started.is_not(None)).order_by(_RUNS.started.desc()).limit(limit)
    if statuses is not None:
        wanted = wanted.where(_RUNS.status.in_(statuses))
    if since is not None:
        wanted = wanted.where(_RUNS.started >= since)
    rows = [  # each project by itself: there an index gives the order
        RecentRun(*row)
        for project in found
        for row in connection.execute(
            wanted.where(_RUNS.shard == shard_of(project), _RUNS.workspace == project)
        )
    ]
    return sorted(rows, key=lambda run: run.started or 0, reverse=True)[:limit]


def running_runs(connection: Connection, found: Collection[str], limit: int) -> Sequence[RecentRun]:
    """The runs in progress of those projects, the latest first."""
    runs: list[RecentRun] = []
    for part in in_parts(found):
        wanted = _SHOWN.join(live, live.c.run == _RUNS.id).where(
            live.c.project.in_(part), _RUNS.status == "running"
        )
        runs += [RecentRun(*row) for row in connection.execute(wanted)]
    return sorted(runs, key=lambda run: run.started or 0, reverse=True)[:limit]


def senders(connection: Connection, runs: Collection[str]) -> dict[str, Sender]:
    """Who sent those runs, by id."""
    found: dict[str, Sender] = {}
    for part in in_parts(runs):
        sent = select(records.c.run, users.c.name).join(users, users.c.id == records.c.user)
        for run, name in connection.execute(sent.where(records.c.run.in_(part))):
            found[run] = Sender(name)
        running = select(live.c.run, users.c.name, live.c.heard).join(users, users.c.id == live.c.user)
        for run, name, heard in connection.execute(running.where(live.c.run.in_(part))):
            found[run] = Sender(name, heard)
    return found


def last_heard(connection: Connection, found: Collection[str]) -> int:
    """When a run in progress of those projects was last heard of; 0 where there is none."""
    latest = [0]
    for part in in_parts(found):
        wanted = select(func.max(live.c.heard)).where(live.c.project.in_(part))
        latest.append(connection.execute(wanted).scalar() or 0)
    return max(latest)
