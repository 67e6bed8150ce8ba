"""What happens to recorders when the process ends or forks. Registered once, at the first event."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref

from .recorder import Recorder

__all__ = ["hold", "let_go", "watch"]

_watched: weakref.WeakSet[Recorder] = weakref.WeakSet()
_at_work: set[Recorder] = set()
"""Those with an open run, which must be there at the end to say what became of it."""

# A signal handler may record while its own thread is in here, so this is reentrant, as all locks of the verbs are.
_lock = threading.RLock()
_registered = False


def watch(recorder: Recorder) -> None:
    """Tell this recorder when the process ends or forks."""
    global _registered  # noqa: PLW0603 - the interpreter's own hooks are process-wide too
    with _lock:
        _watched.add(recorder)
        if not _registered:
            atexit.register(_at_exit)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_after_fork)
            _registered = True
    _watch_worker()


def hold(recorder: Recorder) -> None:
    """Keep this recorder, whether or not the program does: it has an open run."""
    _at_work.add(recorder)


def let_go(recorder: Recorder) -> None:
    """It has none any more."""
    _at_work.discard(recorder)


def _watch_worker() -> None:
    """Workers of `multiprocessing` leave without the interpreter's exit hooks; they have their own."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, _at_exit, exitpriority=100)


def _at_exit() -> None:
    for recorder in list(_watched):
        recorder._at_exit()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - the parent's lock may be held by a thread that does not exist here
    _lock = threading.RLock()
    for recorder in list(_watched):
        recorder._after_fork()
    _at_work.clear()  # the open runs are the parent's
