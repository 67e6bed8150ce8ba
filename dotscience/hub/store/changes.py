"""One writer per process: what several requests want to change goes into one transaction, which is paid for once.

Each change is a function of a connection that can be run again: it runs inside a savepoint, and where the database went
away in the middle all of them are tried again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from ...catalog.database import is_transient
from .transactions import changing

__all__ = ["Changes"]

_T = TypeVar("_T")
_MOST = 64
"""Changes in one transaction."""

PATIENCE = 10.0
"""Seconds for which a database that is away is tried again."""


class _Change(Generic[_T]):
    def __init__(self, work: Callable[[Connection], _T]) -> None:
        self.work = work
        self.done: Future[_T] = Future()
        self._result: _T
        self._error: BaseException | None = None

    def attempt(self, connection: Connection, *, alone: bool) -> None:
        """Make the change; what goes wrong in it harms no other. Where it is alone, it raises what goes wrong."""
        self._error = None
        if alone:
            self._result = self.work(connection)
            return
        try:
            with connection.begin_nested():
                self._result = self.work(connection)
        except OperationalError:
            raise  # with a full disk SQLite takes back the whole transaction, and says so only of this change
        except DBAPIError as error:
            if is_transient(error):
                raise
            self._error = error
        except Exception as error:
            self._error = error

    def settle(self, error: BaseException | None = None) -> None:
        """Tell whoever waits."""
        if (failed := error or self._error) is not None:
            self.done.set_exception(failed)
        else:
            self.done.set_result(self._result)


class Changes:
    """Makes changes, in the order in which they come.

    Example:
        >>> changes = Changes(engine)
        >>> changes.make(lambda connection: touch(connection, project, now))
    """

    def __init__(self, engine: Engine, patience: float = PATIENCE) -> None:
        self._engine, self._patience = engine, patience
        self._waiting: queue.SimpleQueue[_Change[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def make(self, work: Callable[[Connection], _T]) -> _T:
        """Make a change and return what it returned, when it is on disk.

        Raises:
            whatever the change raised; then nothing of it is there.
            OperationalError: the database is away.
        """
        change = _Change(work)
        with self._lock:
            if self._closed:
                raise RuntimeError("The Hub is being shut down.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hub-changes", daemon=True)
                self._thread.start()
            self._waiting.put(change)
        return change.done.result()

    def close(self) -> None:
        """Make what waits, and stop."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch:
                self._make(batch)
            else:
                return

    def _next(self) -> list[_Change[Any]]:
        first = self._waiting.get()
        batch: list[_Change[Any]] = []
        while first is not None:
            batch.append(first)
            if len(batch) == _MOST:
                break
            try:
                first = self._waiting.get_nowait()
            except queue.Empty:
                break
        else:
            if batch:
                self._waiting.put(None)  # for the next look
        return batch

    def _make(self, batch: list[_Change[Any]]) -> None:
        last = time.monotonic() + self._patience
        pause = 0.05
        while True:
            try:
                with changing(self._engine) as connection:
                    for change in batch:
                        change.attempt(connection, alone=len(batch) == 1)
                break
            except Exception as error:
                is_worth_it = isinstance(error, DBAPIError) and is_transient(error)
                if not is_worth_it or time.monotonic() + pause > last:
                    self._give_up(batch, error)
                    return
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
        for change in batch:
            change.settle()

    def _give_up(self, batch: list[_Change[Any]], error: Exception) -> None:
        """One of several changes may be what the database does not take: then each is made by itself."""
        if len(batch) == 1 or not isinstance(error, OperationalError) or is_transient(error):
            for change in batch:
                change.settle(error)
        else:
            for change in batch:
                self._make([change])
