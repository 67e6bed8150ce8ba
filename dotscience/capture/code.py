"""The code that runs: the script, and every module of the workspace that it imported, as file versions.

Python does not keep the bytes that it compiled. What is recorded is the file as it was when the run began
(or, for a module imported later, when it ended), and a file that may have been different when Python read
it is said to be so. Code is kept byte for byte, with the secrets that somebody may have written into it: it is
what the digest is of. The setting `keep_code` turns that off.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..records.files import FileVersion
from ..records.values import Json
from ..storage.digests import identity
from ..storage.hashing import see
from ..storage.script import is_installed, named_script, running_script
from ..storage.workspace import relative_path

__all__ = [
    "LARGEST_KEPT",
    "Read",
    "describe",
    "local_files",
    "main_script",
    "process_start",
    "read",
]

LARGEST_KEPT = 16 * 1024**2
"""Bytes; of a larger file (a compiled module) only the digest is recorded."""

_SLACK = 50_000_000
"""Nanoseconds by which the kernel's clocks for processes and for files may differ."""

Keep = Callable[[bytes], Mapping[str, Json] | None]


class Read(NamedTuple):
    """One file of code when it was read: its version, and its stat where it could be read."""

    version: FileVersion
    stat: os.stat_result | None


def main_script() -> tuple[str | None, str | None]:
    """The absolute path of the script that this process runs; or None, and the reason in words."""
    script, named = running_script(), named_script()
    if script is not None:
        for file in (script, os.path.join(script, "__main__.py")):  # that of a folder
            if os.path.isfile(file):
                return file, None
    if named == "-c":
        return None, "the code was given on the command line"
    if hasattr(sys, "ps1"):
        return None, "the code was typed at a prompt"
    return None, "the code was read from standard input" if named in ("", "-") else "its file is not there"


def local_files(folders: Iterable[str], more: Iterable[str] = ()) -> list[str]:
    """The files of the imported modules, and of `more`, that lie in some folders and are not installed there."""
    prefixes = tuple(
        {os.path.join(form, "") for folder in folders for form in (folder, os.path.realpath(folder))}
    )
    files = {*more, *filter(None, map(_file_of, list(sys.modules.values())))}
    return sorted(file for file in files if file.startswith(prefixes) and not is_installed(file))


def read(path: str, root: str, keep: Keep | None) -> Read:
    """One file of code as it is now, kept as a blob where it is not too large."""
    seen = see(path, None)
    kept = False
    if keep is not None and seen.digest is not None and (seen.size or 0) <= LARGEST_KEPT:
        try:
            with open(path, "rb") as stream:
                stored = keep(stream.read())
        except OSError:  # gone since it was hashed
            stored = None
        kept = stored is not None and stored["sha256"] == seen.digest
    version = FileVersion(relative_path(path, root), seen.digest, seen.size, seen.mtime, kept, seen.unseen)
    return Read(version, seen.stat)


def describe(files: Mapping[str, Read], root: str) -> tuple[dict[str, FileVersion], list[str]]:
    """The file versions of code that was read earlier, compared with the files now; and notices.

    Args:
        files: by absolute path.
    """
    versions = {
        path: before.version._replace(changed=_change(path, before, root)) for path, before in files.items()
    }
    started = process_start()
    newer = [
        version.path
        for version in versions.values()
        if started is not None and (version.mtime or 0) > started * 1e9 + _SLACK
    ]
    if not newer:
        return versions, []
    named = ", ".join(newer[:3]) + (f" and {len(newer) - 3} more" if len(newer) > 3 else "")
    return versions, [
        f"{named}: modified after the process had started, so the recorded source may be newer than the code that ran."
    ]


def _file_of(module: object) -> str | None:
    try:  # not by getattr, which makes a lazy module load
        file = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return None
    return file if isinstance(file, str) else None


def process_start() -> float | None:
    """When this process started, in seconds since the Unix epoch; None where the system does not tell."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            ticks = int(stream.read().rpartition(b")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (AttributeError, OSError, ValueError):
        return None
    return time.time() - age


def _change(path: str, before: Read, root: str) -> str | None:
    if before.stat is None:
        return None
    try:
        now = os.stat(path)
    except OSError:
        return "gone"
    if identity(now) == identity(before.stat):
        return None
    return None if read(path, root, None).version.digest == before.version.digest else "during"
