"""`ds list`: the runs that a query fits, or the executions of `ds run`, as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from . import words
from .arguments import here, json_option
from .catalogs import bring_up_to_date
from .execution import list_executions
from .hubs import hub_json, hub_words
from .printing import is_terminal, print_json, say, table, warn

if TYPE_CHECKING:
    from ..catalog.runs import Row

__all__ = ["command"]

_MOST_VALUES = 3
"""How many parameters, and how many metrics, are columns unless others are asked for."""

_SHORT = 16
"""Characters up to which a value is read at a glance."""

_WHOLE = ("id", "status", "started")
"""Columns that a narrow terminal shows whole, at the cost of the others."""

_DEFAULT = ("id", "status", "started", "workload", "description")


@click.command("list")
@click.argument("query", required=False, default="")
@click.option(
    "--sort",
    multiple=True,
    metavar="KEY",
    help="Sort by a key such as started or metric.accuracy; - before it sorts downwards. May be repeated.  [default: -started]",
)
@click.option(
    "--columns",
    metavar="NAMES",
    help="Comma-separated: id, status, started, ended, published, duration, mode, workload, description, error, tags, "
    "models, continues, workspace, hub, parameter.NAME, metric.NAME, label.NAME.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="How many at most; 0 for all.",
)
@click.option("--everywhere", is_flag=True, help="Search every workspace that you have recorded in.")
@click.option("--executions", is_flag=True, help="List what `ds run` executed in this workspace instead.")
@json_option
def command(
    *,
    query: str,
    sort: tuple[str, ...],
    columns: str | None,
    limit: int,
    everywhere: bool,
    executions: bool,
    as_json: bool,
) -> None:
    """List runs, or the executions of `ds run`, the newest first.

    QUERY is an expression; a run without what it asks for does not fit. Unpublished runs are listed too, with what
    became of them: running, unpublished, crashed or killed.

    An execution is running, has ended, or its runner was killed; `ds show` on its id shows more. Its JSON is its
    document, with `state` and `folder`.

    \b
    Example:
      ds list 'metric.accuracy > 0.9 and label.mode == "test"' --sort -metric.accuracy
    """
    from ..catalog.runs import runs

    if executions:
        if query or sort or columns is not None or everywhere:
            raise click.UsageError(
                "QUERY, --sort, --columns and --everywhere are for runs, not for --executions."
            )
        list_executions(here(), limit, as_json)
        return
    chosen = [_column(name.strip()) for name in columns.split(",")] if columns is not None else None
    workspace = here()
    bring_up_to_date(workspace)
    found = runs(
        query,
        sort=list(sort) or "-started",
        limit=limit + 1 if limit else None,
        everywhere=everywhere,
        workspace=workspace,
    )
    rows = found[:limit] if limit else list(found)
    if as_json:
        print_json([{**row.to_json(), "hub": hub_json(row.id, row.workspace)} for row in rows])
        return
    if rows:
        _print(rows, chosen or _default_columns(rows, everywhere))
    elif is_terminal():
        say(f"No run fits in {workspace.root}." if query else f"No runs in {workspace.root} yet.")
    if len(found) > len(rows):
        warn(f"these are the first {limit}; --limit 0 shows all.")


def _print(rows: list[Row], columns: list[_Column]) -> None:
    table(
        [column.header for column in columns],
        [[column.cell(row) for column in columns] for row in rows],
        right=[number for number, column in enumerate(columns) if column.is_numeric(rows)],
        whole=[number for number, column in enumerate(columns) if column.header in _WHOLE],
        spare=_spare(columns),
    )


@dataclass(frozen=True)
class _Column:
    """One column: what it is called, what it holds of a run, and how that is said.

    Attributes:
        rank: of a parameter or metric that nobody asked for: how soon a narrow terminal does without it, the greater
            the sooner.
    """

    header: str
    get: Callable[[Row], Any]
    show: Callable[[Any], str] = words.value
    rank: int | None = None

    def cell(self, row: Row) -> str:
        value = self.get(row)
        return "" if value is None else self.show(value)

    def is_numeric(self, rows: list[Row]) -> bool:
        values = [value for value in map(self.get, rows) if value is not None]
        return bool(values) and all(type(value) in (int, float) for value in values)


def _spare(columns: list[_Column]) -> list[int]:
    """The columns that nobody asked for, the least telling first: of two alike that is the parameter."""
    ranked = [(-column.rank, number) for number, column in enumerate(columns) if column.rank is not None]
    return [number for _, number in sorted(ranked)]


def _status(row: Row) -> str:
    said = row.status
    if row.published is None and said in ("crashed", "killed"):
        said = f"{said}, unpublished"
    return f"{words.SYMBOLS.get(row.status, ' ')} {said}"


def _moment(moment: Any) -> str:
    return words.ago(moment) if is_terminal() else words.local(moment)


def _joined(texts: Any) -> str:
    return words.clean(", ".join(texts))


_COLUMNS: Mapping[str, Callable[[], _Column]] = {
    "id": lambda: _Column("id", lambda row: row.id, words.short if is_terminal() else words.clean),
    "status": lambda: _Column("status", _status),
    "started": lambda: _Column("started", lambda row: row.started, _moment),
    "ended": lambda: _Column("ended", lambda row: row.ended, _moment),
    "published": lambda: _Column("published", lambda row: row.published, _moment),
    "duration": lambda: _Column("duration", lambda row: row.duration, words.duration),
    "mode": lambda: _Column("mode", lambda row: row.mode),
    "workload": lambda: _Column("workload", lambda row: row.workload_file),
    "description": lambda: _Column("description", lambda row: row.description),
    "error": lambda: _Column("error", lambda row: row.error),
    "tags": lambda: _Column("tags", lambda row: row.tags, _joined),
    "models": lambda: _Column("models", lambda row: row.models, _joined),
    "continues": lambda: _Column("continues", lambda row: row.continues),
    "workspace": lambda: _Column("workspace", lambda row: row.workspace),
    "hub": lambda: _Column("hub", lambda row: hub_words(row.id, row.workspace) or None),
}
_VALUES = {"parameter": "parameters", "metric": "metrics", "label": "labels"}


def _column(name: str) -> _Column:
    if name in _COLUMNS:
        return _COLUMNS[name]()
    kind, _, key = name.partition(".")
    if kind not in _VALUES or not key:
        known = ", ".join((*_COLUMNS, *(f"{kind}.NAME" for kind in _VALUES)))
        raise click.BadParameter(f"there is no column {name!r}; there are {known}", param_hint="'--columns'")
    return _value_column(kind, key, name)


def _value_column(kind: str, key: str, header: str, rank: int | None = None) -> _Column:
    return _Column(words.value(header), lambda row: getattr(row, _VALUES[kind]).get(key), rank=rank)


def _default_columns(rows: list[Row], everywhere: bool) -> list[_Column]:
    """What any row has something to say in, with the parameters and metrics that tell most."""
    columns = [
        _column(name)
        for name in (*_DEFAULT, "tags", "hub", *(["workspace"] if everywhere else []))
        if name in ("id", "status", "started") or any(_column(name).cell(row) for row in rows)
    ]
    for kind in ("parameter", "metric"):
        taken = {column.header for column in columns}
        for rank, key in enumerate(_most_telling(kind, rows)[:_MOST_VALUES]):
            header = key if key and key not in taken else f"{kind}.{key}"
            columns.append(_value_column(kind, key, header, rank))
    return columns


def _most_telling(kind: str, rows: list[Row]) -> list[str]:
    """The names of parameters, or metrics: first those that tell the runs apart, then short ones, then those of most runs."""
    said: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for key, value in getattr(row, _VALUES[kind]).items():
            said[key].append(words.value(value))

    def dullness(key: str) -> tuple[bool, bool, int]:
        texts = said[key]
        return len(set(texts)) == 1, max(map(len, texts)) > _SHORT, -len(texts)

    return sorted(said, key=dullness)
