"""One writer per process: what several requests want to change goes into one transaction, which is paid for once.

Each change is a function of a connection that can be run again: it runs inside a savepoint, and where the database went
away in the middle all of them are tried again. Changes of one kind may be made by one call (`make_together`).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from copy import copy
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from ...catalog.database import is_transient
from .transactions import changing

__all__ = ["Changes"]

_A = TypeVar("_A")
_T = TypeVar("_T")
_MOST = 64
"""Changes in one transaction."""

PATIENCE = 10.0
"""Seconds for which a database that is away is tried again."""


class _Change(Generic[_T]):
    """One change, which may be made together with others that have the same work."""

    def __init__(self, work: Callable[[Connection, Sequence[Any]], Sequence[_T]], item: Any) -> None:
        self.work, self.item = work, item
        self.done: Future[_T] = Future()
        self.result: _T
        self.error: BaseException | None = None

    def settle(self, error: BaseException | None = None) -> None:
        """Tell whoever waits."""
        if (failed := error or self.error) is not None:
            self.done.set_exception(failed)
        else:
            self.done.set_result(self.result)


def _make_all(connection: Connection, changes: Sequence[_Change[Any]]) -> None:
    """Make changes that have the same work, all or none. Raises what goes wrong in it."""
    results = changes[0].work(connection, [change.item for change in changes])
    for change, result in zip(changes, results, strict=True):
        change.result, change.error = result, None


def _attempt(connection: Connection, changes: Sequence[_Change[Any]]) -> None:
    """Make changes that have the same work; what goes wrong in one harms no other."""
    try:
        with connection.begin_nested():
            _make_all(connection, changes)
    except OperationalError:
        raise  # with a full disk SQLite takes back the whole transaction, and says so only of this change
    except Exception as error:
        if is_transient(error):
            raise
        if len(changes) == 1:
            changes[0].error = error
        else:
            for change in changes:
                _attempt(connection, [change])


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
        return self.make_together(lambda connection, _: [work(connection)], None)

    def make_together(self, work: Callable[[Connection, Sequence[_A]], Sequence[_T]], item: _A) -> _T:
        """Make a change of many of a kind, together with those of the same work that wait too: that costs little more than one.

        Args:
            work: given a connection and the items of all of them, returns the result of each. Where it raises, each item
                is tried by itself, so what is wrong with one is told to whoever sent that one.
            item: of this change.

        Raises:
            as `make`.
        """
        change = _Change(work, item)
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
                    if len(batch) == 1:
                        _make_all(connection, batch)
                    else:
                        for changes in _by_work(batch):
                            _attempt(connection, changes)
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
            for change in batch:  # each is raised by itself, and gathers its own traceback
                change.settle(error if len(batch) == 1 else copy(error))
        else:
            for change in batch:
                self._make([change])


def _by_work(batch: Sequence[_Change[Any]]) -> Iterable[list[_Change[Any]]]:
    groups: dict[object, list[_Change[Any]]] = {}
    for change in batch:
        groups.setdefault(change.work, []).append(change)
    return groups.values()
