"""One run on its way to disk: journal while it is open, record when it is published."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from ..records.destination import Destination
from ..records.surroundings import PATIENCE, Moment
from ..records.values import Json, stored
from ..storage.processes import this_process
from ..storage.script import running_script
from .exceptions import described, ended_the_script, with_traceback
from .mode import Chosen, kernel
from .notices import contained, notice
from .published import Published
from .publishing import assemble, changed_inputs, locate_outputs, pack_points
from .run import EARLIEST, LATEST, Run
from .session import Session
from .writer import JournalWriter

__all__ = ["Recording"]

_RANKS = {
    "rank": ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"),
    "local_rank": ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "world_size": ("WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"),
}
_GROUPS = ("TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "PMIX_NAMESPACE", "MASTER_ADDR")

_AT_EXIT = 1.0
"""Seconds that the end of a process waits at most for what is still being gathered around its run."""

_CLOCK_SLACK = 2.0
"""Seconds by which the wall clock may differ from the time that passed before the record says so."""


class Recording:
    """An open run, its journal and what surrounds it.

    Args:
        session: what it shares with the other runs of its recorder.
        chosen: the mode, as far as it is known now.
        parent: id of the run that was open in the process that forked this one.
        is_late: the process is ending, and nobody will say of the run that it was left.
    """

    def __init__(
        self, run: Run, session: Session, chosen: Chosen, parent: str | None, *, is_late: bool = False
    ) -> None:
        self._run, self._points, self.session = run, run.points, session
        self._process = {**this_process(), **_ranks(session.environ)}
        if parent is not None:
            self._process["parent"] = parent
        execution = session.environ.get("DOTSCIENCE_EXECUTION")
        if execution:
            self._process["execution"] = execution
            with contained("noting the run beside the execution that it is part of"):
                # Before there is a journal that could be missed.
                session.workspace.note_held(execution, run.id)
        self._script = running_script()
        self._hub: Destination | None = None
        self._writer = self._open_journal(is_late)
        session.cache.refresh()
        self.choose(chosen)
        self._surroundings = session.new_surroundings()
        if self._surroundings is not None:
            with contained("recording the environment"):
                self._surroundings.begin(self._moment(chosen))

    def _open_journal(self, is_late: bool) -> JournalWriter | None:
        run, place = self._run, self.session.place
        if place is None:
            return None
        header = {"id": run.id, "root": run.state.root, "process": self._process}
        try:
            writer = JournalWriter(os.path.join(place, "runs", run.id), header, run.points, at_once=is_late)
        except OSError as error:
            notice(
                f"cannot write to {place} ({error}). Your program goes on; the run is kept in memory until publish."
            )
            return None
        run.attach(writer.tell)
        if is_late:
            writer.tell(("closed", "unpublished"))  # a record, if there will be one, overrules it
        writer.flush()
        return writer

    def choose(self, chosen: Chosen) -> None:
        """Note the mode, as chosen or as guessed."""
        file = (chosen.workload_file or self._script) if chosen.is_script else None
        self._run.set_mode(chosen.mode, file)

    def send_to(self, hub: Destination) -> None:
        """Let the run go to a Hub once it is published, and its journal while it is open."""
        self._hub = hub
        if self._writer is not None:
            with contained("preparing to send the run"):
                hub.begin(self._writer.folder.path)

    def send(self) -> str | None:
        """Send the run, if it goes to a Hub and its record could be written. The address of its page there."""
        with contained("sending the run"):
            if self._hub is not None and self._writer is not None and self._writer.folder.is_published():
                return self._hub.published(self._writer.folder.path)
        return None

    def note_exception(self, error: BaseException) -> None:
        """Note that the work ended in an exception."""
        if self._run.state.error is None:
            self._run.set_text("error", self._redacted(described(error)))
        self._run.set_text("traceback", self._redacted(with_traceback(error)))

    def publish(self, chosen: Chosen) -> Published:
        """Write the record; where that cannot be, keep the journal, say so and return the record unsaved."""
        try:
            return self._publish(chosen)
        except Exception as error:
            self._give_up(error)
            return Published(self._run.outline(()), None)
        except BaseException:
            self.leave("unpublished")
            raise

    def _publish(self, chosen: Chosen) -> Published:
        run, session = self._run, self.session
        self.choose(chosen)
        assert run.reader is not None
        run.reader.finish_inputs()
        run.close()  # before the outputs are looked for: what another thread says from here on is refused in words
        outputs = run.reader.read_all(
            locate_outputs(run.state), session.place is not None and session.setting("keep_outputs")
        )
        if self._writer is not None:
            self._writer.flush()
        record = assemble(
            run.state,
            inputs=changed_inputs(run.state, run.located, run.reader),
            outputs=outputs,
            series=self._pack_series(),
            facts=self._facts(chosen),
            process=self._process,
            published=run.now(),
            notices=self._notices(),
        )
        return Published(record, self._save(record))

    def _save(self, record: Any) -> str | None:
        if self._writer is None:
            return None
        try:
            self._writer.folder.write_record(record, self._writer.drop)
        except OSError as error:
            self._give_up(error)
            return None
        with contained("remembering digests"):
            self.session.cache.save()
        return self._writer.folder.path

    def _give_up(self, error: Exception) -> None:
        self.leave("unpublished")
        where = "" if self._writer is None else f" What was recorded is in {self._writer.folder.path}."
        notice(
            f"cannot publish run {self._run.id}, your program goes on: {type(error).__name__}: {error}.{where} "
            f"Cure that and run `ds publish {self._run.id}`."
        )

    def _pack_series(self) -> Mapping[str, Json]:
        """Raises OSError where points that are not in the record yet would be lost by writing it."""
        points, writer = self._points, self._writer
        if not points.count:
            return {}
        if writer is None:
            lost = f"The points of {points.count} calls of ds.log() could not be written; only the last values are known."
            names = {name: {"last": stored(value)} for name, value in points.last_values().items()}
            return {"names": names, "problems": [lost]}
        if not writer.has_points():  # events may wait: the record holds what they say
            raise OSError(f"points wait in memory, because {writer.folder.path} takes no more")
        return pack_points(writer.folder.points_path, self.session.blobs) or {
            "problems": [f"The points of {points.count} calls of ds.log() were deleted during the run."]
        }

    def _facts(self, chosen: Chosen, patience: float = PATIENCE) -> Mapping[str, Any]:
        with contained("recording the environment"):
            if self._surroundings is not None:
                return self._surroundings.finish(self._moment(chosen), patience)
        return {}

    def _moment(self, chosen: Chosen) -> Moment:
        return Moment(
            self._run.state.root,
            self.session.keep,
            chosen.mode,
            chosen.workload_file,
            self._run.note_surroundings,
        )

    def _notices(self) -> list[str]:
        said = []
        run, now = self._run, self._run.now()
        passed, on_the_clock = time.monotonic() - run.began, now - (run.state.started or now)
        if abs(passed - on_the_clock) > _CLOCK_SLACK:
            said.append(
                f"The clock was moved, or the machine slept: it shows {on_the_clock:.1f} s between start and publish, "
                f"while {passed:.1f} s passed."
            )
        if now in (EARLIEST, LATEST):
            said.append(
                "The clock shows a year that no record can hold, so its times are not what was shown."
            )
        if self._writer is not None and self._writer.dropped:
            said.append(f"{self._writer.dropped} bytes of points were lost, because the disk took no more.")
        return said

    # Ends without a record

    def leave(self, status: str) -> None:
        """Leave the run behind without a record."""
        self._run.close()
        if self._writer is not None:
            with contained("closing the journal"):
                self._writer.close(("closed", status))
            if self._hub is not None:
                with contained("sending the journal"):
                    self._hub.left(self._writer.folder.path)

    def leave_at_exit(self, chosen: Chosen) -> None:
        """The process ends: by an uncaught exception of the script, after a cell that raised, or as it should."""
        if facts := self._facts(chosen, _AT_EXIT):
            self._run.note_surroundings(facts)
        error = self._failure(chosen)
        if error is None:
            self.leave("unpublished")
        else:
            self.note_exception(error)
            self.leave("crashed")

    def _failure(self, chosen: Chosen) -> BaseException | None:
        if chosen.is_script and kernel() is None:
            # A worker of `multiprocessing` comes here while the exception that ends it is on its way out (before
            # Python 3.13).
            error = ended_the_script() or sys.exc_info()[1]
            return None if isinstance(error, SystemExit) else error
        with contained("looking at the last cell"):
            if self._surroundings is not None:
                return self._surroundings.failure()
        return None

    def abandon(self) -> None:
        """Forget the run without writing: it belongs to the parent of this process."""
        self._run.leave_to_parent()
        if self._writer is not None:
            self._writer.abandon()

    def _redacted(self, text: str) -> str:
        return text if self._surroundings is None else self._surroundings.redact(text)


def _ranks(environ: Mapping[str, str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, variables in _RANKS.items():
        value = next(
            (environ[variable] for variable in variables if _is_number(environ.get(variable, ""))), None
        )
        if value is not None:
            found[name] = int(value)
    if "rank" in found:
        group = next((environ[variable] for variable in _GROUPS if environ.get(variable)), None)
        if group == environ.get("MASTER_ADDR") and environ.get("MASTER_PORT"):
            group = f"{group}:{environ['MASTER_PORT']}"
        if group is not None:
            found["group"] = group
    return found


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()
