"""Which process writes a journal, and whether it still lives.

A process is known by host, boot, process id namespace, process id and start time, so that a reused
process id is not taken for the old one. Where that cannot be looked up (another machine, another container,
another operating system) the journal's heartbeat decides.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["HEARTBEAT", "identify", "is_alive", "this_process"]

HEARTBEAT = 10.0
"""Seconds between two heartbeats of a journal."""

_SILENCE = 6 * HEARTBEAT


def this_process() -> dict[str, Any]:
    """What identifies the calling process, as journals write it."""
    return identify(os.getpid())


def identify(pid: int) -> dict[str, Any]:
    """What identifies a process of this machine; `born` is None where it is gone or cannot be looked up."""
    return {"pid": pid, "born": _born(pid), **_here()}


def is_alive(of: Mapping[str, Any], last_beat: float, now: float | None = None) -> bool:
    """Whether the process that wrote a journal still runs.

    Args:
        of: what `identify` gave there.
        last_beat: modification time of the journal, seconds since the Unix epoch.
    """
    pid = of.get("pid")
    here = _here()
    same_place = here["boot"] is not None and all(of.get(key) == here[key] for key in here)
    born = of.get("born")
    if same_place and isinstance(pid, int) and isinstance(born, int):
        return _born(pid) == born
    if of.get("host") == here["host"] and of.get("boot") != here["boot"] and last_beat < _booted():
        return False  # this machine has been started anew since; another of that name may still write
    return (time.time() if now is None else now) - last_beat < _SILENCE


def _here() -> dict[str, Any]:
    return {"host": platform.node(), "boot": _boot(), "namespace": _namespace()}


def _boot() -> str | None:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return None


def _booted() -> float:
    """When this machine was started, in seconds since the Unix epoch; 0 where the system does not tell."""
    try:
        with open("/proc/stat", "rb") as stream:
            return next((float(line.split()[1]) for line in stream if line.startswith(b"btime ")), 0.0)
    except (OSError, ValueError, IndexError):
        return 0.0


def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _born(pid: int) -> int | None:
    """Start time of a living process in clock ticks since boot (proc(5)); None when it is gone or unknown."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            after_name = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in (b"Z", b"X") else int(after_name[19])
