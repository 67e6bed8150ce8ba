"""What the files on disk hold now, each read at most once and not at all where its size already tells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from stat import S_ISREG

from ..storage.digests import DigestCache
from ..storage.hashing import Seen, see, see_once
from ..storage.workspace import Workspace
from .index import Progress

__all__ = ["CHANGED", "ELSEWHERE", "MISSING", "STATES", "UNCHANGED", "UNKNOWN", "Disk", "NoDisk"]

UNCHANGED, CHANGED, MISSING, UNKNOWN = "unchanged", "changed since", "missing", "unknown"
ELSEWHERE = "elsewhere"

STATES: Mapping[str, str] = {
    UNCHANGED: "the file on disk holds these bytes now",
    CHANGED: "the file on disk holds other bytes now",
    MISSING: "there is no such file on disk now",
    UNKNOWN: "its bytes were not seen when it was recorded, or cannot be read now",
    ELSEWHERE: "the file lies on another machine; whether it has changed there is not known here",
}
"""How a recorded file version compares with the file of that path on disk now."""

_QUICK = 1 << 20
"""Up to so many bytes it is quicker to hash a file than to load the cache of digests."""


class Disk:
    """The files as they are during one question.

    Args:
        progress: called with how many bytes were read, and how many there are as far as that is known.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._caches: dict[str, DigestCache] = {}
        self._workspaces: dict[str, Workspace] = {}
        self._states: dict[tuple[str, str, str], str] = {}
        self._seen: dict[str, Seen] = {}
        self._progress = progress
        self._done = self._total = 0

    def expect(self, sizes: Iterable[int]) -> None:
        """Say in advance how large the files are that will be read."""
        self._total += sum(sizes)

    def state(self, path: str, root: str, digest: str | None, size: int | None) -> str:
        """A key of `STATES` for a recorded file version.

        Args:
            path: as recorded, relative to that root.
        """
        if digest is None:
            return UNKNOWN
        key = (root, path, digest)
        if key not in self._states:
            if root not in self._workspaces:
                self._workspaces[root] = Workspace(root)
            self._states[key] = self._compare(path, self._workspaces[root], digest, size)
        return self._states[key]

    def digest(self, absolute: str, stat: os.stat_result, workspace: Workspace) -> Seen:
        """A file's digest, from the workspace's cache where that knows it."""
        if absolute in self._seen:
            return self._seen[absolute]
        before = self._done
        if stat.st_size <= _QUICK:
            seen = see(absolute, stat)
        else:
            self._total = max(self._total, before + stat.st_size)
            seen = see_once(absolute, stat, self._cache(workspace), advance=self._advance)
        self._advance(before + stat.st_size - self._done)  # what was known, or too small to be told of
        self._seen[absolute] = seen
        return seen

    def save(self) -> None:
        """Keep the digests of large files for the next question."""
        for cache in self._caches.values():
            cache.save()

    def _advance(self, count: int) -> None:
        self._done += count
        self._total = max(self._total, self._done)
        if self._progress is not None:
            self._progress(self._done, self._total)

    def _compare(self, path: str, workspace: Workspace, digest: str, size: int | None) -> str:
        absolute = os.path.normpath(os.path.join(workspace.root, path))
        try:
            stat = os.stat(absolute)
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL character in the name
            return MISSING
        except OSError:
            return UNKNOWN
        if not S_ISREG(stat.st_mode) or (size is not None and size != stat.st_size):
            return CHANGED
        now = self.digest(absolute, stat, workspace).digest
        if now is None:
            return UNKNOWN
        return UNCHANGED if now == digest else CHANGED

    def _cache(self, workspace: Workspace) -> DigestCache:
        place = (*workspace.places, workspace.home)[0]
        if place not in self._caches:
            self._caches[place] = DigestCache(os.path.join(place, "digests"))
        return self._caches[place]


class NoDisk:
    """In place of `Disk` on a Hub, whose runs' files lie on other machines."""

    def state(self, path: str, root: str, digest: str | None, size: int | None) -> str:
        """A key of `STATES` for a recorded file version."""
        return UNKNOWN if digest is None else ELSEWHERE
