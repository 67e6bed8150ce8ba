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
        if time.monotonic() - started > _PATIENCE:
            bar = "#" * (_WIDTH * done // max(total, 1))
            shown = _say(f"\rdotscience: reading files [{bar:<{_WIDTH}}] {done}/{total}") or shown

    hashers.wait(show)
    if shown:
        _say("\r" + " " * (_WIDTH + 60) + "\r")


def _say(words: str) -> bool:
    """Whether there was a terminal to say it on."""
    try:
        if sys.stderr is None or not sys.stderr.isatty():
            return False
        sys.stderr.write(words)
        sys.stderr.flush()
    except (OSError, ValueError):  # closed: nobody looks
        return False
    return True
