"""Background threads that hash while the user's code goes on."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

__all__ = ["Hashers", "Job", "batches"]

T = TypeVar("T")
Progress = Callable[[int, int], None]

_MOST_THREADS = 4
_LARGE = 16 * 1024 * 1024
_SLOW = 0.02
"""A job of so many bytes, or that took so many seconds, is a reason for one more thread: it spends its time
hashing or waiting for a disk. On small files in memory two threads are slower than one, for they only wait
for each other between the calls to the system."""

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

    The first job makes a thread; more follow where that helps. They are daemons and go away when there is
    nothing to do. Where no thread can be made (a limit of the system, an interpreter that shuts down)
    `wait()` does the work.

    Args:
        threads: how many there may be; as a rule one for each CPU that this process may use, up to four.

    Example:
        >>> hashers = Hashers()
        >>> job = hashers.submit(lambda: see("data.csv", None), os.path.getsize("data.csv"))
        >>> hashers.wait(), job.result.digest
        (True, '9f86d081884c7d65…')
    """

    def __init__(self, threads: int | None = None) -> None:
        self._most = min(_MOST_THREADS, _cpus()) if threads is None else threads
        self.after_fork()

    def after_fork(self) -> None:
        """Be as new. In a forked child, where the jobs and threads are the parent's, whoever goes on with this one says so."""
        # Each of these is changed by single steps of the interpreter only. With a lock, a signal handler that
        # records something, or an interrupt at the wrong moment, could stop the user's process for good.
        self._queue: SimpleQueue[Job[Any]] = SimpleQueue()
        self._open: set[Job[Any]] = set()
        self._threads: set[threading.Thread] = set()
        self._idle: set[threading.Thread] = set()
        self._all_done = threading.Lock()
        self._mine = threading.local()

    @property
    def pending(self) -> tuple[int, int]:
        """How many jobs are not done, and how many bytes are left of them."""
        jobs = list(self._open)
        return len(jobs), sum(max(0, job.size - job.advanced) for job in jobs)

    def submit(self, work: Callable[[], T], size: int = 0) -> Job[T]:
        """Have some work done in the background.

        Args:
            size: how many bytes it is about, for progress.
        """
        job = Job(work, size)
        if size >= _LARGE or not self._alive():
            # Before the job is there: the start of a thread is waited for, and one that finds work keeps the interpreter.
            self._grow(self._queue.qsize() + 1)
        self._queue.put(job)
        self._open.add(job)
        if job.done:  # before it was added
            self._open.discard(job)
        if not self._alive():  # the last one went away just before
            self._grow(self._queue.qsize())
        return job

    def advance(self, count: int) -> None:
        """Called from within a job: so many more of its bytes are done."""
        job = getattr(self._mine, "job", None)
        if job is not None:
            job.advanced += count

    def wait(self, progress: Progress | None = None, timeout: float | None = None) -> bool:
        """Wait until everything is done.

        Args:
            progress: called now and then, in this thread, with the bytes done and the bytes in all, counted
                from when the waiting began.
            timeout: seconds after which to give up.

        Returns:
            Whether everything is done.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        total = 0
        while True:
            jobs, left = self.pending
            total = max(total, left)
            if progress is not None:
                progress(total - left, total)
            seconds = deadline - time.monotonic()
            if not jobs or seconds <= 0:
                return not jobs
            if self._alive() or not self._help():
                self._all_done.acquire(timeout=min(_TICK, seconds))

    def _help(self) -> bool:
        """Do a job in this thread. False if there is none to do."""
        try:
            job = self._queue.get_nowait()
        except Empty:
            return False
        self._do(job)
        if isinstance(job.error, KeyboardInterrupt):
            raise job.error
        return True

    def _alive(self) -> int:
        # Counted anew each time: a thread can be lost to an interrupt while it is started, or to a fork.
        for thread in list(self._threads):
            if not thread.is_alive():
                self._threads.discard(thread)
                self._idle.discard(thread)
        return len(self._threads)

    def _grow(self, jobs: int) -> None:
        """Start a thread if there are more jobs to be taken than threads to take them."""
        if self._alive() >= self._most or jobs <= len(self._idle):
            return
        thread = threading.Thread(target=self._serve, name="dotscience-hasher", daemon=True)
        self._threads.add(thread)
        self._idle.add(thread)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had: wait() does the work if there is none
            self._threads.discard(thread)
            self._idle.discard(thread)

    def _serve(self) -> None:
        me = threading.current_thread()
        while job := self._next(me):
            began = time.monotonic()
            self._do(job)
            if time.monotonic() - began > _SLOW:
                self._grow(self._queue.qsize())

    def _next(self, me: threading.Thread) -> Job[Any] | None:
        self._idle.add(me)
        try:
            return self._queue.get(timeout=_LINGER)
        except Empty:
            # Whoever submits a job looks for threads afterwards, so either it misses this one, or the job is seen here.
            self._threads.discard(me)
        finally:
            self._idle.discard(me)
        try:
            job = self._queue.get_nowait()
        except Empty:
            return None
        self._threads.add(me)
        return job

    def _do(self, job: Job[Any]) -> None:
        self._mine.job = job
        job.run()
        self._mine.job = None
        self._open.discard(job)
        if not self._open:
            try:
                self._all_done.release()
            except RuntimeError:  # nobody waits
                return


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
