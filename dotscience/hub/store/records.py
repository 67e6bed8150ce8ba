"""Published runs as they were sent: the commit point of a run is its row here."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ...errors import CorruptError
from ...records.record import Record
from .tables import records, run_annotations, users
from .upsert import insert_or_ignore

__all__ = [
    "Sent",
    "Stored",
    "add_annotation",
    "add_records",
    "annotations_by_run",
    "annotations_of",
    "deleted_records",
    "every_record",
    "find_record",
    "find_records",
    "forget_record",
    "mark_deleted",
    "sealed",
    "unpacked",
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


@dataclass(frozen=True)
class Sent:
    """A record to keep.

    Attributes:
        user: id of who sent it.
        raw: its bytes as they were sent.
        received: microseconds since the Unix epoch.
    """

    run: str
    project: str
    user: str
    seal: str
    raw: bytes
    received: int


_STORED = (
    records.c.run,
    records.c.project,
    users.c.name,
    records.c.seal,
    records.c.received,
    records.c.deleted,
)


_FIND = (
    select(*_STORED)
    .join(users, users.c.id == records.c.user)
    .where(records.c.run.in_(bindparam("runs", expanding=True)))
)
_ANNOTATIONS = select(run_annotations.c.run, run_annotations.c.id, run_annotations.c.document).where(
    run_annotations.c.run.in_(bindparam("runs", expanding=True))
)


def find_record(connection: Connection, run: str) -> Stored | None:
    """What is known of a run's record, deleted or not."""
    return find_records(connection, [run]).get(run)


def find_records(connection: Connection, runs: Sequence[str]) -> dict[str, Stored]:
    """What is known of the records of a few runs, deleted or not, by run; those without one are left out."""
    return {row.run: Stored(*row) for row in connection.execute(_FIND, {"runs": runs})}


def sealed(connection: Connection, run: str) -> bytes | None:
    """The record's bytes as they were sent.

    Raises:
        CorruptError: they are damaged.
    """
    document = connection.execute(select(records.c.document).where(records.c.run == run)).scalar()
    return None if document is None else unpacked(document)


def unpacked(document: bytes, run: str = "record") -> bytes:
    """The bytes of a record as they were sent, from the column `document`.

    Args:
        run: how an error names it.

    Raises:
        CorruptError: they are damaged.
    """
    try:
        return zlib.decompress(document)
    except zlib.error as error:
        raise CorruptError(run, "", f"is damaged in the database ({error})") from None


def add_records(connection: Connection, new: Sequence[Sent]) -> None:
    """Keep records; an IntegrityError where one of the runs has one."""
    connection.execute(insert(records), [_row(one) for one in new])


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
        yield run, where, deleted is not None, Record.from_bytes(unpacked(document, run), run)


def add_annotation(
    connection: Connection, annotation_id: str, run: str, project: str, document: Mapping[str, Any]
) -> bool:
    """Keep a tag or a note; whether it is new."""
    row = {"id": annotation_id, "run": run, "project": project, "document": json.dumps(document)}
    return insert_or_ignore(connection, run_annotations, [row]) > 0


def annotations_of(connection: Connection, run: str) -> list[dict[str, Any]]:
    """A run's tags and notes, oldest first; each with its `id`."""
    return annotations_by_run(connection, [run]).get(run, [])


def annotations_by_run(connection: Connection, runs: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The tags and notes of a few runs, as `annotations_of` gives them, by run; those without any are left out."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run, each, document in connection.execute(_ANNOTATIONS, {"runs": runs}):
        found[run].append({"id": each, **json.loads(document)})
    return {run: sorted(said, key=lambda one: (one["at"], one["id"])) for run, said in found.items()}


def _row(sent: Sent) -> dict[str, Any]:
    row = dict(vars(sent))
    return {**row, "document": zlib.compress(row.pop("raw"), 1)}
