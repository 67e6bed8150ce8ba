"""A source of facts, and how it is put to work. The one place where a source's faults are contained."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..records.values import Json

__all__ = ["Facts", "Source", "Task", "merged"]

Facts: TypeAlias = dict[str, Any]
"""Fields of a record, as far as one source knows them."""

_HEAD_START = 0.001
"""Seconds that the caller gets to go on with its own work before a thread takes the interpreter."""


class Source:
    """One thing that surrounds a run. Any of its methods may raise.

    Attributes:
        what: its name in a notice.
    """

    what = ""

    def prepare(self) -> None:
        """What must be done on the caller's thread as the run begins.

        Imports belong here: a process that forks while another thread imports a module can never import it again.
        """

    def look(self) -> Facts:
        """The facts as they are now."""
        raise NotImplementedError

    def settle(self, facts: Facts) -> Facts:
        """The facts from `look`, with what is known only at the end of the run."""
        return facts


class Task:
    """A source at work in the background, once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._process = os.getpid()
        self._thread: threading.Thread | None = None
        self.facts: Facts | None = None
        """What was found, once it is there."""

    def prepare(self) -> None:
        """What the source must do on this thread; a source that cannot is done with."""
        self.facts = self._contained(self._prepare) or None

    def start(self, then: Callable[[], None]) -> None:
        """Begin; `then` is called on the task's thread when the facts are there, and must not raise."""
        if self.facts is not None:
            return

        def run() -> None:
            time.sleep(_HEAD_START)
            self.facts = self._contained(self._source.look)
            then()

        thread = threading.Thread(target=run, name=f"dotscience: {self._source.what}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is going down: `settled` does the work
            return
        self._thread = thread

    def settled(self, deadline: float) -> Facts:
        """The final facts; a source that failed, or is not done by then, leaves a notice instead.

        Args:
            deadline: by `time.monotonic()`.
        """
        if self._thread is not None and self._process == os.getpid():
            self._thread.join(max(0.0, deadline - time.monotonic()))
            if self.facts is None:
                return {
                    "notices": [f"{self._source.what}: not recorded, because it took too long to find out."]
                }
        facts = self.facts
        if facts is None:  # never started, or started by the process that forked this one
            self.facts = facts = self._contained(self._look_now)
        return self._contained(lambda: self._source.settle(facts))

    def _prepare(self) -> Facts:
        self._source.prepare()
        return {}

    def _look_now(self) -> Facts:
        self._source.prepare()
        return self._source.look()

    def _contained(self, work: Callable[[], Facts]) -> Facts:
        """What the work gives, or why it gives nothing: what goes wrong here is no matter of the user's program."""
        try:
            return work()
        except Exception as error:
            return {
                "notices": [f"{self._source.what}: not recorded, because of {type(error).__name__}: {error}"]
            }


def merged(parts: Iterable[Mapping[str, Json]]) -> Facts:
    """Several sources' facts as one: objects are joined, lists follow each other."""
    whole: Facts = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, dict):
                whole[name] = whole.get(name, {}) | value
            elif isinstance(value, list):
                whole[name] = whole.get(name, []) + value
            else:
                whole[name] = value
    return whole
