"""Everything that is known of one run, whether it is published or not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ..errors import NotFoundError
from ..records.files import FileVersion
from ..records.record import Record
from ..records.state import RunState
from ..records.values import Json
from ..storage.points import read_frames
from ..storage.runs import RunFolder
from ..storage.series import pack_series
from ..storage.workspace import Workspace
from .annotate import tags_of
from .find import find_run
from .parts import code_files

__all__ = ["RunView", "as_record", "cells_of", "record_of", "view"]

_NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class RunView:
    """One run with what stands beside its record.

    Attributes:
        record: its record; of a run that is not published, what its journal says in the form of one.
        tags, notes: as they stand now; notes are annotations, oldest first.
        made_from, used_by: ids of the runs that made what it read, and of those that read what it made.
        cure: what to do about a run that is not published, or "".
    """

    record: Record
    is_published: bool
    folder: str
    workspace: str
    tags: tuple[str, ...]
    notes: tuple[Mapping[str, Any], ...]
    made_from: tuple[str, ...]
    used_by: tuple[str, ...]
    cure: str

    @property
    def code(self) -> list[FileVersion]:
        """The files of its code."""
        return code_files(self.record)

    @property
    def cells(self) -> list[int]:
        """The numbers of the notebook cells that ran in it, in the order they ran."""
        return cells_of(self.record)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values: the record's own fields, and those that stand beside it."""
        fields = self.record.to_json()
        if not self.is_published:
            del fields["published"], fields["record"]
        return {
            **fields,
            "folder": self.folder,
            "root": self.workspace,
            "is_published": self.is_published,
            "tags": list(self.tags),
            "notes": [dict(note) for note in self.notes],
            "made_from": list(self.made_from),
            "used_by": list(self.used_by),
        }


def view(ref: str, workspace: Workspace) -> RunView:
    """The run that is meant, in this workspace or, where this one has none, in any other of this user's.

    Raises:
        NotFoundError, AmbiguousError: no run, or several runs, are meant.
        CorruptError: what is recorded of it cannot be read.
    """
    home, folder = find_run(ref, workspace, everywhere=True)
    is_published = folder.is_published()
    record = record_of(folder)
    if not is_published:
        record = _with_series(record, folder)
    made_from, used_by = _neighbours(folder.id, home)
    return RunView(
        record,
        is_published,
        folder.path,
        home.root,
        tags_of(folder),
        tuple(said for said in folder.annotations() if isinstance(said.get("note"), str)),
        made_from,
        used_by,
        "" if is_published else _cure(record),
    )


def record_of(folder: RunFolder) -> Record:
    """A run's record; of a run that is not published, what its journal says in the form of one.

    Raises:
        NotFoundError: there is neither.
        CorruptError: it cannot be read.
    """
    try:
        return folder.read_record()
    except NotFoundError:
        if not os.path.exists(folder.journal_path):
            raise
    return as_record(folder.state())


def cells_of(record: Record) -> list[int]:
    """The numbers (`In[n]`) of the notebook cells that ran in a run, in the order they ran."""
    cells = record.code.get("cells")
    ran = [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    return [cell["count"] for cell in ran if cell.get("in_run", True) and isinstance(cell.get("count"), int)]


def as_record(state: RunState) -> Record:
    """What is known of a run that is not published, in the form of a record."""
    around = state.surroundings
    process = {
        name: fact for name, fact in state.process.items() if name not in ("born", "boot", "namespace")
    }
    if state.traceback is not None:
        process["traceback"] = state.traceback
    return state.record(
        state.status,
        _NEVER,
        inputs=tuple(sorted(state.inputs.values(), key=_place)),
        outputs=tuple(FileVersion(path) for path in state.outputs),
        process=process,
        code=around.get("code", {}),
        git=around.get("git", {}),
        environment=around.get("environment", {}),
        notices=(*around.get("notices", ()), *state.problems),
    )


def _place(version: FileVersion) -> tuple[str, str, int, int]:
    return version.path, version.digest or "", version.size or 0, version.mtime or 0


def _with_series(record: Record, folder: RunFolder) -> Record:
    """With what the points that are written so far come to, as a published run's record says it."""
    problems: list[str] = []
    try:
        with open(folder.points_path, "rb") as stream:
            names = pack_series(read_frames(stream, folder.points_path, problems), lambda data: None)
    except FileNotFoundError:  # nothing was logged
        return record
    return replace(
        record,
        series={"names": names} if names else {},
        notices=(*record.notices, *problems),
    )


def _neighbours(run: str, workspace: Workspace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from .catalog import catalogs
    from .neighbours import neighbours

    return neighbours(run, catalogs(workspace, everywhere=True))


def _cure(record: Record) -> str:
    if record.status == "running":
        return "It is still in progress."
    return f"It has no record yet: `ds publish {record.id[:8]}` makes one, `ds discard {record.id[:8]}` drops it."
