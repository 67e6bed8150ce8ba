"""The folder of one run: its journal while it is in progress, its record once it is published."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..errors import NotFoundError
from ..records.record import Record
from ..records.state import RunState
from ..records.values import stored
from .journal import read_journal
from .points import read_last
from .processes import is_alive
from .whole import write_whole

__all__ = ["RunFolder"]


class RunFolder:
    """`runs/<id>/` of a workspace.

    Attributes:
        path: the folder; `id`: its run.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.id = os.path.basename(path)

    def __repr__(self) -> str:
        return f"RunFolder({self.path!r})"

    @property
    def record_path(self) -> str:
        return os.path.join(self.path, "record.json")

    @property
    def journal_path(self) -> str:
        return os.path.join(self.path, "journal.jsonl")

    @property
    def points_path(self) -> str:
        return os.path.join(self.path, "points.bin")

    def is_published(self) -> bool:
        """Whether the run has a record."""
        return os.path.exists(self.record_path)

    def is_there(self) -> bool:
        """Whether there is such a run, in progress or published."""
        return os.path.exists(self.journal_path) or self.is_published()

    def read_record(self) -> Record:
        """The record.

        Raises:
            NotFoundError: the run is not published.
            CorruptError: the record cannot be read or was altered.
        """
        try:
            with open(self.record_path, "rb") as stream:
                return Record.from_bytes(stream.read(), self.record_path)
        except FileNotFoundError:
            raise NotFoundError(
                f"Run {self.id} is not published: it has no record yet. `ds publish {self.id}` makes one."
            ) from None

    def state(self) -> RunState:
        """What the journal of a run that is not published says, and what became of its process.

        Raises:
            NotFoundError: there is no journal.
            CorruptError: the journal has no usable header.
        """
        try:
            journal = read_journal(self.journal_path)
        except FileNotFoundError:
            raise NotFoundError(f"Run {self.id} has no journal in {self.path}.") from None
        state = RunState.replay({"id": self.id, **journal.header}, journal.events)
        state.problems.extend(str(problem) for problem in journal.problems)
        try:
            with open(self.points_path, "rb") as stream:
                state.logged = {name: stored(value) for name, value in read_last(stream).items()}
        except FileNotFoundError:  # nothing was logged
            pass
        if state.status == "running" and not is_alive(state.process, journal.last_beat):
            if state.command and is_alive(state.command, journal.last_beat):  # only its `ds run` was killed
                state.process = {**state.process, **state.command}
            else:
                state.status = "killed"
        return state

    def write_record(self, record: Record, release: Callable[[], object] = lambda: None) -> None:
        """Publish: write the record whole, then drop the journal, which it replaces.

        A journal that cannot be dropped does no harm: the record counts.

        Args:
            release: called when the record is there, for whoever has the journal open to let go of it.

        Raises:
            OSError: it could not be written; the journal is still there.
        """
        os.makedirs(self.path, exist_ok=True)  # somebody may have cleaned up under a run in progress
        write_whole(self.record_path, record.to_bytes())
        for step in (
            release,
            partial(os.unlink, self.journal_path),
            partial(os.unlink, self.points_path),
        ):
            try:
                step()
            except OSError:  # not there, or of a file system that takes no more
                continue

    def annotate(self, annotation_id: str, annotation: Mapping[str, Any]) -> None:
        """Put a tag or a note beside the record; docs/formats.md says what it holds.

        Raises:
            OSError: it could not be written.
        """
        folder = os.path.join(self.path, "annotations")
        os.makedirs(folder, exist_ok=True)
        write_whole(os.path.join(folder, f"{annotation_id}.json"), json.dumps(annotation).encode("ascii"))
        os.utime(self.path)

    def annotations(self) -> list[dict[str, Any]]:
        """The readable tags and notes, oldest first."""
        folder = os.path.join(self.path, "annotations")
        found = []
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return []
        for name in names:
            if name.endswith(".json"):
                with open(os.path.join(folder, name), "rb") as stream:
                    try:
                        annotation = json.loads(stream.read())
                    except (ValueError, RecursionError):
                        continue
                if isinstance(annotation, dict) and isinstance(annotation.get("at"), str):
                    found.append(annotation)
        return sorted(found, key=lambda annotation: annotation["at"])

    def discard(self) -> None:
        """Remove the run for good."""
        shutil.rmtree(self.path)
