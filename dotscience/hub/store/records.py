"""Published runs as they were sent: the commit point of a run is its row here."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ...records.record import Record
from .tables import records, run_annotations, users
from .upsert import insert_or_ignore

__all__ = [
    "Stored",
    "add_annotation",
    "add_record",
    "annotations_of",
    "deleted_records",
    "every_record",
    "find_record",
    "forget_record",
    "mark_deleted",
    "sealed",
]


@dataclass(frozen=True)
class Stored:
    """What stands beside a record. Times are microseconds since the Unix epoch.

    Attributes:
        user: name of who sent it.
    """

    run: str
    project: str
    user: str
    seal: str
    received: int
    deleted: int | None


_STORED = (
    records.c.run,
    records.c.project,
    users.c.name,
    records.c.seal,
    records.c.received,
    records.c.deleted,
)


def find_record(connection: Connection, run: str) -> Stored | None:
    """What is known of a run's record, deleted or not."""
    wanted = select(*_STORED).join(users, users.c.id == records.c.user).where(records.c.run == run)
    found = connection.execute(wanted).first()
    return None if found is None else Stored(*found)


def sealed(connection: Connection, run: str) -> bytes | None:
    """The record's bytes as they were sent."""
    document = connection.execute(select(records.c.document).where(records.c.run == run)).scalar()
    return None if document is None else zlib.decompress(document)


def add_record(
    connection: Connection, run: str, project: str, *, user: str, seal: str, raw: bytes, now: int
) -> None:
    """Keep a record; an IntegrityError where the run has one."""
    connection.execute(
        insert(records).values(
            run=run, project=project, user=user, seal=seal, document=zlib.compress(raw, 1), received=now
        )
    )


def mark_deleted(connection: Connection, run: str, now: int | None, user: str | None) -> None:
    """Delete a run's record, or with None restore it."""
    connection.execute(update(records).where(records.c.run == run).values(deleted=now, deleted_by=user))


def forget_record(connection: Connection, runs: Sequence[str]) -> None:
    """Drop records for good, and what was said about them."""
    connection.execute(delete(run_annotations).where(run_annotations.c.run.in_(runs)))
    connection.execute(delete(records).where(records.c.run.in_(runs)))


def deleted_records(
    connection: Connection, project: str | None = None, before: int | None = None
) -> Sequence[Stored]:
    """Records that were deleted and can be restored, the latest first."""
    wanted = (
        select(*_STORED)
        .join(users, users.c.id == records.c.user)
        .where(records.c.deleted.is_not(None))
        .order_by(records.c.deleted.desc(), records.c.run)
    )
    if project is not None:
        wanted = wanted.where(records.c.project == project)
    if before is not None:
        wanted = wanted.where(records.c.deleted < before)
    return [Stored(*row) for row in connection.execute(wanted)]


def every_record(
    connection: Connection, project: str | None = None
) -> Iterator[tuple[str, str, bool, Record]]:
    """Each record with its project and whether it is deleted, a few at a time."""
    wanted = select(records.c.run, records.c.project, records.c.deleted, records.c.document)
    if project is not None:
        wanted = wanted.where(records.c.project == project)
    for run, where, deleted, document in connection.execution_options(yield_per=100).execute(wanted):
        yield run, where, deleted is not None, Record.from_bytes(zlib.decompress(document), run)


def add_annotation(
    connection: Connection, annotation_id: str, run: str, project: str, document: Mapping[str, Any]
) -> bool:
    """Keep a tag or a note; whether it is new."""
    row = {"id": annotation_id, "run": run, "project": project, "document": json.dumps(document)}
    return insert_or_ignore(connection, run_annotations, [row]) > 0


def annotations_of(connection: Connection, run: str) -> list[dict[str, Any]]:
    """A run's tags and notes, oldest first; each with its `id`."""
    wanted = select(run_annotations.c.id, run_annotations.c.document).where(run_annotations.c.run == run)
    found = [{"id": each, **json.loads(document)} for each, document in connection.execute(wanted)]
    return sorted(found, key=lambda said: (said["at"], said["id"]))
