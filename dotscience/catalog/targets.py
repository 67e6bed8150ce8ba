"""Which recorded file versions a question about a file means."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import or_

from ..errors import AmbiguousError, NotFoundError
from ..recorder.files import Located, locate, root_relative
from . import tables
from .catalog import Catalog
from .disk import CHANGED, UNCHANGED, UNKNOWN, Disk
from .graph import digest_range
from .recorded import Recorded, known_digests, latest, recorded, recorded_under

__all__ = ["Target", "find_targets"]

_MOST_NAMED = 5

_Placed = tuple[int, Recorded]
"""Index of a catalog, and what was recorded there."""


@dataclass(frozen=True)
class Target:
    """One file version that is asked about.

    Attributes:
        place: index of the catalog whose workspace `path` belongs to.
        state: a key of `disk.STATES`.
    """

    place: int
    path: str
    digest: bytes | None
    size: int | None
    unseen: str | None
    state: str


def find_targets(file: str, places: Sequence[Catalog], disk: Disk) -> list[Target]:
    """The file on disk by its bytes; else a path by its latest recorded version; else a digest.

    Args:
        places: catalogs to look in; a relative path is relative to the current directory, or as the first of them recorded it.

    Raises:
        NotFoundError: no run has read or written that file.
        AmbiguousError: several contents start with that digest.
    """
    located = locate(file, places[0].workspace.root)
    there = [one for one in located if one.stat is not None and one.unseen is None]
    found = _on_disk(there, places, disk)
    if not found:
        found = _not_on_disk(file, located, places, disk)
    if not found:
        found = _by_digest(file, places, disk)
    if not found:
        hint = "; `ds status` lists the files that no run knows" if there else ", and there is no such file"
        raise NotFoundError(f"No run has read or written {file}{hint}.")
    return found


def _on_disk(files: Sequence[Located], places: Sequence[Catalog], disk: Disk) -> list[Target]:
    """Targets of files that are there; none when no run knows any of them."""
    disk.expect(file.stat.st_size for file in files if file.stat is not None)
    digests = {file.path: _digest(file, places[0], disk) for file in files}
    telling = {digest for digest in digests.values() if digest is not None} - {tables.EMPTY}
    known = set().union(*(known_digests(place, telling) for place in places))
    by_path = _latest_by_path(files, places)
    if not known and not by_path:
        return []
    found = []
    for file in files:
        digest = digests[file.path]
        if file.path in by_path and digest not in known:
            unread = CHANGED if digest is not None else UNKNOWN
            place, one = by_path[file.path]
            found.append(
                _target(place, one, UNCHANGED if digest is not None and one.digest == digest else unread)
            )
        else:
            size = file.stat.st_size if file.stat is not None else None
            found.append(Target(0, file.path, digest, size, None, UNCHANGED))
    return found


def _digest(file: Located, place: Catalog, disk: Disk) -> bytes | None:
    seen = None if file.stat is None else disk.digest(file.absolute, file.stat, place.workspace).digest
    return None if seen is None else bytes.fromhex(seen)


def _not_on_disk(
    file: str, located: Sequence[Located], places: Sequence[Catalog], disk: Disk
) -> list[Target]:
    """Targets of a path, or of all below it, that was recorded once, though nothing can be read there."""
    by_path = _latest_by_path(located, places)
    if not by_path:
        path = tables.versions.c.path
        names = {root_relative(file, places[0].workspace.root), file}
        folders = [name.rstrip("/") + "/" for name in names if name.strip("/")]
        below = (path.between(name, name + chr(sys.maxunicode)) for name in folders)
        found = latest(recorded(places[0], or_(path == file, *below)))
        by_path = {path: (0, one) for path, one in found.items()}
    return [_as_on_disk(place, one, places, disk) for _, (place, one) in sorted(by_path.items())]


def _by_digest(digest: str, places: Sequence[Catalog], disk: Disk) -> list[Target]:
    between = digest_range(digest)
    if between is None:
        return []
    fits = tables.versions.c.digest.between(*between)
    found = [(number, one) for number, place in enumerate(places) for one in recorded(place, fits)]
    digests = sorted({one.digest.hex() for _, one in found if one.digest is not None})
    if len(digests) > 1:
        named = ", ".join(digests[:_MOST_NAMED])
        raise AmbiguousError(f"{len(digests)} digests begin with {digest} ({named}…). Give more digits.")
    if not found:
        return []
    place, last = max(found, key=lambda pair: pair[1][:2])
    return [_as_on_disk(place, last, places, disk)]


def _latest_by_path(files: Sequence[Located], places: Sequence[Catalog]) -> Mapping[str, _Placed]:
    """The latest recorded version of each file, by `Located.path`."""
    best: dict[str, _Placed] = {}
    for number, place in enumerate(places):
        named = _Names(place.workspace.root) if number else None
        names = {named(file) if named else file.path: file.path for file in files}
        for path, one in latest(recorded_under(place, names)).items():
            other = best.get(names[path])
            if other is None or one[:2] > other[1][:2]:
                best[names[path]] = (number, one)
    return best


class _Names:
    """What the records of another workspace call a file. Links are looked up once for each folder, not for each file."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders: dict[str, str] = {}

    def __call__(self, file: Located) -> str:
        folder, name = os.path.split(file.absolute)
        if not folder or name in ("", os.curdir, os.pardir) or "\0" in file.absolute:
            return root_relative(file.absolute or file.path, self._root)
        if folder not in self._folders:
            self._folders[folder] = root_relative(os.path.join(folder, "_"), self._root)[:-1]
        return self._folders[folder] + name


def _as_on_disk(place: int, one: Recorded, places: Sequence[Catalog], disk: Disk) -> Target:
    digest = None if one.digest is None else one.digest.hex()
    return _target(place, one, disk.state(one.path, places[place].workspace, digest, one.size))


def _target(place: int, one: Recorded, state: str) -> Target:
    return Target(place, one.path, one.digest, one.size, one.unseen, state)
