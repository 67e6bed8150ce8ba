"""`ds list`: the runs that a query fits, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from . import words
from .arguments import here, json_option
from .catalogs import bring_up_to_date
from .printing import is_terminal, print_json, say, table, warn

if TYPE_CHECKING:
    from ..catalog.runs import Row

__all__ = ["command"]

_MOST_VALUES = 3
"""How many parameters, and how many metrics, are columns unless others are asked for."""

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
    "models, continues, workspace, parameter.NAME, metric.NAME, label.NAME.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="How many runs at most; 0 for all.",
)
@click.option("--everywhere", is_flag=True, help="Search every workspace that you have recorded in.")
@json_option
def command(
    *, query: str, sort: tuple[str, ...], columns: str | None, limit: int, everywhere: bool, as_json: bool
) -> None:
    """List runs, the newest first.

    QUERY is an expression; a run without what it asks for does not fit. Unpublished runs are listed too, with what
    became of them: running, unpublished, crashed or killed.

    \b
    Example:
      ds list 'metric.accuracy > 0.9 and label.mode == "test"' --sort -metric.accuracy
    """
    from ..catalog.runs import runs

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
        print_json([row.to_json() for row in rows])
        return
    if rows:
        shown = chosen or _default_columns(rows, everywhere)
        numeric = frozenset(number for number, column in enumerate(shown) if column.is_numeric(rows))
        table([column.header for column in shown], [[c.cell(row) for c in shown] for row in rows], numeric)
    elif is_terminal():
        say(f"No run fits in {workspace.root}." if query else f"No runs in {workspace.root} yet.")
    if len(found) > len(rows):
        warn(f"these are the first {limit}; --limit 0 shows all.")


class _Column:
    def __init__(
        self, header: str, get: Callable[[Row], Any], show: Callable[[Any], str] = words.value
    ) -> None:
        self.header, self._get, self._show = header, get, show

    def cell(self, row: Row) -> str:
        value = self._get(row)
        return "" if value is None else self._show(value)

    def is_numeric(self, rows: list[Row]) -> bool:
        values = [value for value in map(self._get, rows) if value is not None]
        return bool(values) and all(type(value) in (int, float) for value in values)


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
}
_VALUES = {"parameter": "parameters", "metric": "metrics", "label": "labels"}


def _column(name: str, header: str | None = None) -> _Column:
    if name in _COLUMNS:
        return _COLUMNS[name]()
    kind, _, key = name.partition(".")
    if kind not in _VALUES or not key:
        known = ", ".join((*_COLUMNS, *(f"{kind}.NAME" for kind in _VALUES)))
        raise click.BadParameter(f"there is no column {name!r}; there are {known}", param_hint="'--columns'")
    return _Column(header or name, lambda row: getattr(row, _VALUES[kind]).get(key))


def _default_columns(rows: list[Row], everywhere: bool) -> list[_Column]:
    """What most rows have something to say in, with the parameters and metrics that most of them have."""
    columns = [
        _column(name)
        for name in (*_DEFAULT, "tags", *(["workspace"] if everywhere else []))
        if name in ("id", "status", "started") or any(_column(name).cell(row) for row in rows)
    ]
    for kind in ("parameter", "metric"):
        counted = Counter(key for row in rows for key in getattr(row, _VALUES[kind]))
        taken = {column.header for column in columns}
        for key, _ in counted.most_common(_MOST_VALUES):
            header = words.clean(key)
            columns.append(
                _column(f"{kind}.{key}", f"{kind}.{header}" if header in taken or not key else header)
            )
    return columns
