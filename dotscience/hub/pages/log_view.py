"""The log of a run as its page shows it: what the command cost, and how its outputs end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...records.record import Record
from ...runner.execution import Execution
from ..services.logs import Log
from . import words
from .run_view import Value, clipped

__all__ = ["LogView", "log_view"]


@dataclass(frozen=True)
class LogView:
    """What the page shows of the execution that a run was part of.

    Attributes:
        execution: its id, where it is here.
        is_awaited: the run names one that is not here.
    """

    execution: str | None
    is_awaited: bool
    facts: list[Value]
    streams: Sequence[Log]


def log_view(record: Record, execution: Execution | None, streams: Sequence[Log]) -> LogView:
    """The log of a run; empty where it was part of no execution."""
    if execution is None:
        return LogView(None, record.process.get("execution") is not None, [], [])
    return LogView(execution.id, False, list(_facts(execution)), streams)


def _facts(execution: Execution) -> Iterable[Value]:
    ended = "unknown: `ds run` was killed" if execution.exit_code is None else f"{execution.exit_code}"
    if execution.signal is not None:
        ended += f" ({clipped(execution.signal, 40)[0]})"
    yield Value("exit code", ended)
    if execution.wall is not None:
        yield Value("wall", words.duration(execution.wall))
    if execution.cpu_user is not None and execution.cpu_system is not None:
        user, system = words.duration(execution.cpu_user), words.duration(execution.cpu_system)
        yield Value("cpu", f"{user} user, {system} system")
    if execution.peak_memory is not None:
        yield Value("peak memory", words.size(execution.peak_memory))
    if len(execution.runs) > 1:
        yield Value("runs", f"{len(execution.runs):,}, of which this is one")
