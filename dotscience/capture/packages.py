"""The installed distributions and their versions.

The names of `*.dist-info` and `*.egg-info` on the import path say both, so nothing else is read unless a name
has no version, as in a source tree that was installed in place.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable

__all__ = ["installed"]

_SUFFIXES = (".dist-info", ".egg-info")
_NAMED = r"(?P<name>[A-Za-z0-9][^-]*(?:-[^-]+)*?)-(?P<version>[^-]*\d[^-]*?)(?:-py\d[^-]*(?:-.+)?)?"

_SETTLED = 2_000_000_000
"""Nanoseconds after which a further change of a folder surely shows in its modification time."""

_known: dict[str, tuple[int, dict[str, str]]] = {}
"""What each folder held, and its modification time then: a folder of the same time holds the same."""


def installed(path: Iterable[str] | None = None) -> dict[str, str]:
    """Version by name of every distribution that can be imported, the first on the path where there are several.

    Args:
        path: folders to look in; by default `sys.path`.

    Example:
        >>> installed()["scikit-learn"]
        '1.5.2'
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys(sys.path if path is None else path):
        for name, version in _in_folder(folder or os.curdir).items():
            found.setdefault(name, version)
    return dict(sorted(found.items()))


def _in_folder(folder: str) -> dict[str, str]:
    try:
        changed = os.stat(folder).st_mtime_ns
        if folder in _known and _known[folder][0] == changed:
            return _known[folder][1]
        entries = [entry for entry in os.listdir(folder) if entry.endswith(_SUFFIXES)]
    except OSError:  # a zip archive, or a folder that is not there
        return {}
    found: dict[str, str] = {}
    lasting = os.path.isabs(folder) and time.time_ns() - changed > _SETTLED
    for entry in sorted(entries):
        stem = entry.rpartition(".")[0]
        named = re.fullmatch(_NAMED, stem)
        if named:
            found.setdefault(_normal(named["name"]), named["version"])
        elif entry[0].isalnum():
            lasting = False  # its file may change while the folder does not
            read = _read(os.path.join(folder, entry))
            if read is not None:
                found.setdefault(*read)
    if lasting:
        _known[folder] = changed, found
    return found


def _read(place: str) -> tuple[str, str] | None:
    """Name and version from the metadata of one distribution, or None where there are none."""
    for file in ("METADATA", "PKG-INFO", ""):
        try:
            with open(os.path.join(place, file), encoding="utf-8", errors="replace") as stream:
                headers = stream.read(20_000).partition("\n\n")[0]
        except OSError:
            continue
        name = re.search(r"(?mi)^Name:[ \t]*(\S+)", headers)
        version = re.search(r"(?mi)^Version:[ \t]*(\S+)", headers)
        if name and version:
            return _normal(name[1]), version[1]
    return None


def _normal(name: str) -> str:
    """The spelling in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
