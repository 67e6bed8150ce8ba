"""What nothing needs any more: blobs that no record refers to, and files that killed writers left behind.

Nothing is removed while a run is in progress, for it may already have found its content among the blobs without
having said so yet. A run that begins while we are at work is safe as well: blobs are first set aside under another
name, then everything is looked at once more, and only then are they removed.
"""

from __future__ import annotations

import mmap
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import CorruptError, NotFoundError, UnwritableError
from ..storage.blobs import LocalBlobs
from ..storage.digests import DigestCache
from ..storage.workspace import Workspace

__all__ = ["Garbage", "Swept", "sweep"]

YOUNG = 3600.0
"""Seconds for which a blob stays whatever refers to it: whoever wrote it may not have written its record yet."""

STALE = 24 * 3600.0
"""Seconds after which a temporary file is surely nobody's."""

_ASIDE = ".aside"
_DIGEST = re.compile(rb"[0-9a-f]{64}")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Garbage:
    """A file that nothing needs.

    Attributes:
        kind: `blob` or `temporary`.
        size: in bytes.
    """

    kind: str
    path: str
    size: int


@dataclass(frozen=True)
class Swept:
    """What was found, and whether it was removed.

    Attributes:
        running: ids of runs in progress, because of which nothing was removed.
        young: how many blobs are needed by nothing but too young to be removed.
    """

    garbage: tuple[Garbage, ...]
    is_removed: bool
    running: tuple[str, ...]
    young: int

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(piece.size for piece in self.garbage)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "garbage": [asdict(piece) for piece in self.garbage],
            "size": self.size,
            "removed": self.is_removed,
            "running": list(self.running),
            "young": self.young,
        }


def sweep(
    workspace: Workspace,
    *,
    dry_run: bool = False,
    now: float | None = None,
    progress: Progress | None = None,
) -> Swept:
    """Remove what nothing needs, and forget the digests that were remembered.

    Args:
        dry_run: only say what would be removed.
        now: seconds since the Unix epoch; by default the present.
        progress: called with how many folders were searched, and how many there are.

    Raises:
        UnwritableError: something cannot be removed.
    """
    now = time.time() if now is None else now
    stores = [LocalBlobs(os.path.join(place, "blobs")) for place in workspace.places]
    for store in stores:
        _put_back(_set_aside(store))
    unneeded, young = _unneeded(workspace, stores, now, progress)
    temporaries = [_garbage("temporary", path) for path in _temporaries(workspace, stores, now - STALE)]
    garbage = tuple(piece for piece in (*unneeded, *temporaries) if piece is not None)
    running = _running(workspace, now)
    if not dry_run and not running:
        running = _remove(workspace, garbage, now)
    return Swept(garbage, not dry_run and not running, running, young)


def _remove(workspace: Workspace, garbage: Iterable[Garbage], now: float) -> tuple[str, ...]:
    """Remove it; or leave everything as it was, and name the runs that began meanwhile."""
    # First the digests: they say which content is kept, and a run that begins now must not believe it.
    for place in workspace.places:
        DigestCache(os.path.join(place, "digests")).clear()
    try:
        aside = [_rename(piece.path) for piece in garbage if piece.kind == "blob"]
        # In this order: a run that is published between the two looks is seen by the second.
        running = _running(workspace, now)
        needed = set(_referred_to(workspace, map(_digest_of, aside)))
        doomed = [] if running else [path for path in aside if _digest_of(path) not in needed]
        _put_back(set(aside).difference(doomed))
        if not running:
            for path in (*doomed, *(piece.path for piece in garbage if piece.kind == "temporary")):
                _unlink(path)
    except OSError as error:
        raise UnwritableError(str(error.filename), error.strerror) from error
    return running


# Blobs


def _unneeded(
    workspace: Workspace, stores: list[LocalBlobs], now: float, progress: Progress | None
) -> tuple[list[Garbage], int]:
    """The blobs that nothing refers to and that are old enough, and how many are not."""
    blobs = [(bytes.fromhex(digest), store) for store in stores for digest in store]
    needed = set(_referred_to(workspace, (digest for digest, _ in blobs), progress))
    found, young = [], 0
    for digest, store in blobs:
        piece = None if digest in needed else _garbage("blob", store.path(digest.hex()))
        if piece is not None and _is_older(piece.path, now - YOUNG):
            found.append(piece)
        elif piece is not None:
            young += 1
    return found, young


def _referred_to(
    workspace: Workspace, among: Iterable[bytes], progress: Progress | None = None
) -> Iterator[bytes]:
    """Those digests that stand anywhere in a record, a journal, an annotation or an execution, readable or not."""
    among = frozenset(among)
    folders = [
        os.path.join(place, kind, name)
        for place in workspace.places
        for kind in ("runs", "executions")
        for name in _names(os.path.join(place, kind))
    ]
    for number, folder in enumerate(folders):
        for file in (*_documents(folder), *_documents(os.path.join(folder, "annotations"))):
            yield from (digest for digest in _digests_in(file) if digest in among)
        if progress is not None:
            progress(number + 1, len(folders))


def _documents(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in _names(folder) if name.endswith((".json", ".jsonl"))]


def _digests_in(file: str) -> Iterator[bytes]:
    try:
        with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for match in _DIGEST.finditer(content):
                yield bytes.fromhex(match[0].decode("ascii"))
    except (FileNotFoundError, ValueError):  # discarded a moment ago, or empty
        return


def _running(workspace: Workspace, now: float) -> tuple[str, ...]:
    """The runs in progress; one whose journal cannot be read may just be beginning."""
    running = []
    for folder in workspace.run_folders():
        if os.path.exists(folder.journal_path):
            try:
                is_running = folder.state().status == "running"
            except CorruptError:
                is_running = not _is_older(folder.journal_path, now - YOUNG)
            except NotFoundError:  # published a moment ago
                continue
            if is_running:
                running.append(folder.id)
    return tuple(sorted(running))


# Setting aside


def _rename(path: str) -> str:
    os.rename(path, path + _ASIDE)
    return path + _ASIDE


def _digest_of(path: str) -> bytes:
    folder, name = os.path.split(path.removesuffix(_ASIDE))
    return bytes.fromhex(os.path.basename(folder) + name)


def _set_aside(store: LocalBlobs) -> list[str]:
    """What a killed sweep left under its other name."""
    return [
        os.path.join(store.folder, folder, name)
        for folder in _names(store.folder)
        if len(folder) == 2
        for name in _names(os.path.join(store.folder, folder))
        if name.endswith(_ASIDE)
    ]


def _put_back(paths: Iterable[str]) -> None:
    for path in paths:
        os.replace(path, path.removesuffix(_ASIDE))


# Temporary files


def _temporaries(workspace: Workspace, stores: list[LocalBlobs], before: float) -> Iterator[str]:
    for store in stores:
        if os.path.isdir(store.folder):
            yield from store.leftovers(before)
    for place in workspace.places:
        for kind in ("runs", "executions"):
            for name in _names(os.path.join(place, kind)):
                folder = os.path.join(place, kind, name)
                for file in _names(folder):
                    path = os.path.join(folder, file)
                    if file.endswith(".tmp") and _is_older(path, before):
                        yield path


def _is_older(path: str, moment: float) -> bool:
    try:
        return os.stat(path).st_mtime < moment
    except OSError:
        return False


def _garbage(kind: str, path: str) -> Garbage | None:
    try:
        return Garbage(kind, path, os.stat(path).st_size)
    except FileNotFoundError:
        return None


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _unlink(path: str) -> None:
    try:
        if os.name == "nt":  # where a read-only file cannot be deleted
            os.chmod(path, 0o600)
        os.unlink(path)
    except FileNotFoundError:  # another sweep was faster
        return
