"""What the sweep of a Hub asks and removes, beside runs and accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, exists, func, select

from ...catalog import tables as catalog
from ...catalog.database import in_parts
from ...records.record import Record
from .records import unpacked
from .tables import branches, dots, entries, holdings, live, projects, records, sessions

__all__ = [
    "count_expired",
    "digests_of_dots",
    "every_digest",
    "every_project",
    "held_before",
    "holders",
    "new_records",
    "published_runs",
    "still_deleted",
    "stray_runs",
]


def every_project(connection: Connection) -> Sequence[str]:
    """Ids of all projects."""
    return connection.execute(select(projects.c.id).order_by(projects.c.id)).scalars().all()


def still_deleted(connection: Connection, runs: Collection[str], before: int) -> Sequence[str]:
    """Those of the runs that were deleted before a moment, and not restored since."""
    wanted = select(records.c.run).where(records.c.run.in_(runs), records.c.deleted < before)
    return connection.execute(wanted).scalars().all()


def held_before(connection: Connection, project: str, before: int) -> dict[str, int]:
    """What a project has held since before a moment, with the sizes."""
    wanted = select(holdings.c.digest, holdings.c.size)
    wanted = wanted.where(holdings.c.project == project, holdings.c.since < before)
    return {row[0]: row[1] for row in connection.execute(wanted)}


def digests_of_dots(connection: Connection, project: str) -> Iterator[str]:
    """The content of all files, of all commits, of a project's dots."""
    wanted = (
        select(entries.c.digest)
        .join(branches, branches.c.id == entries.c.branch)
        .join(dots, dots.c.id == branches.c.dot)
        .where(dots.c.project == project)
    )
    yield from connection.execute(wanted).scalars()


def holders(connection: Connection) -> Counter[str]:
    """How many projects hold each blob."""
    wanted = select(holdings.c.digest, func.count()).group_by(holdings.c.digest)
    return Counter({row[0]: row[1] for row in connection.execute(wanted)})


def every_digest(connection: Connection) -> Sequence[str]:
    """All content that a project holds or a dot has, sorted."""
    wanted = select(holdings.c.digest).union(select(entries.c.digest))
    return sorted(connection.execute(wanted).scalars())


def published_runs(connection: Connection) -> Sequence[str]:
    """Ids of all published runs that are not deleted."""
    wanted = select(records.c.run).where(records.c.deleted.is_(None)).order_by(records.c.run)
    return connection.execute(wanted).scalars().all()


def new_records(connection: Connection, project: str, seen: Collection[str]) -> Iterator[Record]:
    """The records of a project but for those that were seen already, by id."""
    wanted = select(records.c.run).where(records.c.project == project)
    new = [run for run in connection.execute(wanted).scalars() if run not in seen]
    for part in in_parts(new):
        found = select(records.c.run, records.c.document).where(records.c.run.in_(part))
        for run, document in connection.execute(found).all():
            yield Record.from_bytes(unpacked(document, run), run)


def count_expired(connection: Connection, now: int) -> int:
    """How many sessions are over."""
    return connection.execute(
        select(func.count()).select_from(sessions).where(sessions.c.expires < now)
    ).scalar_one()


def stray_runs(connection: Connection) -> Sequence[str]:
    """Runs of the catalog of which the Hub holds neither a record nor a journal."""
    run = catalog.runs.c.id
    is_published = exists().where(records.c.run == run, records.c.deleted.is_(None))
    is_running = exists().where(live.c.run == run)
    return connection.execute(select(run).where(~is_published, ~is_running)).scalars().all()
