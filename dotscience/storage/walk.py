"""Every file below a directory, with its stat, in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from stat import S_IFDIR, S_IFMT, S_IFREG
from typing import NamedTuple

__all__ = ["Found", "walk"]


class Found(NamedTuple):
    """One file that a directory holds.

    Attributes:
        path: the directory as it was given, joined with the way to the file.
        stat: the file's stat, of a link's target; None where it could not be had.
        problem: None, or the key of `records.files.UNSEEN` that says why nothing can be read.
    """

    path: str
    stat: os.stat_result | None
    problem: str | None


def walk(directory: str, skip: str | None = None) -> Iterator[Found]:
    """Every file below a directory that is not itself a directory, sorted by name within each directory.

    Links to files and directories are followed. A directory that is already being walked further up is
    not entered again; one that is reachable in two ways is listed twice. A file or directory that is
    deleted while the walk goes on is left out. Nothing is opened but directories.

    Args:
        skip: directories of this name are not entered.

    Example:
        >>> [found.path for found in walk("data")]
        ['data/raw/2026.csv', 'data/readme.txt']
    """
    try:
        stat = os.stat(directory)
        entries = _entries(directory)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have that name
        yield Found(directory, None, "missing")
        return
    except OSError:
        yield Found(directory, None, "unreadable")
        return
    here = (stat.st_dev, stat.st_ino)
    chain = {here}
    stack = [(iter(entries), here)]
    while stack:
        siblings, here = stack[-1]
        for entry in siblings:
            try:
                stat = _stat(entry)
                kind = S_IFMT(stat.st_mode)
                if kind == S_IFREG:
                    yield Found(entry.path, stat, None)
                elif kind != S_IFDIR:
                    yield Found(entry.path, stat, "special")
                elif (below := (stat.st_dev, stat.st_ino)) not in chain and entry.name != skip:
                    stack.append((iter(_entries(entry.path)), below))
                    chain.add(below)
                    break
            except (FileNotFoundError, NotADirectoryError):
                if entry.is_symlink():
                    yield Found(entry.path, None, "missing")
            except OSError:
                yield Found(entry.path, None, "unreadable")
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
