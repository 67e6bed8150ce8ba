"""Which run folders the catalog must look at again, told from modification times alone.

A new run, a vanished run and, by convention, a change inside a published one show in the time of `runs/`. A time younger than
two seconds is not trusted: on file systems that count in seconds another change could hide behind it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import StorageError
from ..storage.runs import RunFolder

__all__ = [
    "OPEN",
    "RUNNING",
    "SETTLED",
    "YOUNG",
    "Known",
    "is_old",
    "is_unchanged",
    "look",
    "stamp_of",
    "time_of",
]

SETTLED, YOUNG, RUNNING, OPEN = "settled", "young", "running", "open"
"""`folders.watch`: published for good; published just now; in progress; anything else that may yet change."""

_TRUST = 2_000_000_000


class Known(NamedTuple):
    """What the catalog knows of a run folder: its `stamp` when it was read, and how to watch it."""

    stamp: str
    watch: str


def is_old(time: int, now: int) -> bool:
    """Whether a modification time is old enough to be trusted; both in nanoseconds."""
    return now - time > _TRUST


def time_of(runs: str) -> int:
    """Modification time of a `runs/` folder in nanoseconds; -1 when it is not there.

    Raises:
        StorageError: it cannot be looked at.
    """
    try:
        return os.stat(runs).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return -1
    except OSError as error:
        raise _unreadable(runs, error) from None


def is_unchanged(time: int, last: tuple[int, int] | None) -> bool:
    """Whether the time of `runs/` proves that nothing happened in it since the last scan.

    Args:
        last: its time at the last scan, and when that scan began.
    """
    return last is not None and time == last[0] and is_old(*last)


def look(runs: str, known: Mapping[str, Known], whole: bool, now: int) -> tuple[list[RunFolder], list[str]]:
    """The folders that must be read, and the names of those that are gone.

    Args:
        known: what the catalog knows, by folder name; only those not settled when not `whole`.
        whole: list all of `runs/`.
        now: nanoseconds since the Unix epoch.

    Raises:
        StorageError: `runs/` cannot be read.
    """
    names = _names(runs) if whole else known.keys()
    pending, gone = [], [name for name in known if name not in names]
    for name in names:
        folder = RunFolder(os.path.join(runs, name))
        try:
            if _is_pending(folder, known.get(name), now):
                pending.append(folder)
        except OSError:
            gone.append(name)
    return pending, gone


def _names(runs: str) -> set[str]:
    try:
        with os.scandir(runs) as entries:
            return {entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise _unreadable(runs, error) from None


def _unreadable(runs: str, error: OSError) -> StorageError:
    return StorageError(
        f"Cannot read {runs}: {error.strerror}. Make it readable, or leave that workspace out."
    )


def _is_pending(folder: RunFolder, before: Known | None, now: int) -> bool:
    if before is None or before.watch == RUNNING:
        return True
    if before.watch == SETTLED:
        return str(os.stat(folder.path).st_mtime_ns) != before.stamp
    stamp, time = stamp_of(folder)
    return stamp != before.stamp or (before.watch == YOUNG and is_old(time, now))


def stamp_of(folder: RunFolder) -> tuple[str, int]:
    """What a folder that is not settled looks like, and its own modification time in nanoseconds.

    Raises:
        OSError: it is not there.
    """
    time = os.stat(folder.path).st_mtime_ns
    for file in (folder.record_path, folder.journal_path):
        try:
            stat = os.stat(file)
        except OSError:
            continue
        return f"{time} {stat.st_mtime_ns} {stat.st_size}", time
    return str(time), time
