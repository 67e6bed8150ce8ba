"""Which files a declared path means: one file, everything below a directory, or a URL."""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple

from ..records.files import FileVersion
from ..storage.walk import walk

__all__ = ["Located", "expand", "locate", "root_relative"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@|\?.*", re.DOTALL)


class Located(NamedTuple):
    """A file to be looked at: its path in the record, where it is, and what it was when it was found.

    `unseen` is a key of `records.files.UNSEEN` where there is nothing to read.
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


def root_relative(filename: str, root: str) -> str:
    """A path as records write it: `/`-separated and relative to the workspace root; a URL as it is,
    without credentials and query."""
    if _URL.match(filename):
        return _CREDENTIALS.sub("", filename)
    absolute = os.path.abspath(filename)
    try:
        relative = os.path.relpath(absolute, root)
    except ValueError:  # another drive
        relative = absolute
    return relative.replace(os.sep, "/")


def locate(filename: str, root: str) -> list[Located]:
    """The files that a declared path means now, relative paths being taken from the current directory."""
    path = root_relative(filename, root)
    if _URL.match(filename):
        return [Located(path, unseen="reference")]
    return _locate(os.path.abspath(filename), path)


def expand(path: str, root: str) -> list[Located]:
    """The files that a path of a record means now."""
    if _URL.match(path):
        return [Located(path, unseen="reference")]
    return _locate(os.path.normpath(os.path.join(root, path)), path)


def _locate(absolute: str, path: str) -> list[Located]:
    try:
        found = os.stat(absolute)
    except ValueError:  # a NUL character: there can be no such file
        return [Located(path, absolute, unseen="missing")]
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        return [Located(path, absolute, unseen="missing" if missing else "unreadable")]
    if stat.S_ISDIR(found.st_mode):
        return _locate_below(absolute, path)
    return [Located(path, absolute, found, None if stat.S_ISREG(found.st_mode) else "special")]


def _locate_below(directory: str, path: str) -> list[Located]:
    prefix = "" if path == "." else path + "/"
    skip = len(directory.rstrip(os.sep)) + 1
    own = f"{os.sep}.dotscience{os.sep}"
    files = [
        Located(prefix + absolute[skip:], absolute, found, problem)
        for absolute, found, problem in walk(directory)
        if own not in absolute
    ]
    return files if os.sep == "/" else [file._replace(path=file.path.replace(os.sep, "/")) for file in files]
