"""Everything that surrounds one run, gathered by the sources that the settings allow."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import DotscienceError
from ..records.surroundings import PATIENCE, Moment
from ..records.values import Json
from ..settings import SETTINGS, Settings
from .redact import redact
from .sources import Command, GitOfCode, Host, Packages
from .task import Source, Task, merged, start

if TYPE_CHECKING:
    from .cells import CellLog
    from .workload import Workload

__all__ = ["Gathering", "SurroundingsOfProcess"]


class Gathering:
    """The `Surroundings` of one run, from the sources that a subclass names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._problems: list[str] = []
        self._tasks: list[Task] = []

    def sources(self, moment: Moment) -> list[Source]:
        """The sources to gather from."""
        raise NotImplementedError

    def begin(self, moment: Moment) -> None:
        """Start gathering in the background."""
        self._tasks = tasks = [Task(source) for source in self.sources(moment)]

        def then() -> None:
            known = [task.facts for task in tasks if task.facts is not None]
            if len(known) == len(tasks) and moment.tell is not None:
                moment.tell(merged([*known, {"notices": self._problems}]))

        for task in tasks:
            task.prepare()
        # More threads than these would only hand the interpreter to and fro.
        alone = [[task] for task in tasks if task.waits]
        start([*alone, [task for task in tasks if not task.waits]], then)

    def finish(self, moment: Moment, patience: float = PATIENCE) -> Mapping[str, Json]:
        """What was found, as record fields."""
        tasks = self._tasks or [Task(source) for source in self.sources(moment)]
        deadline = time.monotonic() + patience
        found = merged([*(task.settled(deadline) for task in tasks), {"notices": self._problems}])
        return {name: value for name, value in found.items() if value}

    def failure(self) -> BaseException | None:
        """The exception that ended the last cell of the run, where it consists of cells."""
        return None

    def redact(self, text: str) -> str:
        """The text without what looks like a secret."""
        return redact(text)

    def setting(self, name: str) -> Any:
        """A setting; where it is wrong, its default, and a notice."""
        try:
            return self._settings[name]
        except DotscienceError as error:
            self._problems.append(f"{error} The default was used.")
            return SETTINGS[name].default


class SurroundingsOfProcess(Gathering):
    """What surrounds a run of this very process."""

    _workload: Workload | None = None
    _named: str | None = None
    _log: CellLog | None = None
    _mark = 0

    def begin(self, moment: Moment) -> None:
        """Start gathering in the background, and take note of how the cells of the run end."""
        super().begin(moment)
        from .cells import current_shell, log_of

        shell = current_shell()
        if shell is not None:
            self._log = log_of(shell)
            self._mark = self._log.mark()

    def failure(self) -> BaseException | None:
        """The exception that ended the last cell of the run, where it consists of cells."""
        return None if self._log is None else self._log.failure(self._mark)

    def sources(self, moment: Moment) -> list[Source]:
        chosen = self.setting("workload_file")
        self._named = moment.workload_file or (os.path.join(moment.root, chosen) if chosen else None)
        sources: list[Source] = []
        if self.setting("capture_git"):
            sources.append(GitOfCode(moment, self._named))
        if self.setting("capture_packages"):
            sources.append(Packages(moment))
        called, patterns = self.setting("capture_command"), self.setting("capture_variables")
        if called or patterns:
            sources.append(Command(called, patterns))
        if self.setting("capture_code"):
            from .cells import current_shell
            from .workload import Workload

            self._workload = Workload(moment, current_shell(), self._named, self.setting("keep_code"))
            sources.append(self._workload)
        if self.setting("capture_host"):  # last, because a GPU's driver may take its time
            sources.append(Host())
        return sources

    def finish(self, moment: Moment, patience: float = PATIENCE) -> Mapping[str, Json]:
        """What was found, as record fields; a file that the user named meanwhile is the workload."""
        if self._workload is not None and moment.workload_file not in (None, self._named):
            self._workload.name(moment.workload_file)
        return super().finish(moment, patience)
