"""For tests of code that records: a recorder of one's own, a clock that stands still, ids that count.

    def test_training_records_its_accuracy(tmp_path):
        with recording_to(tmp_path, clock=FixedClock()):
            train()                             # calls ds.metric(…), ds.publish(…)
        assert ds.runs("metric.accuracy > 0.9", workspace=tmp_path)

Only tests import this module: `import dotscience` does not.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from . import _default
from .recorder.recorder import Recorder

__all__ = ["FixedClock", "counted_ids", "fresh_recorder", "recording_to"]


class FixedClock:
    """A clock that shows the same time until it is told otherwise.

    Args:
        now: seconds since the Unix epoch; by default 2026-11-01 08:30 UTC.

    Example:
        >>> clock = FixedClock(100.0)
        >>> clock.advance(2.5)
        >>> clock()
        102.5
    """

    def __init__(self, now: float = 1793521800.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock; a negative number turns it back."""
        self.now += seconds


def counted_ids() -> Callable[[], str]:
    """A maker of run ids that count from 1.

    Example:
        >>> new_id = counted_ids()
        >>> new_id(), new_id()
        ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002')
    """
    last = 0

    def new_id() -> str:
        nonlocal last
        last += 1
        return str(uuid.UUID(int=last))

    return new_id


@contextmanager
def fresh_recorder(
    root: str | os.PathLike[str],
    *,
    clock: Callable[[], float] = time.time,
    new_id: Callable[[], str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Recorder]:
    """A recorder for a workspace, apart from the one behind the functions of `dotscience`.

    It records nothing of what surrounds a run, so it is quick. A run still open at the end is left `unpublished`.

    Args:
        root: the workspace root, such as pytest's `tmp_path`.
        clock: seconds since the Unix epoch; by default the real time.
        new_id: makes run ids; by default random ones.
        environ: environment variables to obey.

    Example:
        >>> with fresh_recorder(tmp_path, new_id=counted_ids()) as recorder:
        ...     recorder.metric("accuracy", 0.93)
        0.93
    """
    recorder = Recorder(root=root, environ=environ, clock=clock, new_id=new_id)
    try:
        yield recorder
    finally:
        recorder._at_exit()


@contextmanager
def recording_to(
    root: str | os.PathLike[str],
    *,
    clock: Callable[[], float] = time.time,
    new_id: Callable[[], str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[None]:
    """Inside the block the functions of `dotscience` record into a workspace as if nothing had been recorded before.

    For code that calls `ds.metric()` and its like itself. The arguments are those of `fresh_recorder`.
    """
    before = dict(vars(_default))
    Recorder.__init__(
        _default, root=root, environ=environ, clock=clock, new_id=new_id, connecting=_default._connecting
    )
    try:
        yield
    finally:
        _default._at_exit()
        vars(_default).clear()
        vars(_default).update(before)
