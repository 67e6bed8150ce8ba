"""One run in memory: what has been declared, and the journal it is written to, if any."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ..errors import AlreadyStartedError, UnknownFrameworkError
from ..records.block import block_metadata, block_text
from ..records.files import FileVersion
from ..records.record import ARTEFACT, Record
from ..records.state import VALUES, RunState
from ..records.times import utc
from ..records.values import Json, stored, text
from .files import Located, expand, locate, path_of, root_relative
from .notices import notice
from .points import Points
from .reading import FileReader
from .verbs import Verbs

__all__ = ["EARLIEST", "FRAMEWORKS", "LATEST", "Run"]

FRAMEWORKS = ("tensorflow", "sklearn")
"""Names of the modules that `model()` takes."""

EARLIEST, LATEST = -62_135_510_400.0, 253_402_214_400.0
"""The second day of the year 1 and the last of the year 9999, seconds since the Unix epoch: dates go no further, in any zone."""


def _nothing(event: Json) -> None:
    """Where the events of a run without a journal go."""


def _too_late(event: Json) -> None:
    notice(
        f"{event[0]} was said to a run that is already published or left, and is not recorded there. Say it before "
        f"ds.publish(), or start another run."
    )


def _elsewhere(event: Json) -> None:
    notice(
        f"{event[0]} was said in a forked process to a run of the process that it comes from, and is not recorded there. "
        f"Say it to dotscience itself, as in ds.metric(), or start a run in the forked process."
    )


class _ClosedPoints(Points):
    """Where the points go that are logged too late; it still knows the last ones that came in time."""

    def __init__(self, before: Points, refuse: Callable[[Json], None]) -> None:
        super().__init__(before._clock)
        self._layouts, self.count = before._layouts, before.count
        self._refuse = refuse

    def add(self, data: Mapping[str, Any], step: int | None, epoch: float | None) -> None:
        self._refuse(("log",))


class Run(Verbs):
    """One piece of work: its labels, parameters, metrics, files and times.

    By itself a Run keeps everything in memory and writes nothing to disk; `str(run)` is its run block.

    Args:
        root: the workspace root that paths are made relative to.
        clock: seconds since the Unix epoch.
        new_id: makes the run's id.

    Example:
        >>> run = Run("/tmp/study")
        >>> run.metric("accuracy", 0.5)
        0.5
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.clock, self._new_id = clock, new_id
        self._tell: Callable[[Json], None] = _nothing
        self._is_closed = False
        self._start_lock = threading.Lock()
        self.points = Points(clock)
        self.state = RunState(id=new_id(), root=os.path.abspath(os.fspath(root)))
        self._stores = {kind: getattr(self.state, store) for kind, store in VALUES.items()}
        self.located: dict[tuple[str, int | None, int | None], Located] = {}
        self.reader: FileReader | None = None
        self._model_dir: str | None = None
        self.began = time.monotonic()

    @property
    def id(self) -> str:
        """The run's id, a UUID."""
        return self.state.id

    @property
    def _open(self) -> Run:  # type: ignore[override]
        return self

    # What Verbs asks for

    def set_value(self, kind: str, name: object, value: object) -> None:
        """Take a label, parameter or metric."""
        if type(name) is not str:
            name = str(name)
        kept = stored(value)
        self._stores[kind][name] = kept
        self._tell((kind, name, kept))

    def set_text(self, kind: str, said: object) -> None:
        """Take a description or an error."""
        words = text(stored(said))
        setattr(self.state, kind, words)
        self._tell((kind, words))

    def take_input(self, filename: object) -> None:
        """Take a file or directory that is read."""
        located = locate(path_of(filename, "input"), self.state.root)
        if self._is_closed:
            self._tell(("input",))
            return
        for file in located:
            self.located[file.version().key] = file
        if self.reader is None:
            self._note_inputs([file.version() for file in located])
        else:
            self.reader.read(located, self._note_inputs)

    def take_output(self, filename: object) -> None:
        """Take a file or directory that is written."""
        path = root_relative(path_of(filename, "output"), self.state.root)
        self.state.outputs[path] = None
        self._tell(("output", path))

    def take_model(self, kind: ModuleType, name: str, path: object, classes: object) -> None:
        """Take a model: its files as outputs and its description as a label."""
        framework = getattr(kind, "__name__", None)
        if framework not in FRAMEWORKS or not hasattr(kind, "__version__"):
            raise UnknownFrameworkError(repr(framework or kind), FRAMEWORKS)
        given = {"model": path} if classes is None else {"model": path, "classes": classes}
        files = {role: root_relative(path_of(file, "model"), self.state.root) for role, file in given.items()}
        for file in given.values():
            self.take_output(file)
        self._model_dir = os.fspath(path)  # type: ignore[call-overload]
        declared = {"files": files, "type": f"{framework}-model", "version": str(kind.__version__)}
        self.set_value(
            "label", f"{ARTEFACT}{name}", json.dumps(declared, sort_keys=True, separators=(",", ":"))
        )

    def set_end(self) -> None:
        """Note the end, unless it is noted already."""
        if self.state.ended is None:
            self.state.ended = self.now()
            self._tell(("ended", self.state.ended))

    def set_mode(self, mode: str, workload_file: str | None) -> None:
        """Take the mode and the absolute path of the script, where there is one."""
        path = None if workload_file is None else root_relative(workload_file, self.state.root)
        if (mode, path) != (self.state.mode, self.state.workload_file):
            self.state.mode, self.state.workload_file = mode, path
            self._tell(("mode", mode))
            self._tell(("workload_file", path))

    def note_surroundings(self, facts: Mapping[str, Json]) -> None:
        """Take what has been gathered around the run so far, so that it is in the journal."""
        self.state.surroundings = facts
        if not self._is_closed:
            self._tell(("surroundings", facts))

    def note_command(self, process: Mapping[str, Json]) -> None:
        """Take the process of the command that the run stands for."""
        self.state.command = process
        self._tell(("command", process))

    def attach(self, tell: Callable[[Json], None]) -> None:
        """Tell everything declared so far, and from now on, to a journal."""
        state = self.state
        for kind, store in VALUES.items():
            for name, value in getattr(state, store).items():
                tell((kind, name, value))
        if state.inputs:
            tell(("inputs", list(state.inputs.values())))
        for path in state.outputs:
            tell(("output", path))
        for kind in ("description", "error", "continues", "started", "ended"):
            if getattr(state, kind) is not None:
                tell((kind, getattr(state, kind)))
        self._tell = tell

    def close(self) -> None:
        """The run is published or left behind: what is still said to it goes nowhere, which is said once."""
        self._close(_too_late)

    def leave_to_parent(self) -> None:
        """This is a forked process, and the run is of the one that it comes from: the same.

        Takes no lock: in the child it may be held by a thread that does not exist there.
        """
        self._close(_elsewhere)

    def _close(self, refuse: Callable[[Json], None]) -> None:
        self._is_closed = True
        self._tell = refuse
        self.points = _ClosedPoints(self.points, refuse)

    def carry_over(self, earlier: Run) -> None:
        """Hold what an earlier run declared, but neither its times nor its series."""
        before = earlier.state
        self.state.continues = before.id
        self.state.description, self.state.error = before.description, before.error
        for store in (*VALUES.values(), "inputs", "outputs"):
            getattr(self.state, store).update(getattr(before, store))
        self.located.update(earlier.located)

    def _note_inputs(self, versions: list[FileVersion]) -> None:
        for version in versions:
            self.state.inputs[version.key] = version
        if not self._is_closed:  # else it was left while they were read: they stay unseen
            self._tell(("inputs", versions))

    # Times and identity

    def now(self) -> float:
        """The time by the run's clock; where that shows none that can be written, the nearest that can."""
        return min(max(self.clock(), EARLIEST), LATEST)

    def start(self) -> None:
        """Note that the work begins.

        Raises:
            AlreadyStartedError: it has begun before.
        """
        with self._start_lock:
            if self.state.started is not None:
                raise AlreadyStartedError
            self.state.started = self.now()
        self._tell(("started", self.state.started))

    def newID(self) -> None:
        """Give the run another id; one that already has a journal keeps its own."""
        if self._tell is _nothing:
            self.state.id = self._new_id()

    def getModelDir(self) -> str | None:
        """The path of the model registered last."""
        return self._model_dir

    # Its run block

    def metadata(self) -> dict[str, Json]:
        """The run block's JSON object as it would be now; declared directories are listed now."""
        outputs = [found for path in self.state.outputs for found in expand(path, self.state.root)]
        return block_metadata(self.outline(tuple(FileVersion(found.path) for found in outputs)))

    def outline(self, outputs: tuple[FileVersion, ...]) -> Record:
        """The record of what has been declared, without what only a publish finds out."""
        logged = {name: stored(value) for name, value in self.points.last_values().items()}
        return self.state.record(
            self.state.outcome,
            utc(self.now()),
            metrics=logged | self.state.metrics,
            outputs=outputs,
        )

    def __str__(self) -> str:
        return block_text(self.state.id, self.metadata())
