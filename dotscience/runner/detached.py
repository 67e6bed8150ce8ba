"""Executing a command in the background, out of reach of the terminal that asked for it."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..errors import StateError

__all__ = ["LOG", "detach"]

LOG = "runner.log"
"""Where in the execution's folder a detached runner says what went wrong with itself."""


def detach(work: Callable[[], object], folder: str) -> None:
    """Do some work in a process of its own session, which no terminal ends, and return at once.

    Raises:
        StateError: this operating system cannot fork.
    """
    if not hasattr(os, "fork"):
        raise StateError("`ds run -d` needs an operating system that can fork. Leave out -d.")
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    # Twice, so that nobody here has to wait for its end and no terminal can become its own.
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        _leave_terminal(os.path.join(folder, LOG))
        work()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        _finish(os.path.join(folder, LOG))


def _leave_terminal(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor, target in ((nothing, 0), (nothing, 1), (said, 2)):
        os.dup2(descriptor, target)
    os.close(nothing)
    os.close(said)


def _finish(log: str) -> None:
    import sys

    sys.stderr.flush()
    try:
        if os.path.getsize(log) == 0:
            os.unlink(log)
    finally:
        os._exit(0)
