"""What the benchmarks share: a row of the table, medians, and a quiet place to work in."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Row", "alternate", "at_most", "median_of", "run_python", "seconds"]


@dataclass(frozen=True)
class Row:
    """One line of the table. `met` is None where there is no bar."""

    what: str
    measured: str
    bar: str
    met: bool | None


def at_most(what: str, value: float, bar: float, unit: str, beside: str = "") -> Row:
    """A row for a figure that must not exceed its bar."""
    return Row(
        what, f"{value:,.3g} {unit}{f' ({beside})' if beside else ''}", f"≤ {bar:g} {unit}", value <= bar
    )


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_of(times: int, work: Callable[[], object]) -> float:
    """The median of several tries, in seconds."""
    return statistics.median(seconds(work) for _ in range(times))


def alternate(times: int, *works: Callable[[], object]) -> list[float]:
    """The median of each of several works, tried in turn so that a noisy moment hits all of them."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, found in zip(works, taken, strict=True):
            found.append(seconds(work))
    return [statistics.median(found) for found in taken]


def run_python(*arguments: str, **environ: str) -> str:
    """What another interpreter prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
    )
    return done.stdout
