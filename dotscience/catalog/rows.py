"""What the catalog keeps of a run, and its rows: from a record or from the state of a run in progress, to the tables.

Rows hold values as the database holds them (texts escaped), in the order of the table's columns.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ..records.files import FileVersion
from ..records.record import Record
from ..records.state import RunState
from ..records.times import utc
from ..records.values import Json, Stored, number, plain, text
from .place import WORKSPACE_SHARD
from .tables import KINDS
from .texts import escape

__all__ = ["Facts", "Rows", "from_micros", "from_record", "from_state", "micros", "plain_value", "run_rows"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_FORMS: Mapping[type, str] = {type(None): "n", bool: "b", int: "i", float: "f", str: "s"}
_JSON = "j"
_HEAD = 80
"""Characters of a text that it is sorted by, each of up to 7 bytes: in an index they stand beside a name (see limits.py)."""

Rows = dict[str, list[tuple[Any, ...]]]
"""Rows by the name of their table."""


def micros(moment: datetime | None) -> int | None:
    """A moment as the tables hold it."""
    return None if moment is None else (moment - EPOCH) // _MICROSECOND


def from_micros(value: int | None) -> datetime | None:
    """Inverse of `micros`."""
    return None if value is None else EPOCH + timedelta(microseconds=value)


@dataclass
class Facts:
    """What the catalog keeps of one run.

    Attributes:
        problems: (field, reason) of what in it could not be read.
    """

    id: str
    status: str
    published: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    mode: str | None = None
    workload_file: str | None = None
    description: str | None = None
    error: str | None = None
    continues: str | None = None
    command: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    labels: Mapping[str, Stored] = field(default_factory=dict)
    parameters: Mapping[str, Stored] = field(default_factory=dict)
    metrics: Mapping[str, Stored] = field(default_factory=dict)
    series: Mapping[str, Json] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inputs: Sequence[FileVersion] = ()
    outputs: Sequence[FileVersion] = ()
    annotations: Sequence[Mapping[str, Any]] = ()
    problems: list[tuple[str, str]] = field(default_factory=list)


def from_record(record: Record, annotations: Sequence[Mapping[str, Any]] = ()) -> Facts:
    """The facts of a published run."""
    return Facts(
        id=record.id,
        status=record.status,
        published=record.published,
        started=record.started,
        ended=record.ended,
        mode=record.mode,
        workload_file=record.workload_file,
        description=record.description,
        error=record.error,
        continues=record.continues,
        labels=record.labels,
        parameters=record.parameters,
        metrics=record.metrics,
        series=_object(record.series.get("names")),
        models=record.models,
        inputs=record.inputs,
        outputs=record.outputs,
        annotations=annotations,
        **_surroundings(record.environment, record.git),
    )


def from_state(state: RunState, annotations: Sequence[Mapping[str, Any]] = ()) -> Facts:
    """The facts of a run that is not published."""
    around = state.surroundings
    return Facts(
        id=state.id,
        status=state.status,
        started=_moment(state.started),
        ended=_moment(state.ended),
        mode=state.mode,
        workload_file=state.workload_file,
        description=state.description,
        error=state.error,
        continues=state.continues,
        labels=state.labels,
        parameters=state.parameters,
        metrics=state.logged | state.metrics,
        models=Record(state.id, state.status, EPOCH, labels=state.labels).models,
        inputs=list(state.inputs.values()),
        outputs=[FileVersion(path) for path in state.outputs],
        annotations=annotations,
        problems=[("", problem) for problem in state.problems],
        **_surroundings(_object(around.get("environment")), _object(around.get("git"))),
    )


def run_rows(facts: Facts, key: int, workspace: str, rows: Rows, shard: int = WORKSPACE_SHARD) -> None:
    """Add a run's rows, all but its uses, under the key that stands for it."""
    began, ended = micros(facts.started), micros(facts.ended)
    texts = ("mode", "workload_file", "description", "error", "continues", "command", "commit")
    rows["runs"].append(
        (
            key,
            escape(facts.id),
            escape(workspace),
            facts.status,
            began,
            ended,
            micros(facts.published),
            None if began is None or ended is None else (ended - began) / 1e6,
            *(_escaped(getattr(facts, name)) for name in texts),
            facts.dirty,
            shard,
        )
    )
    for kind, values in (("label", facts.labels), ("parameter", facts.parameters), ("metric", facts.metrics)):
        for name, value in values.items():
            try:
                rows["values"].append((key, KINDS[kind], escape(name), *_value_columns(value), shard))
            except (TypeError, KeyError, ValueError) as error:
                facts.problems.append((f"{kind}s.{name}", f"is no value ({type(error).__name__}: {error})"))
    rows["series"].extend(_series_rows(key, facts))
    rows["models"].extend(_model_rows(key, facts))
    rows["annotations"].extend(_annotation_rows(key, facts))


def plain_value(form: str, written: str, as_json: str | None) -> Json:
    """The plain value that `values` holds in its columns `form`, `text` and `json`."""
    if as_json is not None:
        return json.loads(as_json)
    if form == "s":
        return written
    if form == "f":
        return float(written)
    if form == "i":
        return int(written)
    return None if form == "n" else written == "True"


def _value_columns(value: Stored) -> tuple[str, str, int | float | None, str | None, str | None]:
    """The columns `form`, `text`, `number`, `head` and `json`.

    Raises:
        TypeError, KeyError, ValueError: it is no stored value.
    """
    form, written = plain(value), text(value)
    if isinstance(value, Mapping) and "value" not in value and written in ("nan", "inf", "-inf"):
        form = float(written)
    code = _FORMS.get(type(form), _JSON)
    as_json = None if code != _JSON and str(form) == written else escape(json.dumps(form))
    figure = _fitting(number(value))
    head = None if figure is not None else escape(written[:_HEAD])
    return code, escape(written), figure, head, as_json


def _fitting(value: object) -> int | float | None:
    """A number as the database can hold and compare it; NaN is none."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value if isinstance(value, int) else None


def _series_rows(key: int, facts: Facts) -> Iterator[tuple[Any, ...]]:
    for name, summary in facts.series.items():
        said = _object(summary)
        figures = (_figure(said.get(part)) for part in ("last", "min", "max"))
        yield (key, escape(name), _count(said.get("count")), *figures)


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def _figure(value: object) -> int | float | None:
    return None if isinstance(value, bool) else _fitting(value)


def _model_rows(key: int, facts: Facts) -> Iterator[tuple[Any, ...]]:
    for name, declared in facts.models.items():
        files = _object(declared.get("files"))
        said = (declared.get("type"), declared.get("version"), files.get("model"), files.get("classes"))
        yield (key, escape(name), *(_escaped(part) for part in said))


def _annotation_rows(key: int, facts: Facts) -> Iterator[tuple[Any, ...]]:
    """Tags that were not taken away again, and notes, oldest first."""
    kept: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for position, annotation in enumerate(facts.annotations):
        tag, untag, note = (annotation.get(word) for word in ("tag", "untag", "note"))
        if isinstance(tag, str):
            kept.setdefault(("tag", tag, 0), annotation)
        elif isinstance(untag, str):
            kept.pop(("tag", untag, 0), None)
        elif isinstance(note, str):
            kept["note", note, position] = annotation
    for position, ((kind, word, _), annotation) in enumerate(kept.items()):
        yield key, position, kind, escape(word), escape(annotation["at"]), _escaped(annotation.get("author"))


def _surroundings(environment: Mapping[str, Json], git: Mapping[str, Json]) -> dict[str, Any]:
    argv = environment.get("argv")
    words = [word for word in argv if isinstance(word, str)] if isinstance(argv, list) else []
    commit, dirty = git.get("commit"), git.get("dirty")
    return {
        "command": shlex.join(words) if words else None,
        "commit": commit if isinstance(commit, str) else None,
        "dirty": dirty if isinstance(dirty, bool) else None,
    }


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _escaped(value: object) -> str | None:
    return escape(value) if isinstance(value, str) else None


def _moment(seconds: float | None) -> datetime | None:
    try:
        return None if seconds is None else utc(seconds)
    except (ValueError, OverflowError, OSError):  # a journal may say anything; such a time is no time
        return None
