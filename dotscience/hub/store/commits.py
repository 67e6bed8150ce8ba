"""The commits of the branches of dots, numbered from 1 on in each, and which runs came with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Select, func, insert, select, update

from ...catalog.database import in_parts
from ...errors import NotFoundError
from .records import unpacked
from .tables import branches, commit_runs, commits, records, users

__all__ = [
    "DELETE",
    "FILE",
    "INIT",
    "OTHER",
    "RUNS",
    "TREE",
    "Commit",
    "CommitlessRun",
    "add_commit",
    "commit_before",
    "commit_by_id",
    "commit_of_run",
    "commits_of",
    "count_commits",
    "latest_commit",
    "next_number",
    "note_run",
    "receipts_without_commits",
    "runs_with_commits",
    "runs_without_commits",
    "take",
    "untaken_uploads",
]

INIT, FILE, TREE, DELETE, RUNS, OTHER = "init", "file", "tree", "delete", "runs", "other"
"""Kinds of commits: the first one, an upload of one file or of a tree, a deletion, runs, anything else."""


_PACKED_AT_ONCE = 10
"""Records that are fetched at once, as they are packed."""


@dataclass(frozen=True)
class Commit:
    """A commit.

    Attributes:
        kind: one of those above; `path`: where an upload went.
        user: id of who made it.
        taken: it is an upload whose files a run has named as its outputs.
        at: microseconds since the Unix epoch.
    """

    id: str
    branch: str
    number: int
    kind: str
    user: str
    path: str | None
    taken: bool
    metadata: Mapping[str, str]
    at: int


@dataclass(frozen=True)
class CommitlessRun:
    """A published run that came without a commit; `document` is its sealed record, `user` a name."""

    id: str
    user: str
    received: int
    document: bytes


_COMMIT = (
    commits.c.id,
    commits.c.branch,
    commits.c.number,
    commits.c.kind,
    commits.c.user,
    commits.c.path,
    commits.c.taken,
    commits.c.metadata,
    commits.c.at,
)


def next_number(connection: Connection, branch: str) -> int:
    """The number of the commit that is about to be added.

    Raises:
        NotFoundError: the branch is gone.
    """
    connection.execute(update(branches).where(branches.c.id == branch).values(top=branches.c.top + 1))
    top = connection.execute(select(branches.c.top).where(branches.c.id == branch)).scalar()
    if top is None:
        raise NotFoundError("The dot was removed just now.")
    return int(top)


def add_commit(connection: Connection, commit: Commit) -> None:
    """Add a commit of the number that `next_number` gave."""
    connection.execute(
        insert(commits).values(
            id=commit.id,
            branch=commit.branch,
            number=commit.number,
            kind=commit.kind,
            user=commit.user,
            path=commit.path,
            taken=commit.taken,
            metadata=json.dumps(dict(commit.metadata)),
            at=commit.at,
        )
    )


def commit_by_id(connection: Connection, commit: str) -> Commit | None:
    """The commit of that id."""
    found = connection.execute(select(*_COMMIT).where(commits.c.id == commit)).first()
    return None if found is None else _commit(found)


def latest_commit(connection: Connection, branch: str) -> Commit | None:
    """The latest commit of a branch."""
    wanted = select(*_COMMIT).where(commits.c.branch == branch).order_by(commits.c.number.desc()).limit(1)
    found = connection.execute(wanted).first()
    return None if found is None else _commit(found)


def commits_of(connection: Connection, branch: str) -> list[Commit]:
    """All commits of a branch, oldest first."""
    wanted = select(*_COMMIT).where(commits.c.branch == branch).order_by(commits.c.number)
    return [_commit(row) for row in connection.execute(wanted)]


def count_commits(connection: Connection, branch: str) -> int:
    """How many commits a branch has."""
    wanted = select(func.count()).select_from(commits).where(commits.c.branch == branch)
    return int(connection.execute(wanted).scalar_one())


def untaken_uploads(
    connection: Connection, branch: str, user: str, since: int, limit: int
) -> Sequence[Commit]:
    """A user's uploads to a branch that no run has named yet, newest first.

    Args:
        since: uploads before then are left out.
    """
    wanted = (
        select(*_COMMIT)
        .where(
            commits.c.branch == branch,
            commits.c.user == user,
            commits.c.kind.in_((FILE, TREE)),
            commits.c.taken.is_(False),
            commits.c.at >= since,
        )
        .order_by(commits.c.number.desc())
        .limit(limit)
    )
    return [_commit(row) for row in connection.execute(wanted)]


def take(connection: Connection, uploads: Iterable[str]) -> None:
    """A run has named what came with these commits."""
    for part in in_parts(uploads):
        connection.execute(update(commits).where(commits.c.id.in_(part)).values(taken=True))


def note_run(connection: Connection, run: str, commit: str, model: str | None) -> None:
    """A run came with a commit."""
    connection.execute(insert(commit_runs).values(run=run, commit=commit, model=model))


def commit_of_run(connection: Connection, run: str) -> Commit | None:
    """The commit that a run came with."""
    wanted = select(*_COMMIT).join(commit_runs, commit_runs.c.commit == commits.c.id)
    found = connection.execute(wanted.where(commit_runs.c.run == run)).first()
    return None if found is None else _commit(found)


def runs_with_commits(connection: Connection, runs: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Those of the runs that came with a commit: its id, and the model that was registered last."""
    found: dict[str, tuple[str, str | None]] = {}
    for part in in_parts(runs):
        wanted = select(commit_runs.c.run, commit_runs.c.commit, commit_runs.c.model)
        rows = connection.execute(wanted.where(commit_runs.c.run.in_(part)))
        found.update((run, (commit, model)) for run, commit, model in rows)
    return found


def runs_without_commits(connection: Connection, project: str, limit: int) -> Iterator[CommitlessRun]:
    """The latest runs of a project that came over the REST API, newest first; one record is unpacked at a time."""
    wanted = _without_commits(
        project, limit, records.c.run, users.c.name, records.c.received, records.c.document
    ).join(users, users.c.id == records.c.user)
    with connection.execution_options(yield_per=_PACKED_AT_ONCE).execute(wanted) as rows:
        for run, user, received, document in rows:
            yield CommitlessRun(run, user, received, unpacked(document, run))


def receipts_without_commits(connection: Connection, project: str, limit: int) -> Sequence[tuple[str, int]]:
    """The ids of the same runs, and when each came."""
    wanted = _without_commits(project, limit, records.c.run, records.c.received)
    return [(run, received) for run, received in connection.execute(wanted)]


def _without_commits(project: str, limit: int, *columns: Column[Any]) -> Select[Any]:
    return (
        select(*columns)
        .outerjoin_from(records, commit_runs, commit_runs.c.run == records.c.run)
        .where(records.c.project == project, records.c.deleted.is_(None), commit_runs.c.run.is_(None))
        .order_by(records.c.received.desc(), records.c.run)
        .limit(limit)
    )


def commit_before(connection: Connection, branch: str, moment: int) -> Commit | None:
    """The latest commit of a branch that was made by then; its first where none was."""
    wanted = select(*_COMMIT).where(commits.c.branch == branch)
    by_then = wanted.where(commits.c.at <= moment).order_by(commits.c.number.desc()).limit(1)
    first = wanted.order_by(commits.c.number).limit(1)
    found = connection.execute(by_then).first() or connection.execute(first).first()
    return None if found is None else _commit(found)


def _commit(row: Any) -> Commit:
    values = dict(row._mapping)
    return Commit(**{**values, "metadata": json.loads(values["metadata"])})
