"""Executing a command in the background, out of reach of the terminal that asked for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import BinaryIO

from ..errors import StateError

__all__ = ["LOG", "detach"]

LOG = "runner.log"
"""Where in the execution's folder a detached runner says what went wrong with itself."""


def detach(work: Callable[[Callable[[], None]], object], folder: str) -> None:
    """Do some work in a process of its own session, which no terminal ends, and return once it says that it has begun.

    Args:
        work: is given what it calls then.

    Raises:
        StateError: this operating system cannot fork.
        OSError: the work raised it before it had begun.
    """
    if not hasattr(os, "fork"):
        raise StateError("`ds run -d` needs an operating system that can fork. Leave out -d.")
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        os.waitpid(child, 0)
        with open(reading, "rb") as pipe:
            refused = pipe.read()
        if refused:
            raise OSError(*json.loads(refused))
        return
    # Twice, so that nobody here has to wait for its end and no terminal can become its own.
    os.setsid()
    if os.fork():
        os._exit(0)
    with open(writing, "wb") as pipe:
        _work(work, pipe, os.path.join(folder, LOG))


def _work(work: Callable[[Callable[[], None]], object], pipe: BinaryIO, log: str) -> None:
    try:
        _leave_terminal(log)
        work(pipe.close)
    except BaseException as error:
        if isinstance(error, OSError) and not pipe.closed:
            said = (error.errno, error.strerror, error.filename)
            pipe.write(json.dumps(said).encode("ascii"))
            pipe.close()
        else:
            import traceback

            traceback.print_exc()
    finally:
        _finish(log)


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
