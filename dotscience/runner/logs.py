"""What executions printed and cost, to the Hubs that their runs went to: at the end of `ds run`, and by `ds sync`.

`hub.json` in an execution's folder says what became of it in each project: docs/formats.md lists its fields. What has ended
never changes, so that is once for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, BinaryIO

from ..catalog.parts import Part
from ..client.api import Place
from ..client.outbox import REFUSED, SENT, WAITING, Shipment, read_shipment
from ..client.sync import Senders
from ..errors import (
    AccessError,
    ArgumentError,
    CorruptError,
    DotscienceError,
    HubRefusedError,
    HubUnreachableError,
    NotFoundError,
)
from ..recorder.notices import contained, notice
from ..records.destination import AT_EXIT
from ..records.times import iso, utc
from ..storage.blobs import BLOCK
from ..storage.runs import RunFolder
from ..storage.whole import write_whole
from ..storage.workspace import Workspace
from .execution import STREAMS, Execution, ExecutionFolder, execution_folders

__all__ = ["NEEDLESS", "LogOutcome", "Unsent", "send_at_end", "send_logs", "unsent", "unsent_of_runs"]

NEEDLESS = "needless"
"""The state of a log whose runs were deleted on the Hub."""


@dataclass(frozen=True)
class LogOutcome:
    """What became of the log of one execution, in one project.

    Attributes:
        outcome: `sent`, `refused`, `waiting` or `needless`.
        project: the project's name.
        reason: why it is not there.
        root: of its workspace.
    """

    execution: str
    outcome: str
    project: str
    reason: str | None
    root: str

    def to_json(self) -> dict[str, str | None]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Unsent:
    """An execution that is over, and a project that has runs of it but not what it printed."""

    workspace: Workspace
    folder: ExecutionFolder
    execution: Execution
    shipment: Shipment
    place: Place


def unsent(workspace: Workspace, folders: Iterable[ExecutionFolder] | None = None) -> Iterator[Unsent]:
    """What is not on a Hub yet although runs of it are. What a Hub refused before is among it, and what is left of executions
    whose `ds run` was killed.

    Args:
        folders: of executions; all of the workspace when None.
    """
    held = cache(lambda: _held(workspace))
    for folder in sorted(
        execution_folders(workspace) if folders is None else folders, key=lambda each: each.id
    ):
        try:
            execution, state = folder.read()
            if state == "killed":
                execution = _left_by_runner(execution, folder, _runs_of(execution, workspace, held))
        except (CorruptError, NotFoundError, OSError):  # `ds list --executions` names it
            continue
        if state != "running":
            done = _read_state(folder)
            for key, shipment in _destinations(execution, workspace).items():
                if done.get(key, {}).get("state") not in (SENT, NEEDLESS):
                    place = Place(str(shipment.project_id), shipment.project)
                    yield Unsent(workspace, folder, execution, shipment, place)


def _left_by_runner(execution: Execution, folder: ExecutionFolder, runs: Sequence[RunFolder]) -> Execution:
    """An execution whose `ds run` was killed, with the runs that it held and what was printed until then.

    How the command ended is not known, nor is when. It is found out once, when none of the runs goes on.
    """
    if (
        execution.runs
        or not runs
        or any(not each.is_published() and each.state().status == "running" for each in runs)
    ):
        return execution
    stdout, stderr = (_kept(folder.stream_path(name)) for name in STREAMS)
    found = replace(execution, runs=tuple(sorted(each.id for each in runs)), stdout=stdout, stderr=stderr)
    folder.write_start(found)
    return found


def _runs_of(
    execution: Execution, workspace: Workspace, held: Callable[[], Mapping[str, Sequence[RunFolder]]]
) -> Sequence[RunFolder]:
    """The runs of an execution, as noted in its folder or, where an older dotscience has made that, by what they say."""
    noted = workspace.held_by(execution.id)
    return held().get(execution.id, ()) if noted is None else noted


def _held(workspace: Workspace) -> Mapping[str, Sequence[RunFolder]]:
    """The runs of each execution."""
    held: dict[str, list[RunFolder]] = {}
    for run in workspace.run_folders():
        with suppress(CorruptError, NotFoundError, OSError, ValueError):
            execution = process_of(run).get("execution")
            if isinstance(execution, str):
                held.setdefault(execution, []).append(run)
    return held


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


def _kept(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as stream:
            sha, size = hashlib.sha256(), 0
            while block := stream.read(BLOCK):
                sha.update(block)
                size += len(block)
            return {"sha256": sha.hexdigest(), "size": size}
    except FileNotFoundError:
        return None


def unsent_of_runs(runs: Iterable[tuple[Workspace, RunFolder]]) -> Iterator[Unsent]:
    """What is not on a Hub yet of the executions that these runs were part of."""
    wanted: dict[str, tuple[Workspace, set[str]]] = {}
    for workspace, folder in runs:
        try:
            execution = folder.read_record().process.get("execution")
        except (CorruptError, NotFoundError):
            continue
        if isinstance(execution, str):
            wanted.setdefault(workspace.root, (workspace, set()))[1].add(execution)
    for workspace, ids in wanted.values():
        yield from unsent(workspace, [each for each in execution_folders(workspace) if each.id in ids])


def send_logs(
    found: Iterable[Unsent],
    *,
    apikey: str | None = None,
    keys: Mapping[tuple[str, str | None], str] | None = None,
    environ: Mapping[str, str] = os.environ,
    tell: Callable[[LogOutcome], None] = lambda outcome: None,
    clock: Callable[[], float] = time.time,
) -> list[LogOutcome]:
    """Send logs of executions to the projects that their runs went to.

    Args:
        apikey: to use instead of the one that the environment or a profile has for a Hub.
        keys: that are known otherwise, by Hub and user.
        tell: called with each outcome as soon as it is known.

    Example:
        >>> send_logs(unsent(Workspace.find()))
        [LogOutcome(execution='5d0b…', outcome='sent', …)]
    """
    senders = Senders(apikey, environ, keys)
    outcomes = []
    for each in found:
        outcome, reason = _sent(each, senders, clock)
        outcomes.append(LogOutcome(each.execution.id, outcome, each.place.name, reason, each.workspace.root))
        tell(outcomes[-1])
    return outcomes


def send_at_end(
    folder: ExecutionFolder,
    workspace: Workspace,
    environ: Mapping[str, str] = os.environ,
    *,
    keys: Mapping[tuple[str, str | None], str] | None = None,
    seconds: float = AT_EXIT,
) -> None:
    """Send the log of an execution that has just ended, then what waits of others, for at most so many seconds.

    What is not sent, `ds sync` sends.

    Args:
        keys: that the command has connected with, by Hub and user.
    """
    waiting = list(unsent(workspace, [folder]))
    if not waiting:
        return
    outcomes: list[LogOutcome] = []

    def work() -> None:
        with contained("sending what the command printed"):
            send_logs(waiting, keys=keys, environ=environ, tell=outcomes.append)
            send_logs(_of_others(workspace, folder), keys=keys, environ=environ)

    thread = threading.Thread(target=work, name="dotscience-log", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads to be had
        return
    thread.join(seconds)
    if len(outcomes) < len(waiting):
        notice("what the command printed is not on the Hub yet; `ds sync` sends it.")
    for outcome in list(outcomes):
        if outcome.outcome not in (SENT, NEEDLESS):
            notice(f"what the command printed is not on the Hub: {outcome.reason} `ds sync` tries again.")


def _of_others(workspace: Workspace, folder: ExecutionFolder) -> Iterator[Unsent]:
    """What waits of other executions, and was not refused."""
    for each in unsent(workspace):
        said = _read_state(each.folder).get(_key(each.shipment), {})
        if each.folder.id != folder.id and said.get("state") != REFUSED:
            yield each


def _key(shipment: Shipment) -> str:
    """What stands for a project in `hub.json`."""
    return f"{shipment.url}/projects/{shipment.project_id}"


def _destinations(execution: Execution, workspace: Workspace) -> dict[str, Shipment]:
    """The projects that have a run of the execution, each once; runs that wait are sent first."""
    found: dict[str, Shipment] = {}
    for run in execution.runs:
        for place in workspace.places:
            try:
                shipment = read_shipment(RunFolder(os.path.join(place, "runs", run)))
            except CorruptError:  # `ds sync` names it
                continue
            if shipment is not None and shipment.state == SENT and shipment.project_id is not None:
                found.setdefault(_key(shipment), shipment)
    return found


def _sent(each: Unsent, senders: Senders, clock: Callable[[], float]) -> tuple[str, str | None]:
    """What became of it, and why it is not there."""
    execution, key = each.execution, _key(each.shipment)
    try:
        sender = senders.sender(each.shipment, each.workspace.root)
        document = json.dumps(execution.to_json(), sort_keys=True).encode("ascii")
        streams = _Streams(each.folder, execution)
        sender.send_execution(execution.id, document, each.place, streams.parts, streams)
    except ArgumentError as error:  # of this workspace, perhaps
        return WAITING, str(error)
    except HubUnreachableError as error:
        return _wait(each, senders, error)
    except HubRefusedError as error:
        if isinstance(error, AccessError) and error.status == 401:
            return _wait(each, senders, error)
        is_needless = error.problem.get("reason") == "no-runs"
        said: dict[str, Any] = {"state": NEEDLESS if is_needless else REFUSED, "reason": str(error)}
    except (CorruptError, NotFoundError, OSError) as error:  # of what is on disk here
        said = {"state": REFUSED, "reason": str(error)}
    else:
        said = {"state": SENT}
    _write_state(each.folder, {**_read_state(each.folder), key: {**said, "at": iso(utc(clock()))}})
    return said["state"], said.get("reason")


def _wait(each: Unsent, senders: Senders, error: DotscienceError) -> tuple[str, str | None]:
    senders.give_up(each.shipment, error)
    return WAITING, str(error)


class _Streams:
    """What an execution printed, by digest: the files in its folder."""

    def __init__(self, folder: ExecutionFolder, execution: Execution) -> None:
        self.folder = folder.path
        self._paths: dict[str, str] = {}
        parts = []
        for name in STREAMS:
            kept = getattr(execution, name)
            if kept is not None:
                digest = str(kept.get("sha256"))
                self._paths[digest] = folder.stream_path(name)
                parts.append(Part(f"{name}.log", digest, kept.get("size")))
        self.parts: Sequence[Part] = parts

    def has(self, digest: str) -> bool:
        """Whether the file is there."""
        return os.path.isfile(self._paths.get(digest, ""))

    def size(self, digest: str) -> int:
        """How many bytes it has."""
        return os.stat(self._paths[digest]).st_size

    def open(self, digest: str) -> BinaryIO:
        """Its bytes."""
        return open(self._paths[digest], "rb")


def _state_path(folder: ExecutionFolder) -> str:
    return os.path.join(folder.path, "hub.json")


def _read_state(folder: ExecutionFolder) -> dict[str, dict[str, Any]]:
    """What became of the log, by project. What cannot be read counts as not sent: sending it again does no harm."""
    try:
        with open(_state_path(folder), "rb") as stream:
            said = json.loads(stream.read())
    except (OSError, ValueError, RecursionError):
        return {}
    projects = said.get("projects") if isinstance(said, dict) else None
    if not isinstance(projects, dict):
        return {}
    return {name: each for name, each in projects.items() if isinstance(each, dict)}


def _write_state(folder: ExecutionFolder, projects: Mapping[str, Mapping[str, Any]]) -> None:
    with contained("noting what became of what the command printed"):
        write_whole(
            _state_path(folder), json.dumps({"projects": projects}, sort_keys=True).encode("ascii") + b"\n"
        )
