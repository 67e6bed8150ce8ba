"""A source of facts, and how it is put to work. The one place where a source's faults are contained."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ..records.values import Json

__all__ = ["Facts", "Source", "Task", "merged", "start"]

Facts: TypeAlias = dict[str, Any]
"""Fields of a record, as far as one source knows them."""


class Source:
    """One thing that surrounds a run. Any of its methods may raise.

    Attributes:
        what: its name in a notice.
        waits: whether it mostly waits for another program, so that others can work meanwhile.
    """

    what = ""
    waits = False

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
        self.waits = source.waits
        self._source = source
        self._process = os.getpid()
        self._thread: threading.Thread | None = None
        self._failed = False
        self.facts: Facts | None = None
        """What was found, once it is there."""

    def prepare(self) -> None:
        """What the source must do on this thread; a source that cannot is done with."""
        self.facts = self._contained(self._prepare) or None

    def gather(self) -> None:
        """Find the facts, on this thread."""
        if self.facts is None:
            self.facts = self._contained(self._source.look)

    def promise(self, thread: threading.Thread) -> None:
        """Note which thread will gather."""
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
        if self._failed:
            return facts
        return self._contained(lambda: self._source.settle(facts), facts)

    def _prepare(self) -> Facts:
        self._source.prepare()
        return {}

    def _look_now(self) -> Facts:
        self._source.prepare()
        return self._source.look()

    def _contained(self, work: Callable[[], Facts], known: Facts | None = None) -> Facts:
        """What the work gives; else what is known already, and why there is no more.

        What goes wrong here is no matter of the user's program.
        """
        try:
            return work()
        except Exception as error:
            self._failed = True
            lost = "not recorded" if known is None else "changes during the run not looked for"
            notice = f"{self._source.what}: {lost}, because of {type(error).__name__}: {error}"
            return merged([known or {}, {"notices": [notice]}])


def start(lanes: Iterable[Sequence[Task]], then: Callable[[], None]) -> None:
    """Begin tasks that are prepared: the lanes side by side, each on one thread, its tasks one after the other.

    Args:
        then: called at the end of each lane, on its thread; must not raise.
    """
    gate = threading.Event()

    def run(lane: Sequence[Task]) -> None:
        gate.wait()  # until the caller has started all, so as not to compete with it for the interpreter
        for task in lane:
            task.gather()
        then()

    try:
        for lane in lanes:
            thread = threading.Thread(target=run, args=(lane,), name="dotscience: surroundings", daemon=True)
            thread.start()
            for task in lane:
                task.promise(thread)
    except RuntimeError:  # no more threads, or the interpreter is going down: `settled` does the work
        return
    finally:
        gate.set()


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
