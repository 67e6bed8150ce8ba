"""File versions by number: each (path, digest) stands once in a shard, however many runs used it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, select

from ..records.files import FileVersion
from .database import build_indexes, find_versions, in_parts, insert_many
from .place import WORKSPACE_SHARD
from .tables import versions
from .texts import escape, unescape

__all__ = ["Versions", "intern"]

_MOST = 1_000_000
"""So many versions are remembered at once (some 300 MB)."""


class Versions:
    """Numbers of file versions, remembered from one transaction to the next of the same process."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._top: int | None = None
        self._is_complete = False

    def keys(self, connection: Connection, files: Sequence[FileVersion]) -> list[int]:
        """The number of each file version; those that are new are added to the tables.

        Call it in a writing transaction, and forget this object when the transaction fails.
        """
        top = self._notice_others(connection)
        if not self._is_complete:
            new = [file for file in files if _identity(*file[:2]) not in self._keys]
            self._keys.update(_look_up(connection, new, WORKSPACE_SHARD))
        numbers, self._top = _number(connection, files, self._keys, top, WORKSPACE_SHARD)
        return numbers

    def _notice_others(self, connection: Connection) -> int:
        """What this object remembers is complete while nobody else adds versions; the highest number so far."""
        top = _top(connection)
        self._is_complete = top == 0 if self._top is None else self._is_complete and top == self._top
        if len(self._keys) > _MOST:
            self._keys.clear()
            self._is_complete = False
        if not self._is_complete:
            build_indexes(connection)
        return top


def intern(connection: Connection, files: Sequence[FileVersion], shard: int) -> list[int]:
    """The number of each file version in a shard; those that are new are added. Call it in a writing transaction."""
    if not files:
        return []
    known = dict(_look_up(connection, files, shard))
    return _number(connection, files, known, _top(connection), shard)[0]


def _top(connection: Connection) -> int:
    """The highest number so far."""
    return connection.execute(select(func.max(versions.c.key))).scalar() or 0


def _number(
    connection: Connection, files: Sequence[FileVersion], known: dict[str, int], top: int, shard: int
) -> tuple[list[int], int]:
    """The number of each file version, and the highest one; those that are not known yet are added to the tables."""
    numbers, new = [], []
    for file in files:
        path, digest = file[:2]
        identity = _identity(path, digest)
        number = known.get(identity)
        if number is None:
            top += 1
            number = known[identity] = top
            held = None if digest is None else bytes.fromhex(digest)
            new.append((number, escape(path), held, file[2], shard))
        numbers.append(number)
    insert_many(connection, versions, new)
    return numbers, top


def _identity(path: str, digest: str | None) -> str:
    """One text for both: they are kept by the million, and a text is half the size of a tuple."""
    return (digest or "-") + path


def _look_up(connection: Connection, files: Sequence[FileVersion], shard: int) -> Iterator[tuple[str, int]]:
    seen = {(escape(file.path), bytes.fromhex(file.digest)) for file in files if file.digest is not None}
    for path, digest, key in find_versions(connection, shard, seen):
        yield _identity(unescape(path), digest.hex()), key
    unseen = {file.path for file in files if file.digest is None}
    wanted = select(versions.c.path, versions.c.key).where(
        versions.c.shard == shard, versions.c.digest.is_(None)
    )
    for part in in_parts(unseen):
        for path, key in connection.execute(wanted.where(versions.c.path.in_(part))):
            yield _identity(path, None), key
