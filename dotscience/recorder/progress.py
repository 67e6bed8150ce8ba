"""A line on a terminal that shows how far the reading of files has come, once it takes over a second."""

from __future__ import annotations

import sys
import time

from ..storage.hashers import Hashers

__all__ = ["wait_for"]

_PATIENCE = 1.0
_WIDTH = 30


def wait_for(hashers: Hashers) -> None:
    """Return when everything that was submitted is done."""
    shown = False
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - started > _PATIENCE and sys.stderr is not None and sys.stderr.isatty():
            bar = "#" * (_WIDTH * done // max(total, 1))
            sys.stderr.write(f"\rdotscience: reading files [{bar:<{_WIDTH}}] {done}/{total}")
            sys.stderr.flush()
            shown = True

    hashers.wait(show)
    if shown:
        sys.stderr.write("\r" + " " * (_WIDTH + 60) + "\r")
