"""Writes runs into a Hub's catalog, inside the transaction in which the Hub writes what it keeps of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select

from ..errors import StateError
from . import tables
from .database import in_parts, insert_many
from .interning import intern
from .place import shard_of
from .rows import Facts, Rows, run_rows
from .writing import forget_keys, use_rows, used_files

__all__ = ["forget_runs", "write_runs"]

_KEYS = select(tables.runs.c.id, tables.runs.c.workspace, tables.runs.c.key).where(
    tables.runs.c.id.in_(bindparam("runs", expanding=True))
)


def write_runs(connection: Connection, facts: Sequence[tuple[Facts, str]]) -> None:
    """Write what is known of runs, each with the id of its project. What was written of the same run before is replaced.

    Nothing is remembered between calls, so the transaction (or its savepoint) may be rolled back.

    Args:
        connection: in a transaction of `database.writing`.

    Raises:
        StateError: another project has a run of that id.
    """
    newest = {one.id: (one, project) for one, project in facts}
    keys = _keys(connection, {run: project for run, (_, project) in newest.items()})
    forget_keys(connection, keys.values())
    top = connection.execute(select(func.max(tables.runs.c.key))).scalar() or 0
    free = 1 + max(top, *keys.values(), 0)
    rows: Rows = {table.name: [] for table in tables.SHARED}
    shown: dict[str, list[tuple[int, Facts]]] = defaultdict(list)
    for run, (one, project) in newest.items():
        key = keys.get(run, free)
        free += key == free
        run_rows(one, key, project, rows, shard_of(project))
        shown[project].append((key, one))
    for project, runs in shown.items():
        numbers = intern(connection, used_files([one for _, one in runs]), shard_of(project))
        use_rows(runs, numbers, rows)
    for table in tables.SHARED:
        insert_many(connection, table, rows[table.name])


def forget_runs(connection: Connection, run_ids: Iterable[str]) -> None:
    """Drop runs from the catalog, by id; those that are not there are none the worse. Arguments as for `write_runs`."""
    runs = tables.runs.c
    for part in in_parts(run_ids):
        forget_keys(connection, connection.execute(select(runs.key).where(runs.id.in_(part))).scalars().all())


def _keys(connection: Connection, projects: Mapping[str, str]) -> dict[str, int]:
    """The keys of those runs that are there, by id."""
    found: dict[str, int] = {}
    for part in in_parts(projects):
        for run, project, key in connection.execute(_KEYS, {"runs": part}):
            if project != projects[run]:
                raise StateError(f"Another project has a run {run} already; the id of a run is its own.")
            found[run] = key
    return found
