"""Background threads that hash while the user's code goes on."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

__all__ = ["Hashers", "Job", "batches"]

T = TypeVar("T")
Progress = Callable[[int, int], None]

_MOST_THREADS = 4
_LINGER = 0.05
"""Seconds that a thread without work stays. Short, because a fork is only safe while there is no thread."""

_TICK = 0.1
"""Seconds between two reports of progress."""

_BATCH_FILES = 256
_BATCH_BYTES = 4 * 1024 * 1024


class Job(Generic[T]):
    """Work that was submitted.

    Attributes:
        size: bytes that it is about.
        done: it has ended, well or not.
        error: what it raised, if it did.
    """

    __slots__ = ("_result", "_work", "advanced", "done", "error", "size")

    def __init__(self, work: Callable[[], T], size: int) -> None:
        self.size, self.advanced = size, 0
        self.done = False
        self.error: BaseException | None = None
        self._work: Callable[[], T] | None = work
        self._result: T | None = None

    @property
    def result(self) -> T:
        """What it returned; raises what it raised, or RuntimeError while it is not done."""
        if not self.done:
            raise RuntimeError("This job is not done: Hashers.wait() waits for it.")
        if self.error is not None:
            raise self.error
        return self._result  # type: ignore[return-value]

    def run(self) -> None:
        """Do the work, here and now."""
        work, self._work = self._work, None
        try:
            if work is not None:
                self._result = work()
        except BaseException as error:  # whoever asked for the result gets it; the thread has other jobs
            self.error = error
        self.done = True


class Hashers:
    """A queue of jobs and the threads that work it off, oldest first.

    Threads are made by the first job, are daemons, and go away when there is nothing to do. Where no
    thread can be made (a limit of the system, an interpreter that shuts down) `wait()` does the work.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._most = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self.after_fork()

    def after_fork(self) -> None:
        """Start anew in a forked child: the jobs and threads are the parent's."""
        self._changed = threading.Condition()
        self._queue: deque[Job[Any]] = deque()
        self._running: set[Job[Any]] = set()
        self._threads = self._idle = 0
        self._total = self._finished = 0
        self._mine = threading.local()

    @property
    def pending(self) -> tuple[int, int]:
        """How many jobs are not done, and how many bytes are left of them."""
        with self._changed:
            return len(self._queue) + len(self._running), self._total - self._done()

    def submit(self, work: Callable[[], T], size: int = 0) -> Job[T]:
        """Have some work done in the background.

        Args:
            size: how many bytes it is about, for progress.
        """
        job = Job(work, size)
        with self._changed:
            if not self._queue and not self._running:
                self._total = self._finished = 0
            self._total += size
            self._queue.append(job)
            if len(self._queue) > self._idle and self._threads < self._most:
                self._start()
            self._changed.notify_all()
        return job

    def advance(self, count: int) -> None:
        """Called from within a job: so many more of its bytes are done."""
        job = getattr(self._mine, "job", None)
        if job is not None:
            job.advanced += count

    def wait(self, progress: Progress | None = None, timeout: float | None = None) -> bool:
        """Wait until everything is done.

        Args:
            progress: called now and then, in this thread, with bytes done and bytes in all.
            timeout: seconds after which to give up.

        Returns:
            Whether everything is done.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._changed:
                if not self._queue and not self._running:
                    return True
                left = _TICK if deadline is None else min(_TICK, deadline - time.monotonic())
                if left <= 0:
                    return False
                job = self._take() if not self._threads else None
                if job is None:
                    self._changed.wait(left)
                state = self._done(), self._total
            if job is not None:
                self._do(job)
                if isinstance(job.error, KeyboardInterrupt):
                    raise job.error
            if progress is not None:
                progress(*state)

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name="dotscience-hasher", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had: wait() does the work
            return
        self._threads += 1

    def _serve(self) -> None:
        while True:
            with self._changed:
                if not self._queue:
                    self._idle += 1
                    self._changed.wait_for(lambda: self._queue, _LINGER)
                    self._idle -= 1
                job = self._take()
                if job is None:
                    self._threads -= 1
                    return
            self._do(job)

    def _take(self) -> Job[Any] | None:
        if not self._queue:
            return None
        job = self._queue.popleft()
        self._running.add(job)
        return job

    def _do(self, job: Job[Any]) -> None:
        self._mine.job = job
        try:
            job.run()
        finally:
            self._mine.job = None
            with self._changed:
                self._running.discard(job)
                self._finished += job.size
                self._changed.notify_all()

    def _done(self) -> int:
        return self._finished + sum(min(job.advanced, job.size) for job in self._running)


def batches(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Items in lists that are each worth one job: many small files, or one large one.

    Args:
        size: how many bytes an item is.
    """
    batch: list[T] = []
    room = _BATCH_BYTES
    for item in items:
        room -= size(item)
        batch.append(item)
        if room <= 0 or len(batch) >= _BATCH_FILES:
            yield batch
            batch, room = [], _BATCH_BYTES
    if batch:
        yield batch
