"""The execution: what `ds run` executed, what became of it, and which runs it held.

`executions/<id>/started.json` is written before the command starts, and replaced by `execution.json` when it has
ended. An execution that has only the first is in progress, or its runner was killed. docs/formats.md lists the fields.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import AmbiguousError, CorruptError, NotFoundError
from ..records.times import iso, parse_iso
from ..records.values import Json
from ..storage.processes import is_alive
from ..storage.whole import write_whole
from ..storage.workspace import Workspace

__all__ = ["STREAMS", "Execution", "ExecutionFolder", "execution_folders", "find_execution"]

EXECUTION_VERSION = 1
STREAMS = ("stdout", "stderr")


@dataclass(frozen=True)
class Execution:
    """One command that was executed. Everything that is only known at its end is None until then.

    Attributes:
        command: its words, secrets redacted; `directory`: where it was started.
        exit_code: as a shell gives it: 128 + n when the command was ended by signal n; `signal` is its name then.
        wall, cpu_user, cpu_system: seconds, the CPU's summed over all processes that the command waited for.
        peak_memory: bytes that its largest single process held in memory at once; None also where that was no more
            than the runner's own, behind which it cannot be seen.
        runs: ids of the runs that it held.
        stdout, stderr: `{"sha256", "size"}` of what it printed, absent where that could not be kept.
        process, command_process: of the runner and of the command, until that has ended.
    """

    id: str
    command: tuple[str, ...]
    directory: str
    started: datetime
    ended: datetime | None = None
    exit_code: int | None = None
    signal: str | None = None
    wall: float | None = None
    cpu_user: float | None = None
    cpu_system: float | None = None
    peak_memory: int | None = None
    runs: tuple[str, ...] = ()
    stdout: Mapping[str, Json] | None = None
    stderr: Mapping[str, Json] | None = None
    host: str | None = None
    process: Mapping[str, Json] = field(default_factory=dict)
    command_process: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """The document: fields that say nothing are left out."""
        wire: dict[str, Json] = {"execution": EXECUTION_VERSION, **vars(self)}
        wire["command"], wire["runs"] = list(self.command), list(self.runs)
        wire["started"] = iso(self.started)
        wire["ended"] = None if self.ended is None else iso(self.ended)
        return {name: value for name, value in wire.items() if value is not None and value != {}}

    @classmethod
    def from_json(cls, wire: Any, source: str = "execution") -> Execution:
        """Inverse of `to_json`.

        Raises:
            CorruptError: names the field that is wrong.
        """
        if not isinstance(wire, dict) or wire.get("execution") != EXECUTION_VERSION:
            raise CorruptError(source, "execution", "is no execution document of a version known here")
        known = {name: wire[name] for name in cls.__dataclass_fields__ if name in wire}
        for name, read in _READ.items():
            if name in known:
                try:
                    known[name] = read(known[name])
                except (TypeError, ValueError, AttributeError) as error:
                    raise CorruptError(source, name, str(error)) from None
        try:
            return cls(**known)
        except TypeError as error:
            raise CorruptError(source, "", str(error).replace("Execution.__init__() ", "")) from None


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError("must be a list of texts")
    return tuple(value)


def _of_kind(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) not in kinds:
            raise TypeError(f"{value!r:.80} is no {kinds[0].__name__}")
        return value

    return read


_text, _whole, _number, _object = _of_kind(str), _of_kind(int), _of_kind(float, int), _of_kind(dict)
_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("id", "directory", "signal", "host"), _text),
    **dict.fromkeys(("command", "runs"), _texts),
    **dict.fromkeys(("started", "ended"), parse_iso),
    **dict.fromkeys(("exit_code", "peak_memory"), _whole),
    **dict.fromkeys(("wall", "cpu_user", "cpu_system"), _number),
    **dict.fromkeys((*STREAMS, "process", "command_process"), _object),
}
"""What each field must be; those that are not known yet are absent."""


class ExecutionFolder:
    """`executions/<id>/` of a workspace.

    Attributes:
        path: the folder; `id`: its execution.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.id = os.path.basename(path)

    @property
    def document_path(self) -> str:
        return os.path.join(self.path, "execution.json")

    @property
    def start_path(self) -> str:
        return os.path.join(self.path, "started.json")

    def stream_path(self, name: str) -> str:
        """Where what the command printed is kept; `name` is one of `STREAMS`."""
        return os.path.join(self.path, f"{name}.log")

    def write_start(self, execution: Execution) -> None:
        """Say that the command is about to start, or has started.

        Raises:
            OSError: it could not be written.
        """
        os.makedirs(self.path, exist_ok=True)
        write_whole(self.start_path, _document(execution))

    def write_end(self, execution: Execution) -> None:
        """Say what became of the command.

        Raises:
            OSError: it could not be written; what was said at the start remains.
        """
        write_whole(self.document_path, _document(execution))
        try:
            os.unlink(self.start_path)
        except FileNotFoundError:
            return

    def read(self) -> tuple[Execution, str]:
        """The execution, and whether it has `ended`, is `running`, or its runner was `killed`.

        A command that goes on without its runner is running: then nobody keeps what it prints, and how it ends stays unknown.

        Raises:
            NotFoundError: the folder holds no document.
            CorruptError: the document cannot be read.
        """
        for path in (self.document_path, self.start_path, self.document_path):  # it may end between two looks
            try:
                with open(path, "rb") as stream:
                    raw, written = stream.read(), os.fstat(stream.fileno()).st_mtime
            except (FileNotFoundError, NotADirectoryError):
                continue
            try:
                execution = Execution.from_json(json.loads(raw), path)
            except (ValueError, RecursionError) as error:
                raise CorruptError(path, "", f"not JSON ({error})") from None
            if execution.ended is not None:
                return execution, "ended"
            processes = [of for of in (execution.process, execution.command_process) if of]
            is_running = any(is_alive(of, written) for of in processes)
            return execution, "running" if is_running else "killed"
        raise NotFoundError(f"Execution {self.id} has no document in {self.path}.")


def _document(execution: Execution) -> bytes:
    return json.dumps(execution.to_json(), indent=2, sort_keys=True).encode("ascii") + b"\n"


def execution_folders(workspace: Workspace) -> Iterator[ExecutionFolder]:
    """Every execution of the workspace, in no particular order."""
    for place in workspace.places:
        try:
            names = os.listdir(os.path.join(place, "executions"))
        except FileNotFoundError:
            continue
        yield from (ExecutionFolder(os.path.join(place, "executions", name)) for name in names)


def find_execution(ref: str, workspace: Workspace) -> ExecutionFolder:
    """The execution of that id, or of that unique prefix of an id.

    Raises:
        NotFoundError, AmbiguousError: no execution, or several executions, have that id.
    """
    found = [folder for folder in execution_folders(workspace) if ref and folder.id.startswith(ref)]
    if len(found) > 1:
        ids = ", ".join(sorted(folder.id for folder in found)[:5])
        raise AmbiguousError(f"{ref!r} fits {len(found)} executions ({ids}). Give more characters of the id.")
    if not found:
        raise NotFoundError(f"No execution {ref!r} in {workspace.root}.")
    return found[0]
