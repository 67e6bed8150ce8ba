"""Which recorded file versions a question about a file means."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_

from ..errors import AmbiguousError, NotFoundError
from ..recorder.files import Located, locate, root_relative
from . import tables
from .catalog import Catalog
from .disk import CHANGED, UNCHANGED, UNKNOWN, Disk, NoDisk
from .graph import digest_range
from .place import Place, of_shards
from .recorded import Recorded, known_digests, latest, recorded, recorded_under

__all__ = ["Target", "find_targets", "target_of_digest", "targets_under"]

_MOST_NAMED = 5


@dataclass(frozen=True)
class Target:
    """One file version that is asked about.

    Attributes:
        workspace: what `path` belongs to: the root of a workspace, or the id of a project.
        state: a key of `disk.STATES`.
    """

    workspace: str
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
        found = target_of_digest(file, places, disk)
    if not found:
        hint = "; `ds status` lists the files that no run knows" if there else ", and there is no such file"
        raise NotFoundError(f"No run has read or written {file}{hint}.")
    return found


def _on_disk(files: Sequence[Located], places: Sequence[Catalog], disk: Disk) -> list[Target]:
    """Targets of files that are there; none when no run knows any of them."""
    disk.expect(file.stat.st_size for file in files if file.stat is not None)
    root = places[0].workspace.root
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
            one = by_path[file.path]
            found.append(_target(one, UNCHANGED if digest is not None and one.digest == digest else unread))
        else:
            size = file.stat.st_size if file.stat is not None else None
            found.append(Target(root, file.path, digest, size, None, UNCHANGED))
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
        names = {root_relative(file, places[0].workspace.root), file}
        by_path = latest(one for name in names for one in _recorded_at(name, places[0]))
    return [_as_on_disk(one, disk) for _, one in sorted(by_path.items())]


def target_of_digest(digest: str, places: Sequence[Place], disk: Disk | NoDisk) -> list[Target]:
    """The latest file version whose digest begins like that; none when no run knows any.

    Raises:
        AmbiguousError: several contents start with it.
    """
    between = digest_range(digest)
    if between is None:
        return []
    fits = tables.versions.c.digest.between(*between)
    found = [one for place in places for one in recorded(place, fits)]
    digests = sorted({one.digest.hex() for one in found if one.digest is not None})
    if len(digests) > 1:
        named = ", ".join(digests[:_MOST_NAMED])
        raise AmbiguousError(f"{len(digests)} digests begin with {digest} ({named}…). Give more digits.")
    if not found:
        return []
    return [_as_on_disk(max(found, key=lambda one: one[:2]), disk)]


def targets_under(path: str, place: Place, disk: Disk | NoDisk) -> list[Target]:
    """The latest file version of a path, or of each path below it, as the place's runs recorded them."""
    return [_as_on_disk(one, disk) for _, one in sorted(latest(_recorded_at(path, place)).items())]


def _recorded_at(path: str, place: Place) -> list[Recorded]:
    """Every use of a path, and of the paths below it."""
    if not path.strip("/"):
        return []
    below, paths = path.rstrip("/") + "/", tables.versions.c.path
    inside = and_(paths > below, paths < below + chr(sys.maxunicode))
    found = recorded_under(place, [path])
    return found + recorded(place, and_(of_shards(tables.versions, place.shards), inside))


def _latest_by_path(files: Sequence[Located], places: Sequence[Catalog]) -> Mapping[str, Recorded]:
    """The latest recorded version of each file, by `Located.path`."""
    best: dict[str, Recorded] = {}
    for number, place in enumerate(places):
        named = _Names(place.workspace.root) if number else None
        names = {named(file) if named else file.path: file.path for file in files}
        for path, one in latest(recorded_under(place, names)).items():
            other = best.get(names[path])
            if other is None or one[:2] > other[:2]:
                best[names[path]] = one
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


def _as_on_disk(one: Recorded, disk: Disk | NoDisk) -> Target:
    digest = None if one.digest is None else one.digest.hex()
    return _target(one, disk.state(one.path, one.workspace, digest, one.size))


def _target(one: Recorded, state: str) -> Target:
    return Target(one.workspace, one.path, one.digest, one.size, one.unseen, state)
