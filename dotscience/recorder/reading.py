"""Takes the digests of located files, in the background or at once, and keeps their content where that is wanted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial

from ..records.files import FileVersion
from ..storage.blobs import LocalBlobs
from ..storage.digests import DigestCache
from ..storage.hashers import Hashers, batches
from ..storage.hashing import see_once
from .files import Located
from .notices import notice
from .progress import wait_for

__all__ = ["FileReader"]

_AT_ONCE = 64 << 10
"""A file of up to this many bytes is read during the call itself: it costs less than telling a thread."""

_MOST_HELD = 32
"""How many files are held open that wait to be read."""

# A file may have become a pipe by the time it is opened; for that nobody waits.
_READ = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))


class FileReader:
    """Reads the files of one run.

    Args:
        blobs, cache, hashers: shared by the runs of a process.
        keep_inputs: whether the content of inputs is kept.
        file_limit: a larger file, in bytes, is not kept.
        run_limit: how many bytes may be kept before nothing more is.
    """

    def __init__(
        self,
        blobs: LocalBlobs,
        cache: DigestCache,
        hashers: Hashers,
        *,
        keep_inputs: bool,
        file_limit: int,
        run_limit: int,
    ) -> None:
        self.hashers = hashers
        self._blobs, self._cache = blobs, cache
        self._keep_inputs = keep_inputs
        self._file_limit, self._left = file_limit, run_limit
        self._held = 0
        self._budget = threading.RLock()  # reentrant, for signal handlers

    def read(self, files: Sequence[Located], tell: Callable[[list[FileVersion]], None]) -> None:
        """Read inputs in the background; `tell` gets their versions, first unread, then batch by batch as they are read.

        One small file is read before the call returns.
        """
        if len(files) == 1 and _size(files[0]) <= _AT_ONCE:
            tell([self.version(files[0], self._keep_inputs)])
            return
        tell([file.version() for file in files])
        if len(files) == 1:
            self._read_open(files[0], tell)
            return
        for batch in batches(files, _size):
            self.hashers.submit(partial(self._read_batch, batch, tell), sum(map(_size, batch)))

    def _read_open(self, file: Located, tell: Callable[[list[FileVersion]], None]) -> None:
        """Open the file now, so that it can be renamed or replaced before its turn comes.

        Only some are held open, for the user's own code needs to open files too; the others are opened in their turn.
        """
        source: str | int = file.absolute
        if self._held < _MOST_HELD:
            try:
                source = os.open(file.absolute, _READ)
                with self._budget:
                    self._held += 1
            except OSError:  # whoever reads it finds out why
                pass

        def read() -> None:
            try:
                tell([self._seen(file, source, self._keep_inputs)])
            finally:
                if isinstance(source, int):
                    os.close(source)
                    with self._budget:
                        self._held -= 1

        self.hashers.submit(read, _size(file))

    def _read_batch(self, files: Sequence[Located], tell: Callable[[list[FileVersion]], None]) -> None:
        tell([self.version(file, self._keep_inputs) for file in files])

    def finish_inputs(self) -> None:
        """Return when everything given to `read` has been read."""
        wait_for(self.hashers)

    def read_all(self, files: Sequence[Located], keep: bool) -> list[FileVersion]:
        """Read all of them, and return when that is done, in the order given."""
        versions = [self._known(file, keep) for file in files]

        def read(places: Sequence[int]) -> None:
            for place in places:
                versions[place] = self._seen(files[place], files[place].absolute, keep)

        sizes = {place: _size(files[place]) for place, version in enumerate(versions) if version is None}
        for places in batches(sizes, sizes.__getitem__):
            self.hashers.submit(partial(read, places), sum(map(sizes.__getitem__, places)))
        wait_for(self.hashers)
        return [version or file.version() for file, version in zip(files, versions, strict=True)]

    def version(self, file: Located, keep: bool) -> FileVersion:
        """Read one file now, unless its digest is known from before."""
        return self._known(file, keep) or self._seen(file, file.absolute, keep)

    def _known(self, file: Located, keep: bool) -> FileVersion | None:
        """The file's version where it can be told without reading it."""
        stat = file.stat
        if stat is None or file.unseen is not None:
            return file.version()
        known = self._cache.get(stat)
        if known is None or (not known[1] and keep and self._may_keep(stat.st_size)):
            return None
        return FileVersion(file.path, known[0], stat.st_size, stat.st_mtime_ns, known[1])

    def _seen(self, file: Located, source: str | int, keep: bool) -> FileVersion:
        assert file.stat is not None
        size = file.stat.st_size
        keep = keep and self._reserve(size)
        blobs = self._blobs if keep else None
        seen = see_once(source, file.stat, self._cache, blobs=blobs, advance=self.hashers.advance)
        if keep and not seen.kept:
            self._reserve(-size)
        if seen.fault is not None:
            notice(f"cannot keep content in {self._blobs.folder}: {seen.fault}")
        return FileVersion(file.path, seen.digest, size, file.stat.st_mtime_ns, seen.kept, seen.unseen)

    def _may_keep(self, size: int) -> bool:
        return size <= self._file_limit and size <= self._left

    def _reserve(self, size: int) -> bool:
        with self._budget:
            if not self._may_keep(size):
                return False
            self._left -= size
            return True


def _size(file: Located) -> int:
    return 0 if file.stat is None else file.stat.st_size
