"""The runs of a project as its table shows them, and the newest runs of all projects that somebody may view."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ...catalog.columns import parse_column, read_columns
from ...catalog.listing import MOST_COUNTED, find_and_count, names_in_use
from ...catalog.row import Row
from ..access import Access, Asker
from ..hub import Hub
from ..problems import Problem
from ..store import recent
from ..store.projects import Project
from ..store.recent import RecentRun, Sender
from ..times import iso_of
from . import projects

__all__ = ["Listed", "Overview", "columns", "listed", "names", "overview", "overview_stamp", "stamp"]

MOST_COLUMNS = 50
"""Of one chart or table."""

_FAILED = ("failed", "crashed", "killed")
_WEEK = 7 * 24 * 3600 * 1_000_000
_MOST_PROJECTS = 100
_LOOKED_INTO = 40
"""Of these projects, the ones that changed last, the latest runs are told."""


@dataclass(frozen=True)
class Listed:
    """A page of the runs of a project.

    Attributes:
        senders: who sent each, by the run's id.
        next: cursor of the page that follows.
        count: of all that fit; where not exact there are more than that.
    """

    rows: Sequence[Row]
    senders: Mapping[str, Sender]
    next: str | None
    count: int
    count_is_exact: bool

    def to_json(self) -> list[dict[str, Any]]:
        """The rows as plain JSON values, each with `user` and `heard`."""
        found = []
        for row in self.rows:
            sender = self.senders.get(row.id)
            heard = None if sender is None or sender.heard is None else iso_of(sender.heard)
            found.append({**row.to_json(), "user": sender and sender.user, "heard": heard})
        return found


@dataclass(frozen=True)
class Overview:
    """What somebody sees first.

    Attributes:
        projects: those that may be viewed, that changed last first, at most 100; `counts` their runs, by id.
        projects_in_all: how many may be viewed.
        running, failed, recent: runs, the latest first; `failed` those of the last week.
        senders: who sent each, by the run's id.
    """

    projects: Sequence[Project]
    projects_in_all: int
    counts: Mapping[str, int]
    running: Sequence[RecentRun]
    failed: Sequence[RecentRun]
    recent: Sequence[RecentRun]
    senders: Mapping[str, Sender]


def listed(
    hub: Hub, access: Access, query: str, *, sort: Sequence[str], limit: int, after: str | None = None
) -> Listed:
    """A page of the runs of a project. Arguments and errors as for `find_runs`."""
    place = hub.catalog.seen_by([access.here.id])
    page, count = find_and_count(place, query, sort, limit, after)
    sent = hub.read(lambda connection: recent.senders(connection, [row.id for row in page.rows]))
    return Listed(page.rows, sent, page.next, min(count, MOST_COUNTED), count <= MOST_COUNTED)


def stamp(hub: Hub, access: Access) -> str:
    """An ETag of everything that lists of a project's runs say: it changes whenever they may."""
    found = projects.find(hub, access.here.id, access.asker)  # it may have changed since the request came
    return _stamp(hub, [] if found is None else [found])


def overview_stamp(hub: Hub, asker: Asker) -> str:
    """An ETag of what `overview` says."""
    seen, count = projects.latest(hub, asker, _MOST_PROJECTS)
    return _stamp(hub, seen, count)


def _stamp(hub: Hub, seen: Sequence[Project], count: int = 1) -> str:
    heard = hub.read(lambda connection: recent.last_heard(connection, [project.id for project in seen]))
    return f'W/"{hashlib.sha256(repr((heard, seen, count)).encode("utf-8", "backslashreplace")).hexdigest()[:32]}"'


def names(hub: Hub, access: Access) -> dict[str, list[str]]:
    """The names of `parameters`, `metrics` and `labels` in use in a project."""
    found = names_in_use(hub.catalog.seen_by([access.here.id]))
    return {"parameters": found.parameters, "metrics": found.metrics, "labels": found.labels}


def columns(hub: Hub, access: Access, wanted: Sequence[str], query: str, limit: int) -> dict[str, Any]:
    """Columns of a project's latest runs, for charts.

    Raises:
        Problem: 422, too many are wanted.
        QueryError, ArgumentError: as `read_columns` does.
    """
    if len(wanted) > MOST_COLUMNS:
        raise Problem(422, f"A chart has at most {MOST_COLUMNS} columns, not {len(wanted)}.", "limit")
    operands = [parse_column(name) for name in wanted]
    found = read_columns(hub.catalog.seen_by([access.here.id]), operands, query, limit)
    named = [{"name": name, "values": values} for name, values in zip(wanted, found.values, strict=True)]
    return {"runs": found.runs, "columns": named, "is_complete": found.is_complete}


def overview(hub: Hub, asker: Asker, limit: int = 10) -> Overview:
    """Projects and runs that somebody may view."""
    seen, count = projects.latest(hub, asker, _MOST_PROJECTS)
    looked_into = [project.id for project in seen[:_LOOKED_INTO]]
    since = hub.now() - _WEEK

    def ask(connection: Connection) -> tuple[Sequence[RecentRun], ...]:
        running = recent.running_runs(connection, [project.id for project in seen], limit)
        failed = recent.recent_runs(connection, looked_into, limit, statuses=_FAILED, since=since)
        return running, failed, recent.recent_runs(connection, looked_into, limit)

    running, failed, latest = hub.read(ask)
    ids = {run.id for run in (*running, *failed, *latest)}
    sent = hub.read(lambda connection: recent.senders(connection, ids))
    return Overview(seen, count, projects.count_runs(hub, seen), running, failed, latest, sent)
