"""What a Hub no longer needs, and why; found and removed while it serves.

Content goes in three steps. A run that was deleted long enough ago is forgotten. What neither a record of a project names any
more nor an execution of its runs printed, the project no longer holds. What no project holds is removed from the store. The last two look once more, in a
transaction that keeps off everybody who is about to need what they remove; whoever stored content at that very moment
finds it gone, and is told to send it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ...catalog.parts import parts_of
from ...storage.blobs import Entry
from ..hub import Hub
from ..store import accounts, executions, holdings, records, sweeping
from ..store.records import Stored
from ..times import iso_of

__all__ = ["Garbage", "find", "sweep"]

YOUNG = 24 * 3600 * 1_000_000
"""Microseconds for which content stays, whoever needs it: its record may be on the way."""

_STALE = 7 * 24 * 3600 * 1_000_000
"""Microseconds after which an upload that broke off is not gone on with."""

_AT_ONCE = 20
"""Blobs that are removed in one transaction: nobody else can publish meanwhile."""


@dataclass(frozen=True)
class Garbage:
    """What is not needed.

    Attributes:
        runs: were deleted longer ago than a deleted run is kept.
        released: by project, the sizes in bytes of the contents that none of its records names.
        blobs: are held by no project.
        uploads: names of uploads that broke off long ago.
        sessions: how many sign-ins are over.
    """

    runs: Sequence[Stored]
    released: Mapping[str, Mapping[str, int]]
    blobs: Sequence[Entry]
    uploads: Sequence[str]
    sessions: int

    @property
    def size(self) -> int:
        """How many bytes of content go."""
        return sum(blob.size for blob in self.blobs)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "runs": [
                {"id": run.run, "project": run.project, "deleted": iso_of(run.deleted or 0)}
                for run in self.runs
            ],
            "released": {project: sorted(sizes) for project, sizes in self.released.items()},
            "blobs": [{"digest": blob.digest, "size": blob.size} for blob in self.blobs],
            "size": self.size,
            "uploads": list(self.uploads),
            "sessions": self.sessions,
        }


def find(hub: Hub) -> Garbage:
    """What `sweep` would remove; nothing is changed."""
    runs = hub.read(lambda connection: records.deleted_records(connection, before=_deleted_before(hub)))
    return _rest(hub, runs, frozenset(run.run for run in runs), {})


def sweep(hub: Hub) -> Garbage:
    """Remove what is not needed, and tell what that was. The Hub may serve meanwhile.

    Raises:
        CorruptError: a record cannot be read, so nobody knows what it needs: no content is removed.
        UnwritableError: something cannot be removed.
    """
    before, now = _deleted_before(hub), hub.now()
    runs = hub.read(lambda connection: records.deleted_records(connection, before=before))
    forgotten = _forget(hub, runs, before)
    seen: dict[str, set[str]] = {}
    found = _rest(hub, forgotten, frozenset(), seen)
    for project, sizes in found.released.items():
        _release(hub, project, sizes, seen[project])
    blobs = [blob for part in _parts(found.blobs) for blob in _remove(hub, part)]
    hub.blobs.sweep((now - _STALE) / 1_000_000)

    def rest(connection: Connection) -> None:
        accounts.remove_expired(connection, now, now - YOUNG)
        holdings.forget_uploads(connection, now - YOUNG)

    hub.change(rest)
    return Garbage(forgotten, found.released, blobs, found.uploads, found.sessions)


def _deleted_before(hub: Hub) -> int:
    return hub.now() - hub.settings.trash_days * 24 * 3600 * 1_000_000


def _rest(hub: Hub, runs: Sequence[Stored], doomed: Collection[str], seen: dict[str, set[str]]) -> Garbage:
    """What is not needed but for the runs.

    Args:
        doomed: runs whose needs do not count.
        seen: gets the ids of the runs whose records were looked at, by project.
    """
    now = hub.now()
    released = {}
    for project in hub.read(sweeping.every_project):
        needless = _needless(hub, project, doomed, now - YOUNG, seen.setdefault(project, set()))
        if needless:
            released[project] = needless
    held = hub.read(sweeping.holders)
    for sizes in released.values():
        held.subtract(sizes.keys())
    old = (now - YOUNG) / 1_000_000
    blobs = [blob for blob in hub.blobs.entries() if blob.modified < old and held[blob.digest] <= 0]
    uploads = list(hub.blobs.stale_uploads((now - _STALE) / 1_000_000))
    sessions = hub.read(lambda connection: sweeping.count_expired(connection, now))
    return Garbage(runs, released, blobs, uploads, sessions)


def _needless(hub: Hub, project: str, doomed: Collection[str], before: int, seen: set[str]) -> dict[str, int]:
    """What a project holds although nothing in it needs it."""

    def ask(connection: Connection) -> dict[str, int]:
        found = sweeping.held_before(connection, project, before)
        if found:
            for run, _, _, record in records.every_record(connection, project):
                seen.add(run)
                if run not in doomed:
                    for part in parts_of(record):
                        found.pop(part.digest, None)
            for digest in sweeping.digests_of_dots(connection, project):
                found.pop(digest, None)
            for digest in executions.digests_of_logs(connection, project, doomed):
                found.pop(digest, None)
        return found

    return hub.read(ask)


def _forget(hub: Hub, runs: Sequence[Stored], before: int) -> Sequence[Stored]:
    """Forget the runs, but for those that were restored meanwhile."""
    forgotten: set[str] = set()
    for part in _parts(runs, 100):
        ids = [run.run for run in part]

        def work(connection: Connection, ids: Sequence[str] = ids) -> Sequence[str]:
            still = sweeping.still_deleted(connection, ids, before)
            records.forget_record(connection, still)
            executions.forget_executions(connection, still)
            return still

        forgotten.update(hub.change(work))
    return [run for run in runs if run.run in forgotten]


def _release(hub: Hub, project: str, sizes: Mapping[str, int], seen: Collection[str]) -> None:
    """Let a project hold these no longer, unless what came since the look at it needs them.

    What came since is known by its id: the clocks of several machines do not agree.
    """

    def work(connection: Connection) -> None:
        needed = set(sweeping.digests_of_dots(connection, project))
        needed |= executions.digests_of_logs(connection, project)
        for record in sweeping.new_records(connection, project, seen):
            needed.update(part.digest for part in parts_of(record))
        holdings.release(connection, project, sizes.keys() - needed)

    hub.change(work)


def _remove(hub: Hub, blobs: Sequence[Entry]) -> list[Entry]:
    """Remove those of the blobs that still nobody holds."""

    def work(connection: Connection) -> list[Entry]:
        held = holdings.held_by_anybody(connection, [blob.digest for blob in blobs])
        doomed = [blob for blob in blobs if blob.digest not in held]
        for blob in doomed:
            hub.blobs.delete(blob.digest)
        return doomed

    return hub.change(work)


def _parts(items: Sequence[Any], size: int = _AT_ONCE) -> Any:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
