"""File versions by number: each (path, digest) stands once in the tables, however many runs used it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, select, tuple_

from ..records.files import FileVersion
from .database import build_indexes, in_parts, insert_many
from .tables import versions
from .texts import escape

__all__ = ["Versions"]

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
        known = self._keys
        top = self._notice_others(connection)
        if not self._is_complete:
            known.update(_look_up(connection, [file for file in files if _identity(*file[:2]) not in known]))
        numbers, new = [], []
        for file in files:
            path, digest = file[:2]
            identity = _identity(path, digest)
            number = known.get(identity)
            if number is None:
                top += 1
                number = known[identity] = top
                new.append((number, escape(path), None if digest is None else bytes.fromhex(digest), file[2]))
            numbers.append(number)
        insert_many(connection, versions, new)
        self._top = top
        return numbers

    def _notice_others(self, connection: Connection) -> int:
        """What this object remembers is complete while nobody else adds versions; the highest number so far."""
        top: int = connection.execute(select(func.max(versions.c.key))).scalar() or 0
        self._is_complete = top == 0 if self._top is None else self._is_complete and top == self._top
        if len(self._keys) > _MOST:
            self._keys.clear()
            self._is_complete = False
        if not self._is_complete:
            build_indexes(connection)
        return top


def _identity(path: str, digest: str | None) -> str:
    """One text for both: they are kept by the million, and a text is half the size of a tuple."""
    return (digest or "-") + path


def _look_up(connection: Connection, files: Sequence[FileVersion]) -> Iterator[tuple[str, int]]:
    seen = {(file.path, bytes.fromhex(file.digest)) for file in files if file.digest is not None}
    unseen = {file.path for file in files if file.digest is None}
    columns = select(versions.c.path, versions.c.digest, versions.c.key)
    both = tuple_(versions.c.path, versions.c.digest)
    conditions: list[ColumnElement[bool]] = [both.in_(part) for part in in_parts(seen)]
    conditions += [and_(versions.c.digest.is_(None), versions.c.path.in_(part)) for part in in_parts(unseen)]
    for condition in conditions:
        for path, digest, key in connection.execute(columns.where(condition)):
            yield _identity(path, digest and digest.hex()), key
