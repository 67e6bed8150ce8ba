"""Takes the digests of located files, in the background or at once, and keeps their content where that is wanted."""

from __future__ import annotations

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

    def read(self, files: Sequence[Located], tell: Callable[[list[FileVersion]], None]) -> None:
        """Read inputs in the background; `tell` gets their versions, first unread, then batch by batch as they are read.

        One small file is read before the call returns.
        """
        if len(files) == 1 and (files[0].stat is None or files[0].stat.st_size <= _AT_ONCE):
            tell([self.version(files[0], self._keep_inputs)])
            return
        tell([file.version() for file in files])
        for batch in batches(files, _size):
            self.hashers.submit(partial(self._read_batch, batch, tell), sum(map(_size, batch)))

    def _read_batch(self, files: Sequence[Located], tell: Callable[[list[FileVersion]], None]) -> None:
        tell(self._versions(files, self._keep_inputs))

    def finish_inputs(self) -> None:
        """Return when everything given to `read` has been read."""
        wait_for(self.hashers)

    def read_all(self, files: Sequence[Located], keep: bool) -> list[FileVersion]:
        """Read all of them, and return when that is done, in the order given."""
        jobs = [
            self.hashers.submit(partial(self._versions, batch, keep), sum(map(_size, batch)))
            for batch in batches(files, _size)
        ]
        wait_for(self.hashers)
        return [version for job in jobs for version in job.result]

    def _versions(self, files: Sequence[Located], keep: bool) -> list[FileVersion]:
        return [self.version(file, keep) for file in files]

    def version(self, file: Located, keep: bool) -> FileVersion:
        """Read one file now, unless its digest is known from before."""
        unread = file.version()
        if file.stat is None or file.unseen is not None:
            return unread
        size = file.stat.st_size
        keep = keep and size <= self._file_limit and size <= self._left
        blobs = self._blobs if keep else None
        seen = see_once(file.absolute, file.stat, self._cache, blobs=blobs, advance=self.hashers.advance)
        if seen.kept:
            self._left -= size
        if seen.fault is not None:
            notice(f"cannot keep content in {self._blobs.folder}: {seen.fault}")
        return unread._replace(digest=seen.digest, kept=seen.kept, unseen=seen.unseen)


def _size(file: Located) -> int:
    return 0 if file.stat is None else file.stat.st_size
