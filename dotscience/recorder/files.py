"""Which files a declared path means: one file, everything below a directory, or a URL."""

from __future__ import annotations

import os
import re
import stat

from ..errors import ArgumentError
from ..records.files import is_url
from ..storage.walk import Located, walk
from ..storage.workspace import HOME, current_directory, relative_path

__all__ = ["Located", "absolute_path", "expand", "locate", "path_of", "root_relative"]

_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@|\?.*", re.DOTALL)


def path_of(given: object, verb: str) -> str:
    """The text of a path that a user gave to a verb.

    Raises:
        ArgumentError: it is no path.
    """
    try:
        path = os.fsdecode(given)  # type: ignore[arg-type]
    except TypeError:
        path = ""
    if not path:
        raise ArgumentError(
            f"ds.{verb}() takes a path (a text or a pathlib.Path), not {type(given).__name__} {given!r:.80}."
        )
    return path


def root_relative(filename: str, root: str) -> str:
    """A path as records write it: `/`-separated and relative to the workspace root; a URL as it is,
    without credentials and query."""
    if is_url(filename):
        bare = _CREDENTIALS.sub("", filename)
        # On the web what follows is for the browser, and where some services put their tokens; elsewhere a part of the name.
        return bare.partition("#")[0] if bare[:4].lower() == "http" else bare
    absolute = absolute_path(filename)
    relative = relative_path(absolute, root)
    if relative.startswith(os.pardir) and "\0" not in filename:
        # Perhaps only by name: the root or the way to the file may be spelled with a link.
        folder, name = os.path.split(absolute)
        real = relative_path(os.path.join(os.path.realpath(folder), name), os.path.realpath(root))
        relative = relative if real.startswith(os.pardir) else real
    return relative


def absolute_path(filename: str) -> str:
    """Where a path leads from the current directory."""
    whole = os.path.join(current_directory(), filename)
    plain = os.path.abspath(whole)
    if os.pardir in filename and "\0" not in filename:
        real = os.path.realpath(whole)
        if real != os.path.realpath(plain):  # `link/..` is the parent of what the link leads to
            return real
    return plain


def locate(filename: str, root: str) -> list[Located]:
    """The files that a declared path means now, relative paths being taken from the current directory."""
    path = root_relative(filename, root)
    if is_url(filename):
        return [Located(path, unseen="reference")]
    return _locate(absolute_path(filename), path, root)


def expand(path: str, root: str) -> list[Located]:
    """The files that a path of a record means now."""
    if is_url(path):
        return [Located(path, unseen="reference")]
    return _locate(os.path.normpath(os.path.join(root, path)), path, root)


def _locate(absolute: str, path: str, root: str) -> list[Located]:
    try:
        found = os.stat(absolute)
    except ValueError:  # a NUL character: there can be no such file
        return [Located(path, absolute, unseen="missing")]
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        return [Located(path, absolute, unseen="missing" if missing else "unreadable")]
    if stat.S_ISDIR(found.st_mode):
        return _locate_below(absolute, path, root)
    return [Located(path, absolute, found, None if stat.S_ISREG(found.st_mode) else "special")]


def _locate_below(directory: str, path: str, root: str) -> list[Located]:
    files = list(walk(directory, path, skip=HOME))
    if path.endswith(os.pardir):  # the root is below, and its files have shorter names
        inside = f"{path}/{relative_path(root, directory)}/"
        files = [file._replace(path=file.path.removeprefix(inside)) for file in files]
    return files
