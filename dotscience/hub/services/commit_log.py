"""The commits of a dot, as they are listed; runs that came over the REST API are among them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ...records.commit_runs import commit_metadata
from ...records.record import Record
from ..hub import Hub
from ..store import commits as store
from ..store import dots, entries
from ..store.commits import Commit, CommitlessRun
from ..store.dots import Branch
from .dots import Place, workspace_name

__all__ = ["Facts", "branches", "commit_named", "commits", "facts"]

_RUNS = uuid.UUID("5d1f1c36-6f0b-4f5b-9b2e-4a1f0a3c7d10")
"""Namespace of the commit ids of runs that came without a commit."""

_MOST_RUNS = 1000

_MOST_TOLD = 16 << 20
"""Characters of the metadata of these runs; each may have as many as a record has."""


@dataclass(frozen=True)
class Facts:
    """How many commits a branch has, and how many bytes its files have now."""

    commits: int
    size: int


def facts(hub: Hub, place: Place) -> Facts:
    """What is said of a branch."""
    branch = place.branch.id
    return hub.read(
        lambda connection: Facts(
            store.count_commits(connection, branch), entries.size_of_branch(connection, branch)
        )
    )


def branches(hub: Hub, place: Place) -> Sequence[Branch]:
    """The branches of a dot, master first."""
    return hub.read(lambda connection: dots.branches_of(connection, place.dot.id))


def commits(hub: Hub, place: Place) -> list[dict[str, Any]]:
    """The commits of a branch, oldest first, each `Id` and `Metadata`.

    On the master of a project's workspace the runs that came over the REST API stand among them: the latest 1000, or as many
    of them as have 16 MiB of metadata.
    """

    def look(connection: Connection) -> list[tuple[int, dict[str, Any]]]:
        made = store.commits_of(connection, place.branch.id)
        found = [(each.at, {"Id": each.id, "Metadata": dict(each.metadata)}) for each in made]
        if _holds_runs(place):
            found += _runs(connection, place.project.id)
        return found

    return [commit for _, commit in sorted(hub.read(look), key=lambda one: one[0])]


def commit_named(connection: Connection, place: Place, commit: str) -> Commit | None:
    """The commit of an id of that list: of a run without a commit of its own the one whose files stood there then."""
    made = store.commit_by_id(connection, commit)
    if made is not None or not _holds_runs(place):
        return made
    for run, received in store.receipts_without_commits(connection, place.project.id, _MOST_RUNS):
        if _commit_id(run) == commit:
            return store.commit_before(connection, place.branch.id, received)
    return None


def _runs(connection: Connection, project: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The latest runs that came without a commit, as commits, newest first; and when each came."""
    left = _MOST_TOLD
    for run in store.runs_without_commits(connection, project, _MOST_RUNS):
        commit = _as_commit(run)
        left -= sum(len(name) + len(value) for name, value in commit["Metadata"].items())
        if left < 0:
            return
        yield run.received, commit


def _holds_runs(place: Place) -> bool:
    return place.dot.name == workspace_name(place.project.id) and not place.branch.name


def _as_commit(run: CommitlessRun) -> dict[str, Any]:
    said = commit_metadata(Record.from_bytes(run.document, run.id), run.user)
    return {"Id": _commit_id(run.id), "Metadata": {**said, "timestamp": str(run.received * 1000)}}


def _commit_id(run: str) -> str:
    return str(uuid.uuid5(_RUNS, run.encode("utf-8", "replace").decode()))
