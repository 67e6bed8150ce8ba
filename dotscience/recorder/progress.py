"""A line on a terminal that shows how far the reading or sending of files has come, once it takes over a second."""

from __future__ import annotations

import sys
import time

from ..storage.hashers import Hashers

__all__ = ["Bar", "wait_for"]

_PATIENCE = 1.0
_WIDTH = 30
_MEGABYTE = 1_000_000


class Bar:
    """A `with` block around work that shows how far it is.

    Args:
        what: what is being done, such as `reading files`.
        in_bytes: done and total are bytes, shown as megabytes.

    Example:
        >>> with Bar("reading files") as bar:
        ...     bar.show(3, 10)
    """

    def __init__(self, what: str, *, in_bytes: bool = False) -> None:
        self._what, self._in_bytes = what, in_bytes
        self._began = time.monotonic()
        self._shown = False

    def show(self, done: int, total: int) -> None:
        """So much is done, of so much in all."""
        if time.monotonic() - self._began > _PATIENCE:
            bar = "#" * (_WIDTH * done // max(total, 1))
            count = (
                f"{done / _MEGABYTE:.1f}/{total / _MEGABYTE:.1f} MB" if self._in_bytes else f"{done}/{total}"
            )
            self._shown = _say(f"\rdotscience: {self._what} [{bar:<{_WIDTH}}] {count}") or self._shown

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._shown:
            _say("\r" + " " * (_WIDTH + 60) + "\r")


def wait_for(hashers: Hashers) -> None:
    """Return when everything that was submitted is done."""
    with Bar("reading files") as bar:
        hashers.wait(bar.show)


def _say(words: str) -> bool:
    """Whether there was a terminal to say it on."""
    try:
        if sys.stderr is None or not sys.stderr.isatty():
            return False
        sys.stderr.write(words)
        sys.stderr.flush()
    except Exception:  # closed, or somebody's own object that can only write: a bar is decoration
        return False
    return True
