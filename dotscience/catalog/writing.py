"""Writes what run folders said into the tables, in short transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.exc import DataError, InterfaceError, ProgrammingError

from ..records.files import FileVersion
from . import tables
from .database import in_parts, insert_many, writing
from .interning import Versions
from .reading import Reading
from .rows import Facts, Rows, run_rows
from .texts import escape

__all__ = ["Writer", "forget_keys", "use_rows", "used_files"]

_MISFITS = (
    *(TypeError, ValueError, KeyError, OverflowError, RecursionError),
    *(DataError, InterfaceError, ProgrammingError),
)
"""What it raises when a record holds something that no column takes."""


class Writer:
    """Writes batches of readings.

    Args:
        root: the workspace's root, as `runs.workspace` holds it.
    """

    def __init__(self, engine: Engine, root: str) -> None:
        self._engine = engine
        self._root = root
        self._versions = Versions()

    def write(self, batch: Sequence[Reading]) -> None:
        """Write a batch; a reading that the tables cannot hold becomes a problem of its own."""
        try:
            self._write(batch)
        except _MISFITS as error:
            self._versions = Versions()
            if len(batch) > 1:
                for reading in batch:
                    self.write([reading])
            elif batch[0].facts is not None:
                batch[0].blame("", f"cannot be held by the catalog ({type(error).__name__}: {error})")
                self._write(batch)
            else:
                raise

    def _write(self, batch: Sequence[Reading]) -> None:
        with writing(self._engine) as connection:
            batch, keys = _still_needed(connection, batch)
            if not batch:
                return
            _forget(connection, batch, list(keys.values()))
            rows: Rows = {table.name: [] for table in tables.metadata.sorted_tables}
            top = connection.execute(select(func.max(tables.runs.c.key))).scalar() or 0
            free = 1 + max(top, *keys.values(), 0)  # those of the batch are forgotten, and come back
            shown: list[tuple[int, Facts]] = []
            for reading in batch:
                if reading.facts is not None:
                    key = keys.get(reading.name, free)
                    free += key == free
                    run_rows(reading.facts, key, self._root, rows)
                    shown.append((key, reading.facts))
                _folder_rows(reading, shown[-1][0] if reading.facts is not None else None, rows)
            numbers = self._versions.keys(connection, used_files([facts for _, facts in shown]))
            use_rows(shown, numbers, rows)
            for table in tables.metadata.sorted_tables:
                insert_many(connection, table, rows[table.name])


def used_files(shown: Sequence[Facts]) -> list[FileVersion]:
    """The file versions that runs read and wrote, one after the other."""
    return [file for facts in shown for used in (facts.inputs, facts.outputs) for file in used]


def use_rows(shown: Sequence[tuple[int, Facts]], versions: Iterable[int], rows: Rows) -> None:
    """Add the rows of the uses of runs, each run with its key.

    Args:
        versions: the number of each of their `used_files`.
    """
    numbers = iter(versions)
    add = rows["uses"].append
    for key, facts in shown:
        for role, used in ((tables.INPUT, facts.inputs), (tables.OUTPUT, facts.outputs)):
            for position, (_, _, _, _, kept, unseen, changed) in enumerate(used):
                words = (unseen and escape(unseen), changed and escape(changed))
                add((key, role, position, next(numbers), kept, *words))


def forget_keys(connection: Connection, keys: Iterable[int]) -> None:
    """Drop the rows of runs, by `runs.key`."""
    for part in in_parts(keys):
        for table in tables.BY_RUN:
            connection.execute(delete(table).where(table.c.run.in_(part)))
        connection.execute(delete(tables.runs).where(tables.runs.c.key.in_(part)))


def _still_needed(connection: Connection, batch: Sequence[Reading]) -> tuple[list[Reading], dict[str, int]]:
    """What no other process has written meanwhile, and the keys of the runs that it replaces."""
    folders = tables.folders
    names = [reading.name for reading in batch]
    present: dict[str, dict[str, Any]] = {name: {} for name in names}
    for part in in_parts(names):
        for row in connection.execute(select(folders).where(folders.c.name.in_(part))):
            present[row.name][row.place] = row
    needed: list[Reading] = []
    keys: dict[str, int] = {}
    for reading in batch:
        others = dict(present[reading.name])
        own = others.pop(reading.place, None)
        if reading.known == (None if own is None else (own.stamp, own.watch)):
            continue
        needed.append(reading)
        if own is not None and own.run is not None:
            keys[reading.name] = own.run
        elif reading.facts is not None and any(other.run is not None for other in others.values()):
            reading.blame("id", f"the same run is also in {' and '.join(others)}, and that one is shown")
    return needed, keys


def _forget(connection: Connection, batch: Sequence[Reading], keys: Sequence[int]) -> None:
    forget_keys(connection, keys)
    for place in {reading.place for reading in batch}:
        for names in in_parts(reading.name for reading in batch if reading.place == place):
            for table in (tables.folders, tables.problems):
                connection.execute(delete(table).where(table.c.place == place, table.c.name.in_(names)))


def _folder_rows(reading: Reading, key: int | None, rows: Rows) -> None:
    if reading.known is None:
        return
    place, name = escape(reading.place), escape(reading.name)
    rows["folders"].append((place, name, *reading.known, key))
    said = reading.facts.problems if reading.facts is not None else []
    for problem in (*reading.problems, *((reading.name, *problem) for problem in said)):
        rows["problems"].append((place, name, *map(escape, problem)))
