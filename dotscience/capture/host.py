"""The machine and the interpreter: Python, platform, CPU, memory and GPUs.

Read from the files of Linux where there are some; elsewhere from what Python itself knows. What cannot be
found out is left out, and a machine without a GPU is a normal one.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache

from ..records.values import Json

__all__ = ["PATIENCE", "host", "read_cpu", "read_gpus", "read_ram"]

PATIENCE = 5.0
"""Seconds that `nvidia-smi` may take; without persistence mode it wakes the driver first."""

_MEBIBYTE = 1024**2
_AMD = "0x1002"


@cache
def host() -> dict[str, Json]:
    """The record's facts of the host, found out once per process."""
    found: dict[str, Json] = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": _platform(),
        "cpu": read_cpu(),
        "ram": read_ram(),
        "gpus": read_gpus(),
    }
    return {name: value for name, value in found.items() if value}


def _platform() -> str:
    """What `platform.platform()` says; on Linux without reading the interpreter's executable for it."""
    if sys.platform != "linux":
        return platform.platform()
    system = os.uname()
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        libc = None
    return "-".join([system.sysname, system.release, system.machine, *_with(libc)])


def _with(libc: str | None) -> list[str]:
    return ["with", libc.replace(" ", "")] if libc else []


def read_cpu(root: str = "/") -> dict[str, Json]:
    """`model` (where it has a name) and `count`, the number of logical CPUs of the machine.

    Args:
        root: the folder that holds `proc`.
    """
    # All processors are alike, and the whole file is long on a large machine.
    text = _head(os.path.join(root, "proc/cpuinfo"))
    named = re.search(r"(?m)^(?:model name|Model|cpu model|Processor|cpu)\s*:\s*(\S.*?)\s*$", text)
    model = named[1] if named else os.environ.get("PROCESSOR_IDENTIFIER") or platform.machine()
    return {name: value for name, value in (("model", model), ("count", os.cpu_count())) if value}


def read_ram(root: str = "/") -> int | None:
    """The machine's memory in bytes."""
    total = re.search(r"(?m)^MemTotal:\s*(\d+) kB", _head(os.path.join(root, "proc/meminfo")))
    if total:
        return int(total[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def read_gpus(
    root: str = "/", which: Callable[[str], str | None] = shutil.which, patience: float = PATIENCE
) -> list[dict[str, Json]]:
    """`name` and, where it is known, `memory` (bytes) of each GPU of NVIDIA and AMD.

    Args:
        root: the folder that holds `proc` and `sys`.
        which: finds a program on the search path.
        patience: seconds that `nvidia-smi` may take.
    """
    program = which("nvidia-smi")
    nvidia = _ask_nvidia(program, patience) if program else []
    return (nvidia or _read_nvidia(root)) + _read_amd(root)


def _ask_nvidia(program: str, patience: float) -> list[dict[str, Json]]:
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        process = subprocess.Popen(
            query,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            errors="replace",
        )
    except OSError:
        return []
    try:
        answer = process.communicate(timeout=patience)[0]
    except subprocess.TimeoutExpired:
        _abandon(process)
        return []
    if process.returncode != 0:  # no driver for it: the kernel's own files may still name the cards
        return []
    gpus: list[dict[str, Json]] = []
    for line in answer.splitlines():
        name, comma, memory = line.rpartition(", ")
        if comma:
            gpus.append({"name": name} | ({"memory": int(memory) * _MEBIBYTE} if memory.isdigit() else {}))
    return gpus


def _abandon(process: subprocess.Popen[str]) -> None:
    """End a program, which may hang so deep in a driver that even this is not heard."""
    process.kill()
    try:
        process.communicate(timeout=1.0)
    except subprocess.TimeoutExpired:
        return


def _read_nvidia(root: str) -> list[dict[str, Json]]:
    cards = os.path.join(root, "proc/driver/nvidia/gpus")
    texts = [_head(os.path.join(cards, card, "information")) for card in _names(cards)]
    named = [re.search(r"(?m)^Model:\s*(\S.*?)\s*$", text) for text in texts]
    return [{"name": match[1]} for match in named if match]


def _read_amd(root: str) -> list[dict[str, Json]]:
    cards = os.path.join(root, "sys/class/drm")
    gpus: list[dict[str, Json]] = []
    for card in _names(cards):
        device = os.path.join(cards, card, "device")
        if re.fullmatch(r"card\d+", card) and _head(os.path.join(device, "vendor")).strip() == _AMD:
            name = _head(os.path.join(device, "product_name")).strip()
            memory = _head(os.path.join(device, "mem_info_vram_total")).strip()
            name = name or f"AMD GPU {_head(os.path.join(device, 'device')).strip()}".strip()
            gpus.append({"name": name} | ({"memory": int(memory)} if memory.isdigit() else {}))
    return gpus


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _head(file: str) -> str:
    """The beginning of a small text file, or nothing where it cannot be read."""
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read(8192)
    except OSError:
        return ""
