"""The catalog of one workspace: opens it where it can be written, brings it up to date, rebuilds it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, func, select, true, update
from sqlalchemy.exc import DatabaseError, DataError, NotSupportedError, OperationalError, ProgrammingError

from ..storage.workspace import Workspace, known_workspaces
from . import tables
from .database import is_fresh, make_tables, open_sqlite, writing
from .index import Progress, bring_up_to_date
from .place import WORKSPACE_SHARD

__all__ = ["Catalog", "Problem", "Progress", "Where", "catalog_of", "catalogs"]

_T = TypeVar("_T")

Where: TypeAlias = "Workspace | str | os.PathLike[str] | None"
"""A workspace, or a folder in it; None for that of the current directory."""


@dataclass(frozen=True)
class Problem:
    """Something of a run that could not be read.

    Attributes:
        run: name of the run's folder.
        file: the file (a run's id when it is the folder as a whole).
        field: the field, or "" for the whole file.
    """

    run: str
    file: str
    field: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class Catalog:
    """The tables of one workspace. Derived: deleting its file loses nothing.

    It lies in the workspace; where that cannot be written, in the user's state folder, else in memory. A file that is
    damaged or of another version is made anew.

    Attributes:
        workspace: whose runs it holds.
        path: its file, or None when it is in memory.

    Example:
        >>> catalog = Catalog(Workspace.find())
        >>> catalog.refresh()
    """

    def __init__(self, workspace: Workspace, path: str | None = None) -> None:
        self.workspace = workspace
        self._places = [path, None] if path is not None else _places_for(workspace)
        self.path = self._places[0]
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._closing: weakref.finalize[..., Any] | None = None

    @property
    def scope(self) -> ColumnElement[bool]:
        """All runs in it: see place.py."""
        return true()

    @property
    def shards(self) -> tuple[int, ...]:
        """The one that a workspace has."""
        return (WORKSPACE_SHARD,)

    @property
    def longest(self) -> None:
        """Whoever reads their own workspace reads all of it."""
        return None

    def refresh(self, progress: Progress | None = None) -> None:
        """Bring the catalog up to date with the run folders.

        Args:
            progress: called with how many changed folders are done, and how many there are.
        """
        with self._lock:
            if self._engine is not None and self._file != _identity(self.path):
                self.close()  # somebody deleted or replaced the file, as anybody may
        self._working(lambda engine: bring_up_to_date(engine, self.workspace, progress))

    def reindex(self, progress: Progress | None = None) -> int:
        """Rebuild the catalog from nothing; returns the number of runs in it."""

        def rebuild(engine: Engine) -> None:
            with writing(engine) as connection:
                make_tables(connection)
            bring_up_to_date(engine, self.workspace, progress)

        self._working(rebuild)
        return self.read(lambda connection: connection.execute(_COUNT).scalar_one())

    def read(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question that only reads."""

        def ask(engine: Engine) -> _T:
            with engine.connect() as connection:
                return question(connection)

        return self._working(ask)

    def problems(self) -> list[Problem]:
        """What of the run folders could not be read, as of the last refresh."""
        wanted = tables.problems.c
        found = select(wanted.name, wanted.file, wanted.field, wanted.reason).order_by(
            wanted.name, wanted.field
        )
        return self.read(lambda connection: [Problem(*row) for row in connection.execute(found)])

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        if self._closing is not None:
            self._closing()
        self._engine = self._file = self._closing = None

    def _working(self, work: Callable[[Engine], _T]) -> _T:
        """Do work on the database; where it is damaged or cannot be written, make another one and begin again."""
        was_mended = False
        while True:
            try:
                with self._lock:  # in memory there is one connection for all threads
                    return work(self._open())
            except DatabaseError as error:
                if isinstance(error, _OUR_FAULTS):
                    raise
                self.close()
                if not was_mended and not isinstance(error, OperationalError) and _delete(self.path):
                    was_mended = True
                elif self.path is not None:
                    was_mended, self.path = False, self._places[self._places.index(self.path) + 1]
                else:
                    raise
                work = self._after_filling(work)

    def _after_filling(self, work: Callable[[Engine], _T]) -> Callable[[Engine], _T]:
        def fill_and_work(engine: Engine) -> _T:
            bring_up_to_date(engine, self.workspace)
            return work(engine)

        return fill_and_work

    def _open(self) -> Engine:
        if self._engine is None:
            if self.path is not None:
                _make_folder(os.path.dirname(self.path))
            engine = self._engine = open_sqlite(self.path)
            self._closing = weakref.finalize(self, _dispose, engine, os.getpid())
            try:
                self._make_usable(engine)
            except BaseException:
                self.close()
                raise
            self._file = _identity(self.path)
        return self._engine

    def _make_usable(self, engine: Engine) -> None:
        """Make the tables where they are missing or of another version."""
        with engine.connect() as connection:
            is_usable = is_fresh(connection) and self._is_ours(connection)
        if not is_usable:
            with writing(engine) as connection:
                if not is_fresh(connection):  # no other process just did it
                    make_tables(connection)
                connection.execute(update(tables.runs).values(workspace=self.workspace.root))

    def _is_ours(self, connection: Connection) -> bool:
        """Whether the runs are said to lie where the workspace is now: it may have been moved."""
        return connection.execute(_ROOT).scalar() in (None, self.workspace.root)


def catalog_of(workspace: Workspace) -> Catalog:
    """The catalog of a workspace, opened once per process; call `refresh()` before reading."""
    key = (os.getpid(), workspace.root, *workspace.places)
    catalog = _opened.get(key)
    if catalog is None:
        catalog = _opened[key] = Catalog(workspace)
    return catalog


def catalogs(workspace: Where = None, *, everywhere: bool = False) -> list[Catalog]:
    """Catalogs that are up to date: of a workspace, and with `everywhere` of all others that this user has recorded in.

    Args:
        workspace: a workspace or any folder in it; by default that of the current directory.
    """
    folder = None if workspace is None or isinstance(workspace, Workspace) else os.fspath(workspace)
    first = workspace if isinstance(workspace, Workspace) else Workspace.find(folder)
    others = [root for root in known_workspaces() if root != first.root] if everywhere else []
    found = [catalog_of(here) for here in (first, *map(Workspace, others))]
    for catalog in found:
        catalog.refresh()
    return found


_opened: dict[tuple[object, ...], Catalog] = {}
_OUR_FAULTS = (DataError, ProgrammingError, NotSupportedError)
_COUNT = select(func.count()).select_from(tables.runs)
_ROOT = select(tables.runs.c.workspace).limit(1)


def _places_for(workspace: Workspace) -> list[str | None]:
    """Where a catalog may lie, best first; in memory at last. A workspace without runs gets no file."""
    if not workspace.places:
        return [None]
    return [os.path.join(workspace.places[0], "catalog.sqlite"), f"{workspace.spill}.sqlite", None]


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:  # then the database cannot be opened either, and another place is taken
        return


def _identity(path: str | None) -> tuple[int, int] | None:
    """Which file lies at a path; None for none."""
    try:
        stat = None if path is None else os.stat(path)
    except OSError:
        return None
    return stat and (stat.st_dev, stat.st_ino)


def _dispose(engine: Engine, owner: int) -> None:
    """Close connections; in a forked process only forget them, for they are the parent's."""
    engine.dispose(close=os.getpid() == owner)


def _delete(path: str | None) -> bool:
    """Delete a database; whether that was done."""
    if path is None:
        return False
    try:
        for file in (f"{path}-journal", path):
            if os.path.exists(file):
                os.unlink(file)
    except OSError:
        return False
    return True
