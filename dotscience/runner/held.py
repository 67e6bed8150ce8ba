"""The runs that an execution holds: those that its processes opened, and those of the run blocks it printed."""

from __future__ import annotations

from functools import partial

from ..catalog.block_stream import Found
from ..catalog.collect import Collected, Source, only_named, take_block
from ..errors import StateError
from ..recorder.files import expand
from ..recorder.notices import contained, notice
from ..recorder.publishing import publish_left_behind
from ..recorder.reading import FileReader
from ..recorder.session import Session
from ..records.files import FileVersion
from ..storage.runs import RunFolder

__all__ = ["HeldRuns"]


class HeldRuns:
    """Finds the runs of one execution by what they note in its folder.

    Args:
        execution: id of the execution.
    """

    def __init__(self, session: Session, execution: str) -> None:
        self._session, self._execution = session, execution
        self._left_out: set[str] = set()

    def leave_out(self, run: str) -> None:
        """Take no notice of a run: the one that stands for the command itself."""
        self._left_out.add(run)

    def folders(self) -> list[RunFolder]:
        """The run folders that are there now and belong to the execution."""
        held = self._session.workspace.held_by(self._execution) or []
        return [folder for folder in held if folder.id not in self._left_out]

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
