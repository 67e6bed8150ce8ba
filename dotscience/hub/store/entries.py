"""The files of the branches of dots, at every commit.

A file stands here once, from the commit that put it there until the one that replaced or removed it, so every commit remains
readable and none repeats what it did not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, or_, select, true, update

from .tables import entries

__all__ = [
    "Entry",
    "clear",
    "copy_entries",
    "entries_at",
    "entries_of_commit",
    "entry_at",
    "put_entries",
    "size_of_branch",
]

_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Entry:
    """A file; `modified` in microseconds since the Unix epoch."""

    path: str
    digest: str
    size: int
    modified: int


_ENTRY = (entries.c.path, entries.c.digest, entries.c.size, entries.c.modified)


def entries_at(connection: Connection, branch: str, number: int, prefix: str = "") -> Iterator[Entry]:
    """The files of a branch as a commit left them whose paths begin so, by path, a few at a time."""
    wanted = (
        select(*_ENTRY)
        .where(entries.c.branch == branch, _stands_at(number), _begins(prefix))
        .order_by(entries.c.path)
    )
    for row in connection.execution_options(yield_per=1000).execute(wanted):
        yield Entry(*row)


def entry_at(connection: Connection, branch: str, number: int, path: str) -> Entry | None:
    """A file as a commit left it."""
    wanted = select(*_ENTRY).where(entries.c.branch == branch, entries.c.path == path, _stands_at(number))
    found = connection.execute(wanted).first()
    return None if found is None else Entry(*found)


def entries_of_commit(connection: Connection, branch: str, number: int) -> list[Entry]:
    """The files that a commit put there, by path."""
    wanted = select(*_ENTRY).where(entries.c.branch == branch, entries.c.since == number)
    return [Entry(*row) for row in connection.execute(wanted.order_by(entries.c.path))]


def size_of_branch(connection: Connection, branch: str) -> int:
    """How many bytes the files of a branch have now."""
    wanted = select(func.sum(entries.c.size)).where(entries.c.branch == branch, entries.c.until.is_(None))
    return int(connection.execute(wanted).scalar() or 0)


def put_entries(connection: Connection, branch: str, number: int, files: Iterable[Entry]) -> None:
    """Files that a commit puts where nothing is any more."""
    rows = [
        {
            "branch": branch,
            "path": each.path,
            "since": number,
            "digest": each.digest,
            "size": each.size,
            "modified": each.modified,
        }
        for each in files
    ]
    if rows:
        connection.execute(insert(entries), rows)


def clear(connection: Connection, branch: str, number: int, path: str, *, above: bool = False) -> int:
    """A commit removes the file at a path, or everything below it; how many files those were. "" removes all.

    Args:
        above: also files where directories above the path must be.
    """
    parts = path.split("/")
    paths = ["/".join(parts[:count]) for count in range(1, len(parts))] if above else []
    where = or_(entries.c.path.in_([*paths, path]), _begins(f"{path}/")) if path else true()
    gone = update(entries).where(entries.c.branch == branch, entries.c.until.is_(None), where)
    return connection.execute(gone.values(until=number)).rowcount


def copy_entries(connection: Connection, branch: str, number: int, into: str, since: int) -> None:
    """Put the files of a branch, as a commit left them, into another branch (or the same), as a commit of that one."""
    columns = [entries.c.path, entries.c.digest, entries.c.size, entries.c.modified]
    source = select(literal(into), literal(since), *columns)
    source = source.where(entries.c.branch == branch, _stands_at(number))
    names = ["branch", "since", *(column.name for column in columns)]
    connection.execute(insert(entries).from_select(names, source))


def _stands_at(number: int) -> ColumnElement[bool]:
    is_there = or_(entries.c.until.is_(None), entries.c.until > number)
    return and_(entries.c.since <= number, is_there)


def _begins(prefix: str) -> ColumnElement[bool]:
    if not prefix:
        return true()
    return and_(entries.c.path >= prefix, entries.c.path < prefix + _LAST)
