"""Runs in progress: the files of their folders, as far as they have come."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from ...catalog.tables import runs
from .tables import chunks, live, users
from .upsert import insert_or_ignore

__all__ = [
    "Live",
    "append",
    "begin",
    "content",
    "drop",
    "find_live",
    "find_running",
    "heard",
    "is_over",
    "keep_logged",
    "length",
    "list_live",
    "logged",
    "pieces",
    "shown",
    "streamed_bytes",
]


@dataclass(frozen=True)
class Live:
    """A run in progress. Times are microseconds since the Unix epoch.

    Attributes:
        user: a name.
        shown: when the catalog was last told of it; None for never.
    """

    run: str
    project: str
    user: str
    begun: int
    heard: int
    shown: int | None


_LIVE = (live.c.run, live.c.project, users.c.name, live.c.begun, live.c.heard, live.c.shown)
_FIND = (
    select(*_LIVE)
    .join(users, users.c.id == live.c.user)
    .where(live.c.run.in_(bindparam("runs", expanding=True)))
)


def begin(connection: Connection, run: str, project: str, user: str, now: int) -> None:
    """Note that a run is in progress, where that is not known yet."""
    row = {
        "run": run,
        "project": project,
        "user": user,
        "begun": now,
        "heard": now,
        "parsed": 0,
        "logged": "",
    }
    insert_or_ignore(connection, live, [row])


def find_live(connection: Connection, run: str) -> Live | None:
    """A run in progress."""
    return find_running(connection, [run]).get(run)


def find_running(connection: Connection, among: Sequence[str]) -> dict[str, Live]:
    """Those of a few runs that are in progress, by run."""
    return {row.run: Live(*row) for row in connection.execute(_FIND, {"runs": among})}


def list_live(connection: Connection, projects: Sequence[str]) -> Sequence[Live]:
    """Runs in progress of those projects."""
    wanted = select(*_LIVE).join(users, users.c.id == live.c.user).where(live.c.project.in_(projects))
    return [Live(*row) for row in connection.execute(wanted)]


def heard(connection: Connection, run: str, now: int) -> None:
    """Note that a run was heard of."""
    connection.execute(update(live).where(live.c.run == run).values(heard=now))


def shown(connection: Connection, run: str, now: int) -> None:
    """Note that the catalog was told of a run."""
    connection.execute(update(live).where(live.c.run == run).values(shown=now))


def logged(connection: Connection, run: str) -> tuple[int, str]:
    """Up to which byte the points of a run were read, and what they came to (JSON, or "" for nothing yet)."""
    found = connection.execute(select(live.c.parsed, live.c.logged).where(live.c.run == run)).first()
    return (0, "") if found is None else (found.parsed, found.logged)


def keep_logged(connection: Connection, run: str, parsed: int, document: str) -> None:
    """Keep what `logged` gives."""
    connection.execute(update(live).where(live.c.run == run).values(parsed=parsed, logged=document))


def is_over(connection: Connection, run: str) -> bool:
    """Whether the catalog says that a run is no longer running: little will be added, perhaps for the last time."""
    return connection.execute(select(runs.c.status).where(runs.c.id == run)).scalar() != "running"


def length(connection: Connection, run: str, kind: str) -> int:
    """How many bytes of a file have come."""
    last = (
        select(chunks.c.offset + chunks.c.length)
        .where(chunks.c.run == run, chunks.c.kind == kind)
        .order_by(chunks.c.offset.desc())
        .limit(1)
    )
    return connection.execute(last).scalar() or 0


def streamed_bytes(connection: Connection, project: str) -> int:
    """How many bytes have come of the files of all runs in progress of a project."""
    ends = [
        select(chunks.c.offset + chunks.c.length)
        .where(chunks.c.run == live.c.run, chunks.c.kind == kind)
        .order_by(chunks.c.offset.desc())
        .limit(1)
        .scalar_subquery()
        for kind in ("journal", "points")
    ]
    wanted = select(*(func.sum(func.coalesce(end, 0)) for end in ends)).where(live.c.project == project)
    return sum(int(size or 0) for size in connection.execute(wanted).one())


def append(connection: Connection, run: str, kind: str, offset: int, data: bytes) -> None:
    """Keep a piece of a file."""
    connection.execute(insert(chunks).values(run=run, kind=kind, offset=offset, length=len(data), data=data))


def content(connection: Connection, run: str, kind: str, start: int = 0, most: int | None = None) -> bytes:
    """A file from a byte on, as far as it has come, or so many bytes of it."""
    if most is None:
        return b"".join(pieces(connection, run, kind, start))
    found = bytearray()
    with closing(pieces(connection, run, kind, start)) as coming:
        for piece in coming:
            found += piece
            if len(found) >= most:
                break
    return bytes(found[:most])


def pieces(connection: Connection, run: str, kind: str, start: int = 0) -> Generator[bytes, None, None]:
    """A file from a byte on, piece by piece."""
    its = (chunks.c.run == run, chunks.c.kind == kind)
    first = select(func.max(chunks.c.offset)).where(*its, chunks.c.offset <= start).scalar_subquery()
    wanted = (
        select(chunks.c.offset, chunks.c.data)
        .where(*its, chunks.c.offset >= first)
        .order_by(chunks.c.offset)
        .execution_options(yield_per=16)
    )
    with connection.execute(wanted) as found:  # which is open until it is read to its end, or closed
        for offset, data in found:
            yield data[max(0, start - offset) :]


def drop(connection: Connection, run: str) -> None:
    """Forget a run in progress: it is published, or was dropped."""
    connection.execute(delete(live).where(live.c.run == run))
