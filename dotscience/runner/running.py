"""`ds run`: executes a command, keeps what it printed and what it cost, and sees to it that it has a record."""

from __future__ import annotations

import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..capture.redact import hide, redact_command
from ..catalog.block_stream import Found
from ..errors import UnwritableError
from ..recorder.notices import contained
from ..recorder.session import Session
from ..records.times import utc
from ..storage.handover import Handover
from ..storage.processes import identify, this_process
from ..storage.workspace import Workspace
from .command_run import CommandRun
from .execution import STREAMS, Execution, ExecutionFolder
from .held import HeldRuns
from .signals import Signals
from .streams import Stream
from .surroundings import CommandSurroundings, script_of

__all__ = ["execute", "prepare"]

_TICK = 1.0
"""Seconds between two looks for runs that the command has opened."""

_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the operating system counts the memory of a process that has ended."""


@dataclass(frozen=True)
class _Outcome:
    """How the command's process ended, in the words of `Execution`."""

    exit_code: int
    signal: str | None = None
    cpu_user: float | None = None
    cpu_system: float | None = None
    peak_memory: int | None = None


def prepare(execution: str, workspace: Workspace) -> ExecutionFolder:
    """Make the folder of an execution.

    Raises:
        UnwritableError: the workspace cannot be written.
    """
    place = workspace.prepare()
    folder = ExecutionFolder(os.path.join(place, "executions", execution))
    try:
        os.makedirs(folder.path, exist_ok=True)
    except OSError as error:
        raise UnwritableError(folder.path, error.strerror) from None
    return folder


def execute(
    command: Sequence[str],
    folder: ExecutionFolder,
    workspace: Workspace,
    *,
    environ: Mapping[str, str] = os.environ,
    began: Callable[[], None] | None = None,
) -> Execution:
    """Execute a command to its end and return what became of it; records are made on the way.

    Args:
        folder: as `prepare` made it.
        began: for a command that runs detached, called once it has started: nothing is passed through then, and the
            command reads nothing.

    Raises:
        OSError: the command, which is the error's `filename` then, is not there or cannot be executed; or the folder
            cannot be written.

    Example:
        >>> execute(["python", "train.py"], prepare(str(uuid.uuid4()), workspace), workspace).exit_code
        0
    """
    with closing(Handover()) as handover:
        running = _Running(command, folder, workspace, environ, began=began, handover=handover)
        return running.execute()


class _Running:
    def __init__(
        self,
        command: Sequence[str],
        folder: ExecutionFolder,
        workspace: Workspace,
        environ: Mapping[str, str],
        *,
        began: Callable[[], None] | None,
        handover: Handover,
    ) -> None:
        self._handover = handover
        self._command, self._folder, self._began = list(command), folder, began
        self._environ = {
            "PYTHONUNBUFFERED": "1",
            **environ,
            **handover.environ,
            "DOTSCIENCE_WORKLOAD_TYPE": "command",
            "DOTSCIENCE_EXECUTION": folder.id,
            "DOTSCIENCE_PROJECT_DOT_ROOT": workspace.root,
        }
        surroundings = partial(CommandSurroundings, command=self._command, script=script_of(command))
        self._session = Session(workspace.root, self._environ, lambda: surroundings)
        self._held = HeldRuns(self._session, folder.id)
        self._found: queue.SimpleQueue[tuple[Found, str] | None] = queue.SimpleQueue()

    def execute(self) -> Execution:
        with Signals() as signals:
            began, started = time.monotonic(), time.time()
            execution = Execution(
                self._folder.id,
                tuple(redact_command(self._command)),
                os.getcwd(),
                utc(started),
                host=platform.node(),
                process=this_process(),
            )
            self._folder.write_start(execution)
            self._run = self._stand_in(started)
            spawned = self._spawn()
            self._note_process(spawned.pid, execution)
            outcome, printed = self._attend(spawned, signals)
            ended, wall = utc(time.time()), round(time.monotonic() - began, 6)
            keys = self._handover.received()
            for key in keys.values():  # it may be among the command's words
                hide(key)
            runs = self._record(outcome, started)
            execution = replace(
                execution,
                command=tuple(redact_command(self._command)),
                ended=ended,
                wall=wall,
                runs=runs,
                process={},
                **printed,
                **vars(outcome),
            )
            with contained("writing what became of the command"):
                self._folder.write_end(execution)
                self._send_log(execution, keys)
            return execution

    def _send_log(self, execution: Execution, keys: Mapping[tuple[str, str | None], str]) -> None:
        """Send what was printed where runs of it went to a Hub; without any, nothing of the client is loaded."""
        places = self._session.workspace.places
        if any(
            os.path.exists(os.path.join(place, "runs", run, "hub.json"))
            for run in execution.runs
            for place in places
        ):
            from .logs import send_at_end

            send_at_end(self._folder, self._session.workspace, self._environ, keys=keys)

    def _stand_in(self, started: float) -> CommandRun:
        run = CommandRun(self._session, self._command, started)
        self._held.leave_out(run.id)
        return run

    def _spawn(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=None if self._began is None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError:
            self._run.drop()
            raise

    def _note_process(self, pid: int, execution: Execution) -> None:
        """Write down which process the command is: it goes on where this one is killed."""
        with contained("noting the command's process"):
            command = identify(pid)
            if command["born"] is not None:  # without that there is no telling afterwards
                self._run.stand_for(command)
                self._folder.write_start(replace(execution, command_process=command))

    def _attend(self, process: subprocess.Popen[bytes], signals: Signals) -> tuple[_Outcome, dict[str, Any]]:
        """Be there while the command is at work; what became of it, and of what it printed."""
        signals.pass_to(process.pid)
        if self._began is not None:
            self._began()
        watcher = threading.Thread(target=self._watch, name="dotscience-watch", daemon=True)
        watcher.start()
        streams = {name: self._stream(name, process) for name in STREAMS}
        outcome = _wait(process)
        signals.let_go()
        printed = {name: stream.finish() for name, stream in streams.items()}
        self._found.put(None)
        watcher.join()
        return outcome, printed

    def _stream(self, name: str, process: subprocess.Popen[bytes]) -> Stream:
        pipe = process.stdout if name == "stdout" else process.stderr
        assert pipe is not None
        through = STREAMS.index(name) + 1 if self._began is None else None
        source = os.dup(pipe.fileno())
        pipe.close()
        return Stream(
            source, through, self._folder.stream_path(name), lambda found: self._found.put((found, name))
        )

    def _watch(self) -> None:
        """On a thread: take run blocks as they come, and notice when the command opens a run itself."""
        while True:
            with contained("looking for the command's runs"):
                try:
                    found = self._found.get(timeout=_TICK)
                except queue.Empty:
                    if self._run.is_open and self._held.folders():
                        self._run.drop()
                    continue
                if found is None:
                    return
                self._held.take_block(*found)

    def _record(self, outcome: _Outcome, started: float) -> tuple[str, ...]:
        """See to it that there is a record, and name the runs that the execution held."""
        with contained("recording what became of the command"):
            held = self._held.folders()
            if any(folder.is_published() for folder in held) or self._held.publish_left_behind(
                _error(outcome)
            ):
                self._run.drop()
            else:
                if not self._run.is_open:
                    self._run = self._stand_in(started)
                self._run.publish(_error(outcome), outcome.signal is not None)
                return (*sorted(folder.id for folder in held), self._run.id)
            return tuple(sorted(folder.id for folder in held))
        return ()


def _error(outcome: _Outcome) -> str | None:
    if outcome.signal is not None:
        return f"the command was ended by {outcome.signal}"
    return f"the command ended with exit code {outcome.exit_code}" if outcome.exit_code else None


def _wait(process: subprocess.Popen[bytes]) -> _Outcome:
    """Wait for the process, and add up what it and its children used."""
    if not hasattr(os, "wait4"):
        return _Outcome(process.wait())
    # Until it executes its program, a process counts the memory of the one that forked it: below that there is no telling.
    hidden = _own_peak()
    _, status, used = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    return _Outcome(
        exit_code=code if code >= 0 else 128 - code,
        signal=_name(-code) if code < 0 else None,
        cpu_user=round(used.ru_utime, 6),
        cpu_system=round(used.ru_stime, 6),
        peak_memory=used.ru_maxrss * _MEMORY_UNIT if used.ru_maxrss > hidden else None,
    )


def _own_peak() -> int:
    """The most memory that this process has used, in the unit of `ru_maxrss`.

    Where the kernel tells it of the program that runs now (proc(5), in KiB), that is taken: `getrusage` counts what the process
    was before it executed that program, too.
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
            return next(int(line.split()[1]) for line in stream if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        from resource import RUSAGE_SELF, getrusage

        return getrusage(RUSAGE_SELF).ru_maxrss


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
