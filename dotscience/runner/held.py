"""The runs that an execution holds: those that its processes opened, and those of the run blocks it printed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..catalog.block_stream import Found
from ..catalog.collect import Collected, Source, only_named, take_block
from ..errors import CorruptError, NotFoundError, StateError
from ..recorder.files import expand
from ..recorder.notices import contained, notice
from ..recorder.publishing import publish_left_behind
from ..recorder.reading import FileReader
from ..recorder.session import Session
from ..records.files import FileVersion
from ..storage.runs import RunFolder

__all__ = ["HeldRuns", "process_of"]

_TRUST = 2_000_000_000
"""Nanoseconds after which a change of a folder surely shows in its time."""


class HeldRuns:
    """Finds the runs of one execution by the id that they carry.

    Args:
        execution: id of the execution, which has not started yet.
    """

    def __init__(self, session: Session, execution: str) -> None:
        self._session, self._execution = session, execution
        self._verdicts = {folder.path: False for folder in session.workspace.run_folders()}
        self._last_look: list[int] = []

    def leave_out(self, run: str) -> None:
        """Take no notice of a run: the one that stands for the command itself."""
        for place in self._session.workspace.places:
            self._verdicts[os.path.join(place, "runs", run)] = False

    def has_any(self) -> bool:
        """Whether there is one, as far as is seen without reading run folders in which nothing has happened."""
        times = [_time(os.path.join(place, "runs")) for place in self._session.workspace.places]
        is_settled = all(time.time_ns() - moment > _TRUST for moment in times)
        if times == self._last_look and is_settled:
            return False
        self._last_look = times if is_settled else []
        return bool(self.folders())

    def folders(self) -> list[RunFolder]:
        """The run folders that are there now and belong to the execution."""
        held = []
        for folder in self._session.workspace.run_folders():
            if folder.path not in self._verdicts:
                verdict = self._judge(folder)
                if verdict is None:
                    continue
                self._verdicts[folder.path] = verdict
            if self._verdicts[folder.path]:
                held.append(folder)
        return held

    def take_block(self, found: Found, stream: str) -> Collected:
        """Make a record of a block that the command printed, unless its process has written one.

        Its files are read now, so they are those of the run where nothing has touched them since.
        """
        source = Source(f"what the command printed ({stream})", execution=self._execution)
        reader = self._session.new_run(
            lambda: 0.0, None, None
        ).reader  # one for all, which minds what a run may keep
        assert reader is not None
        return take_block(found, source, self._session.workspace, look=partial(self._look, reader))

    def publish_left_behind(self, failure: str | None) -> list[RunFolder]:
        """Publish the runs that the command left without a record; those still at work are left alone.

        Args:
            failure: how the command failed, which a run that ended without an exception does not know.
        """
        published = []
        for folder in self.folders():
            if folder.is_published():
                continue
            with contained(f"publishing the run {folder.id}"):
                try:
                    publish_left_behind(
                        self._session.workspace, folder, self._session.settings, failure=failure
                    )
                    published.append(folder)
                except StateError:
                    notice(f"run {folder.id} goes on although the command has ended.")
        return published

    def _judge(self, folder: RunFolder) -> bool | None:
        """Whether a run belongs to the execution; None while its folder does not tell."""
        try:
            return process_of(folder).get("execution") == self._execution
        except (NotFoundError, ValueError):
            return None
        except (CorruptError, OSError):
            return False

    def _look(self, reader: FileReader, path: str, role: str, moment: float | None) -> FileVersion:
        named = only_named(path, role, moment)
        if named.unseen == "reference" or moment is None:
            return named
        located = expand(path, self._session.workspace.root)
        if len(located) != 1 or located[0].stat is None:
            return named
        (file,) = located
        assert file.stat is not None
        if max(file.stat.st_mtime_ns, file.stat.st_ctime_ns) > moment * 1e9:
            # An input may have been made between the run's start and its reading; an output not after the end.
            return named if role == "input" else named._replace(unseen="replaced")
        return reader.version(
            file, self._session.setting("keep_outputs" if role == "output" else "keep_inputs")
        )


def _time(folder: str) -> int:
    """Modification time in nanoseconds; 0 where there is no such folder."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def process_of(folder: RunFolder) -> Mapping[str, Any]:
    """What a run says of its process, read from the beginning of its journal or from its record.

    Raises:
        NotFoundError: there is neither yet; ValueError: the journal has no whole first line yet.
    """
    try:
        with open(folder.journal_path, "rb") as journal:
            header = json.loads(journal.readline())
    except FileNotFoundError:
        return folder.read_record().process
    process = header.get("process") if isinstance(header, dict) else None
    return process if isinstance(process, dict) else {}
