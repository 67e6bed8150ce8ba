"""The state of a run in progress: what has been declared so far, in memory or replayed from its journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .files import FileVersion
from .record import Record
from .times import utc
from .values import Json, Stored, is_stored

__all__ = ["RUN_STATUSES", "VALUES", "RunState"]

RUN_STATUSES = ("running", "unpublished", "crashed", "killed")
"""What becomes of a run without a record: in progress; left behind; ended by an exception; ended from outside."""

VALUES = {"label": "labels", "parameter": "parameters", "metric": "metrics"}
"""Each kind of value, and the field that holds those of a run."""

_TEXTS = ("description", "error", "continues", "traceback", "mode", "workload_file")
_TIMES = ("started", "ended")
_MOST_PROBLEMS = 100
_UNFIT = (TypeError, ValueError, LookupError, OverflowError, OSError)


@dataclass
class RunState:
    """What a run has declared. Times are seconds since the Unix epoch, paths as `FileVersion.path` says.

    Attributes:
        process: that writes; `command`: of the command that the run stands for, which may outlive it.
        inputs: by `FileVersion.key`, as they were when they were declared.
        outputs: the declared paths, files and directories, in the order they were declared.
        logged: the last value of each series.
        surroundings: what `capture` had gathered.
        problems: sentences about what could not be read back.
    """

    id: str
    status: str = "running"
    process: Mapping[str, Json] = field(default_factory=dict)
    command: Mapping[str, Json] = field(default_factory=dict)
    root: str = ""
    mode: str | None = None
    workload_file: str | None = None
    started: float | None = None
    ended: float | None = None
    description: str | None = None
    error: str | None = None
    continues: str | None = None
    traceback: str | None = None
    labels: dict[str, Stored] = field(default_factory=dict)
    parameters: dict[str, Stored] = field(default_factory=dict)
    metrics: dict[str, Stored] = field(default_factory=dict)
    logged: dict[str, Stored] = field(default_factory=dict)
    inputs: dict[tuple[str, int | None, int | None], FileVersion] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    surroundings: Mapping[str, Json] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def replay(cls, header: Mapping[str, Any], events: Iterable[list[Any]]) -> RunState:
        """The state after a journal's events; one that does not fit is noted in `problems` and passed over."""
        process, root = header.get("process"), header.get("root")
        state = cls(
            id=header["id"],
            root=root if isinstance(root, str) else "",
            process=process if isinstance(process, dict) else {},
        )
        for event in events:
            try:
                state.apply(*event)
            except _UNFIT as error:
                if len(state.problems) < _MOST_PROBLEMS:
                    state.problems.append(f"journal event {event[0]!r:.80} was passed over: {error!s:.200}")
        return state

    def record(self, status: str, published: datetime, **found: Any) -> Record:
        """The record of what was declared.

        Args:
            found: further fields of the record, and those that differ from what was declared.
        """
        declared: dict[str, Any] = {
            "started": None if self.started is None else utc(self.started),
            "ended": None if self.ended is None else utc(self.ended),
            "mode": self.mode,
            "workload_file": self.workload_file,
            "description": self.description,
            "error": self.error,
            "continues": self.continues,
            "labels": dict(self.labels),
            "parameters": dict(self.parameters),
            "metrics": self.logged | self.metrics,
            "inputs": tuple(self.inputs.values()),
            "workspace": {"root": self.root, "host": self.process.get("host")},
        }
        return Record(id=self.id, status=status, published=published, **(declared | found))

    @property
    def outcome(self) -> str:
        """The status of a record of this run: how it ended, else whether an error was set."""
        if self.status in ("crashed", "killed"):
            return self.status
        return "completed" if self.error is None else "failed"

    def apply(self, kind: str, *given: Any) -> None:
        """Take one event.

        Raises:
            TypeError, ValueError, LookupError, OverflowError: the event does not fit.
        """
        if kind in VALUES:
            name, value = given
            if not is_stored(value):
                raise TypeError(f"{value!r:.80} is no value")
            getattr(self, VALUES[kind])[_checked(name, str)] = value
        elif kind == "inputs":
            versions = [FileVersion.from_json(_checked(wire, dict)) for wire in given[0]]
            self.inputs.update((version.key, version) for version in versions)
        elif kind == "output":
            self.outputs[_checked(given[0], str)] = None
        elif kind in _TEXTS:
            setattr(self, kind, _checked(given[0], str, type(None)))
        elif kind in _TIMES:
            utc(given[0])  # which refuses what is no moment
            setattr(self, kind, given[0])
        elif kind == "surroundings":
            self.surroundings = _checked_facts(given[0])
        elif kind == "command":
            self.command = _checked(given[0], dict)
        elif kind == "closed":
            if given[0] not in RUN_STATUSES:
                raise ValueError(f"unknown status {given[0]!r}")
            self.status = given[0]
        else:
            raise ValueError("unknown kind")


def _checked(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        raise TypeError(f"{value!r:.80} is no {kinds[0].__name__}")
    return value


def _checked_facts(value: Any) -> Mapping[str, Json]:
    facts: Mapping[str, Json] = _checked(value, dict)
    for name in ("code", "git", "environment"):
        _checked(facts.get(name, {}), dict)
    _checked(facts.get("workload_file", ""), str)
    for sentence in _checked(facts.get("notices", []), list):
        _checked(sentence, str)
    return facts
