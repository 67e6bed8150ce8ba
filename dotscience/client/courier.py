"""The thread that sends published runs: the caller waits while it gets on, and what a Hub does not take now it tries again."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..errors import AccessError, CorruptError, HubError, HubUnreachableError
from ..recorder.notices import contained, notice
from ..storage.runs import RunFolder
from .outbox import REFUSED, Shipment, is_complete, read_shipment
from .sending import Sender

__all__ = ["Courier", "Job", "away"]

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_PATIENCE = 30.0
"""Seconds without any progress after which a caller is let go."""

_TICK = 0.1


class Job:
    """One run to be sent.

    Attributes:
        sent: what became of it; None while nothing did.
        total, done: bytes, as far as they are known.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.sent: Shipment | None = None
        self.done = self.total = self.steps = 0
        self.over = threading.Event()

    def advance(self, done: int, total: int) -> None:
        """Note progress, for whoever waits."""
        if done != self.done:
            self.steps += 1
        self.done, self.total = done, total


def away(error: Exception) -> str:
    """What is said once of a Hub that cannot be reached."""
    return (
        f"{str(error).rstrip('.')}. Your program goes on; runs are kept here, and sent when the Hub is back, at the next "
        f"publish, or by `ds sync`."
    )


class Courier:
    """Sends runs to one Hub, one after the other as they were submitted.

    Args:
        is_away: it could not be reached just now, which has been said.

    Attributes:
        is_away: the Hub could not be reached lately, so nobody should wait for it.
    """

    def __init__(self, sender: Sender, *, is_away: bool = False) -> None:
        self._sender = sender
        self._jobs: deque[Job] = deque()
        self._lock = threading.RLock()  # reentrant, for signal handlers
        self._wake, self._moved = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing, self._has_said = False, is_away
        self._pause = _FIRST_PAUSE if is_away else 0.0
        self._again_at = time.monotonic() + self._pause

    @property
    def is_away(self) -> bool:
        return self._is_failing or not self._is_time()

    def _is_time(self) -> bool:
        return time.monotonic() >= self._again_at

    def submit(self, folder: RunFolder) -> Job:
        """Have a run sent in the background."""
        job = Job(folder)
        with self._lock:
            self._jobs.append(job)
            self._wake.set()
            if self._thread is None:
                # Noted before it is started, for a signal handler that comes in between shall not start another.
                self._thread = threading.Thread(target=self._run, name="dotscience-courier", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # no more threads to be had: `ds sync` sends it
                    self._thread = None
                    self._jobs.remove(job)
                    job.over.set()
        return job

    def wait(self, job: Job, show: Callable[[int, int], None]) -> None:
        """Wait until a run is sent or cannot be, as long as it gets on.

        Args:
            show: called now and then with the bytes done and the bytes in all.
        """
        steps, since = -1, time.monotonic()
        while not self.is_away and not job.over.wait(_TICK):
            show(job.done, job.total)
            if job.steps != steps:
                steps, since = job.steps, time.monotonic()
            elif time.monotonic() - since > _PATIENCE:
                notice(
                    f"{self._sender.api.url} is slow. Your program goes on, and the run is sent meanwhile or by `ds sync`."
                )
                return

    def settle(self, seconds: float) -> None:
        """Wait until nothing is left to be sent, but no longer than that and not for a Hub that is away."""
        deadline = time.monotonic() + seconds
        while self._jobs and not self.is_away and time.monotonic() < deadline:
            self._moved.wait(max(0.0, deadline - time.monotonic()))
            self._moved.clear()

    def _run(self) -> None:
        while self._go_on():
            self._wake.wait(max(0.0, self._again_at - time.monotonic()))
            self._wake.clear()
            with contained("sending to the Hub"):
                while self._jobs and self._is_time():
                    self._send(self._jobs[0])

    def _go_on(self) -> bool:
        with self._lock:
            if not self._jobs:
                self._thread = None
            return bool(self._jobs)

    def _send(self, job: Job) -> None:
        is_settled = True
        try:
            shipment = read_shipment(job.folder)
            if shipment is not None and is_complete(job.folder, shipment):  # somebody else was faster
                job.sent = shipment
            elif shipment is not None:
                job.sent = self._sender.send(job.folder, shipment, job.advance)
                if job.sent.state == REFUSED:
                    notice(f"{job.sent.url} refused run {job.folder.id}: {job.sent.reason} It stays here.")
            self._is_failing, self._has_said, self._pause = False, False, 0.0
        except (AccessError, HubUnreachableError) as error:
            is_settled = False
            self._rest(error)
        except (HubError, CorruptError, OSError) as error:
            notice(f"run {job.folder.id} could not be sent and stays here: {error}")
        finally:
            if is_settled:
                self._jobs.popleft()
            job.over.set()
            self._moved.set()

    def _rest(self, error: Exception) -> None:
        """Leave a Hub alone that cannot be reached, the longer the longer it is away."""
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._again_at = time.monotonic() + self._pause
        self._is_failing = True
        if not self._has_said:
            self._has_said = True
            notice(away(error))
