"""Which project holds which content, and what is being sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, delete, func, insert, select, update

from ...catalog.database import in_parts
from .tables import holdings, uploads
from .upsert import insert_or_ignore

__all__ = [
    "add_upload",
    "are_others_sending",
    "end_upload",
    "extend_upload",
    "forget_uploads",
    "held_by_anybody",
    "held_bytes",
    "hold",
    "holds",
    "known",
    "release",
    "stored_bytes",
    "uploads_in_flight",
]


def hold(connection: Connection, project: str, sizes: Mapping[str, int], now: int) -> None:
    """A project holds these blobs from now on."""
    rows = [
        {"project": project, "digest": digest, "size": size, "since": now}
        for digest, size in sorted(sizes.items())
    ]
    insert_or_ignore(connection, holdings, rows)


def holds(connection: Connection, project: str, digest: str) -> int | None:
    """The size of a blob that a project holds; None where it does not hold it."""
    wanted = select(holdings.c.size).where(holdings.c.project == project, holdings.c.digest == digest)
    size: int | None = connection.execute(wanted).scalar()
    return size


def known(connection: Connection, digests: Iterable[str], projects: Collection[str]) -> dict[str, int]:
    """Those of the blobs that one of the projects holds, with their sizes."""
    found: dict[str, int] = {}
    for part in in_parts(digests):
        wanted = select(holdings.c.digest, holdings.c.size, holdings.c.project).where(
            holdings.c.digest.in_(part)
        )
        found.update(
            (digest, size) for digest, size, project in connection.execute(wanted) if project in projects
        )
    return found


def held_by_anybody(connection: Connection, digests: Iterable[str]) -> frozenset[str]:
    """Those of the blobs that some project holds."""
    found: set[str] = set()
    for part in in_parts(digests):
        found.update(
            connection.execute(select(holdings.c.digest).where(holdings.c.digest.in_(part))).scalars()
        )
    return frozenset(found)


def held_bytes(connection: Connection, project: str) -> int:
    """How much content a project holds, in bytes."""
    wanted = select(func.sum(holdings.c.size)).where(holdings.c.project == project)
    return int(connection.execute(wanted).scalar() or 0)


def stored_bytes(connection: Connection) -> int:
    """How much content all projects hold, each once, in bytes."""
    each = select(func.max(holdings.c.size).label("size")).group_by(holdings.c.digest).subquery()
    return int(connection.execute(select(func.sum(each.c.size))).scalar() or 0)


def release(connection: Connection, project: str, digests: Iterable[str]) -> None:
    """A project no longer holds these blobs."""
    for part in in_parts(digests):
        connection.execute(delete(holdings).where(holdings.c.project == project, holdings.c.digest.in_(part)))


def add_upload(
    connection: Connection, upload: str, project: str, *, dot: str | None, now: int, lease: int
) -> None:
    """Something is being sent until further notice, or until its lease is over."""
    connection.execute(insert(uploads).values(id=upload, project=project, dot=dot, begun=now, lease=lease))


def extend_upload(connection: Connection, upload: str, lease: int) -> None:
    """It is still being sent."""
    connection.execute(update(uploads).where(uploads.c.id == upload).values(lease=lease))


def end_upload(connection: Connection, upload: str) -> None:
    """It has come, or broke off."""
    connection.execute(delete(uploads).where(uploads.c.id == upload))


def forget_uploads(connection: Connection, before: int) -> None:
    """Drop what is left of uploads whose lease was over by then: whoever received them has died."""
    connection.execute(delete(uploads).where(uploads.c.lease < before))


def are_others_sending(connection: Connection, upload: str, now: int) -> bool:
    """Whether an upload other than that one is alive."""
    wanted = select(uploads.c.id).where(uploads.c.id != upload, uploads.c.lease > now).limit(1)
    return connection.execute(wanted).first() is not None


def uploads_in_flight(connection: Connection, dot: str, now: int) -> int:
    """How many uploads to a dot are alive."""
    wanted = select(func.count()).select_from(uploads).where(uploads.c.dot == dot, uploads.c.lease > now)
    return connection.execute(wanted).scalar_one()
