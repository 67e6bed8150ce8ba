"""Every file below a directory, with its stat, in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from stat import S_IFDIR, S_IFMT, S_IFREG
from typing import NamedTuple

from ..records.files import FileVersion

__all__ = ["Located", "walk"]


class Located(NamedTuple):
    """A file to be looked at: its path in the record, where it is, and what it was when it was found.

    Attributes:
        stat: of a link's target; None where it could not be had.
        unseen: None, or the key of `records.files.UNSEEN` that says why there is nothing to read.
    """

    path: str
    absolute: str = ""
    stat: os.stat_result | None = None
    unseen: str | None = None

    def version(self) -> FileVersion:
        """What is known of the file before it is read."""
        if self.stat is None:
            return FileVersion(self.path, unseen=self.unseen)
        return FileVersion(self.path, None, self.stat.st_size, self.stat.st_mtime_ns, unseen=self.unseen)


def walk(directory: str, path: str, skip: str | None = None) -> Iterator[Located]:
    """Every file below a directory that is not itself a directory, sorted by name within each directory.

    Links to files and directories are followed. A directory that is already being walked further up is
    not entered again; one that is reachable in two ways is listed twice. A file or directory that is
    deleted while the walk goes on is left out. Nothing is opened but directories.

    Args:
        path: what records call the directory; their paths are `/`-separated, and `.` is left away.
        skip: directories of this name are not entered.

    Example:
        >>> [file.path for file in walk("/home/ada/study/data", "data")]
        ['data/raw/2026.csv', 'data/readme.txt']
    """
    try:
        stat = os.stat(directory)
        entries = _entries(directory)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have that name
        yield Located(path, directory, None, "missing")
        return
    except OSError:
        yield Located(path, directory, None, "unreadable")
        return
    here = (stat.st_dev, stat.st_ino)
    chain = {here}
    stack = [(iter(entries), here, "" if path == "." else path + "/")]
    while stack:
        siblings, here, prefix = stack[-1]
        for entry in siblings:
            path = prefix + entry.name
            try:
                stat = _stat(entry)
                kind = S_IFMT(stat.st_mode)
                if kind == S_IFREG:
                    yield Located(path, entry.path, stat)
                elif kind != S_IFDIR:
                    yield Located(path, entry.path, stat, "special")
                elif (below := (stat.st_dev, stat.st_ino)) not in chain and entry.name != skip:
                    stack.append((iter(_entries(entry.path)), below, path + "/"))
                    chain.add(below)
                    break
            except (FileNotFoundError, NotADirectoryError):
                if entry.is_symlink():
                    yield Located(path, entry.path, None, "missing")
            except OSError:
                yield Located(path, entry.path, None, "unreadable")
        else:
            stack.pop()
            chain.discard(here)


def _entries(directory: str) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as scan:
        return sorted(scan, key=attrgetter("name"))


def _stat_by_path(entry: os.DirEntry[str]) -> os.stat_result:
    return os.stat(entry.path)


# A directory entry of Windows knows neither device nor inode.
_stat: Callable[[os.DirEntry[str]], os.stat_result] = (
    os.DirEntry.stat if os.name == "posix" else _stat_by_path
)
