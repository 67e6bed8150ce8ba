"""One run of the catalog as a plain object, and a list of them that shows itself as a table."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, RowMapping, case, func, literal, or_, select

from ..errors import NotFoundError, StateError
from ..records.record import Record
from ..records.times import iso
from ..storage.series import Series, SeriesReader
from ..storage.workspace import Workspace
from . import tables
from .database import in_parts
from .find import folder_of
from .rows import from_micros, plain_value
from .texts import Beginning, EscapedText

if TYPE_CHECKING:
    import pandas

__all__ = ["Note", "Row", "Runs", "read_rows", "read_values", "run_columns"]

_KINDS = {number: f"{kind}s" for kind, number in tables.KINDS.items()}
_MOST_SHOWN, _MOST_METRICS = 50, 4


@dataclass(frozen=True)
class Note:
    """A text that somebody added to a run; `at` is an ISO 8601 time."""

    at: str
    author: str | None
    text: str


@dataclass(frozen=True, repr=False)
class Row:
    """One run of the catalog.

    Attributes:
        status: `completed`, `failed`, `crashed` or `killed` when published; `running`, `unpublished`, `crashed` or
            `killed` when not (then `published` is None).
        duration: seconds from start to end, or None.
        parameters, metrics, labels: plain Python values (text, bool, int, float, None, list, dict).
        workspace: root of the workspace that holds the run.
    """

    id: str
    status: str
    started: datetime | None
    ended: datetime | None
    published: datetime | None
    duration: float | None
    description: str | None
    error: str | None
    mode: str | None
    workload_file: str | None
    continues: str | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    labels: Mapping[str, Any]
    tags: tuple[str, ...]
    notes: tuple[Note, ...]
    models: tuple[str, ...]
    workspace: str

    def __repr__(self) -> str:
        started = "" if self.started is None else f" {self.started:%Y-%m-%d %H:%M:%S}"
        metrics = "".join(
            f" {name}={_shown(value)}" for name, value in list(self.metrics.items())[:_MOST_METRICS]
        )
        return f"<run {self.id[:8]} {self.status}{started}{metrics}>"

    @cached_property
    def record(self) -> Record:
        """The full record, read from the run's folder on first use.

        Raises:
            NotFoundError: the run is not published, or no longer there.
            CorruptError: the record cannot be read.
        """
        return folder_of(self.id, Workspace(self.workspace)).read_record()

    def series(self, name: str) -> Series:
        """The points of one series that the run logged, in the order they were logged.

        Raises:
            NotFoundError: the run logged no series of that name, is not published, or its points are gone.
            CorruptError: the points cannot be read.

        Example:
            >>> loss = ds.get("@latest").series("loss")
            >>> plt.plot(loss.steps, loss.values)
        """
        blob = self.record.series.get("blob")
        if blob is None:
            raise NotFoundError(f"Run {self.id} logged no series.")
        blobs = Workspace(self.workspace).blobs(blob["sha256"])
        with blobs.open(blob["sha256"]) as stream:
            return SeriesReader(stream, blobs.path(blob["sha256"])).read(name)

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values; times in ISO 8601."""
        wire = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in wire.items():
            if isinstance(value, datetime):
                wire[name] = iso(value)
            elif isinstance(value, tuple):
                wire[name] = [vars(item) if isinstance(item, Note) else item for item in value]
            elif isinstance(value, Mapping):
                wire[name] = {key: _as_json(item) for key, item in value.items()}
        return wire


class Runs(list[Row]):
    """Rows in the order asked for; shows itself as a table in a notebook."""

    def to_pandas(self) -> pandas.DataFrame:
        """One row per run, with columns such as `id`, `started`, `parameter.n`, `metric.accuracy`, `label.mode`.

        Raises:
            StateError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise StateError("to_pandas() needs pandas, which is not there: pip install pandas") from error
        plain = [field.name for field in fields(Row) if field.name not in _KINDS.values()]
        columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in self] for name in plain}
        for kind in ("parameters", "metrics", "labels"):
            for name in self._names(kind):
                columns[f"{kind[:-1]}.{name}"] = [getattr(row, kind).get(name) for row in self]
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        lines = [repr(row) for row in self[:_MOST_SHOWN]]
        rest = len(self) - _MOST_SHOWN
        return "\n".join([*lines, *([f"and {rest} more"] if rest > 0 else [])]) or "no runs"

    def _names(self, kind: str) -> list[str]:
        """Names of all parameters, metrics or labels, in the order in which they first occur."""
        return list(dict.fromkeys(name for row in self for name in getattr(row, kind)))

    def _repr_html_(self) -> str:
        heads = ["run", "status", "started", "seconds", "description"]
        kinds = [(kind, name) for kind in ("parameters", "metrics") for name in self._names(kind)]
        lines = ["".join(f"<th>{escape(head)}</th>" for head in (*heads, *(name for _, name in kinds)))]
        for row in self[:_MOST_SHOWN]:
            started = "" if row.started is None else f"{row.started:%Y-%m-%d %H:%M:%S}"
            seconds = "" if row.duration is None else f"{row.duration:.1f}"
            cells = [row.id[:8], row.status, started, seconds, row.description or ""]
            cells += [_shown(getattr(row, kind).get(name)) for kind, name in kinds]
            lines.append("".join(f"<td>{escape(cell)}</td>" for cell in cells))
        rest = len(self) - _MOST_SHOWN
        more = f"<p>and {rest} more</p>" if rest > 0 else ""
        return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + f"</table>{more}"


def _as_json(value: object) -> object:
    """NaN and infinities have no place in JSON; they stand as texts."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def run_columns(longest: int | None) -> list[ColumnElement[Any]]:
    """The columns of `runs` as `read_rows` and the like want them.

    Args:
        longest: characters of a text; None for all.
    """
    return [_cut(column, longest) for column in tables.runs.columns]


def _cut(column: ColumnElement[Any], longest: int | None) -> ColumnElement[Any]:
    if longest is None or not isinstance(column.type, EscapedText):
        return column
    return func.substr(column, 1, longest + 1, type_=Beginning(longest)).label(column.key)


def read_rows(connection: Connection, found: Sequence[RowMapping], longest: int | None) -> list[Row]:
    """The rows of the catalog for rows of the table `runs`, in the same order.

    Args:
        found: what `run_columns` of that `longest` selects.
    """
    keys = [run["key"] for run in found]
    values = read_values(connection, keys, longest)
    tags, notes, models = _read_beside(connection, keys, longest)
    return [
        Row(
            id=run["id"],
            status=run["status"],
            started=from_micros(run["started"]),
            ended=from_micros(run["ended"]),
            published=from_micros(run["published"]),
            duration=run["duration"],
            description=run["description"],
            error=run["error"],
            mode=run["mode"],
            workload_file=run["workload"],
            continues=run["continues"],
            parameters=values[run["key"]]["parameters"],
            metrics=values[run["key"]]["metrics"],
            labels=values[run["key"]]["labels"],
            tags=tuple(tags[run["key"]]),
            notes=tuple(notes[run["key"]]),
            models=tuple(models[run["key"]]),
            workspace=run["workspace"],
        )
        for run in found
    ]


def _read_beside(
    connection: Connection, keys: Sequence[int], longest: int | None
) -> tuple[dict[int, list[str]], dict[int, list[Note]], dict[int, list[str]]]:
    """Tags, notes and names of models, by `runs.key`."""
    tags: dict[int, list[str]] = defaultdict(list)
    notes: dict[int, list[Note]] = defaultdict(list)
    models: dict[int, list[str]] = defaultdict(list)
    noted, declared = tables.annotations.c, tables.models.c
    for part in in_parts(keys):
        said = select(noted.run, noted.kind, noted.at, noted.author, _cut(noted.text, longest))
        for row in connection.execute(said.where(noted.run.in_(part))):
            if row.kind == "tag":
                tags[row.run].append(row.text)
            else:
                notes[row.run].append(Note(row.at, row.author, row.text))
        for key, name in connection.execute(
            select(declared.run, declared.name).where(declared.run.in_(part))
        ):
            models[key].append(name)
    return tags, notes, models


def read_values(
    connection: Connection, keys: Sequence[int], longest: int | None
) -> dict[int, dict[str, dict[str, Any]]]:
    """`parameters`, `metrics` and `labels` of runs, by `runs.key`.

    Args:
        longest: characters of a text, or of what another value is as a text; None for all.
    """
    values = tables.values.c
    text, is_long = _cut(values.text, longest), _is_long(longest)
    whole = values.json if longest is None else case((~is_long, values.json))
    wanted = select(values.run, values.kind, values.name, is_long, values.form, text, whole)
    found: dict[int, dict[str, dict[str, Any]]] = {
        key: {"parameters": {}, "metrics": {}, "labels": {}} for key in keys
    }
    for part in in_parts(keys):
        for key, kind, name, is_cut, form, written, as_json in connection.execute(
            wanted.where(values.run.in_(part))
        ):
            value = _begun(written) if is_cut else plain_value(form, written, as_json)
            found[key][_KINDS[kind]][name] = value
    return found


def _is_long(longest: int | None) -> ColumnElement[bool]:
    """Whether no more than the beginning of a value is read. A text may be any, also that of a number."""
    if longest is None:
        return literal(False)
    values = tables.values.c
    return or_(func.length(values.text) > longest, func.coalesce(func.length(values.json), 0) > longest)


def _begun(written: str) -> str:
    """The beginning of a value, of which there is more than of its text."""
    return written if written.endswith("…") else f"{written}…"
