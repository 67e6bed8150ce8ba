"""The run that stands for a command: it is there from the start, and goes away when the command opens one itself."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence

from ..capture.redact import redact_command
from ..recorder.mode import Chosen
from ..recorder.notices import contained
from ..recorder.recording import Recording
from ..recorder.session import Session
from ..records.values import Json
from ..storage.runs import RunFolder
from .surroundings import script_of

__all__ = ["CommandRun"]


class _CommandRecording(Recording):
    def choose(self, chosen: Chosen) -> None:
        """Take the command's script, and none where it names none: the script of this process is `ds` itself."""
        self._run.set_mode(chosen.mode, chosen.workload_file)


class CommandRun:
    """A run of its own for a command, with a journal while the command is at work.

    Args:
        started: when the command was started, in seconds since the Unix epoch.
    """

    def __init__(self, session: Session, command: Sequence[str], started: float) -> None:
        self._session, self._chosen = session, Chosen("script", True, script_of(command))
        self._run = session.new_run(time.time, None, None)
        self._run.start()
        self._run.state.started = started
        self._run.set_text("description", shlex.join(redact_command(command)))
        self._recording: Recording | None = _CommandRecording(self._run, session, self._chosen, None)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run.id

    @property
    def is_open(self) -> bool:
        """Whether it still stands for the command."""
        return self._recording is not None

    def stand_for(self, command: Mapping[str, Json]) -> None:
        """Note the command's process: while that lives the run goes on, whatever becomes of this process."""
        self._run.note_command(command)

    def drop(self) -> None:
        """Take it away: the command has opened a run itself."""
        recording, self._recording = self._recording, None
        if recording is not None and self._session.place is not None:
            recording.leave("unpublished")
            folder = RunFolder(os.path.join(self._session.place, "runs", self._run.id))
            with contained("removing the run that stood for the command"):
                folder.discard()
                self._session.workspace.touch(folder)

    def publish(self, error: str | None, is_killed: bool) -> None:
        """Make its record: what became of the command decides what becomes of the run."""
        recording, self._recording = self._recording, None
        if recording is None:
            return
        self._run.set_end()
        if error is not None:
            self._run.set_text("error", error)
        if is_killed:
            self._run.state.status = "killed"
        recording.publish(self._chosen)
