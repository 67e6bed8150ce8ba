"""What the runs of one recorder share: the workspace, its settings, and the threads that read files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DotscienceError, UnwritableError
from ..records.surroundings import Factory, Surroundings
from ..records.values import Json
from ..settings import SETTINGS, Settings
from ..storage.blobs import LocalBlobs
from ..storage.digests import DigestCache
from ..storage.hashers import Hashers
from ..storage.workspace import Workspace, find_root
from .notices import contained, notice
from .reading import FileReader
from .run import Run

__all__ = ["Session"]


class Session:
    """Resolved at the first event, and unchanged by a later `os.chdir`.

    Attributes:
        place: the folder that is written to, or None when nothing can be written.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None,
        environ: Mapping[str, str],
        surroundings: Callable[[], Factory] | None,
    ) -> None:
        given = None if root is None else os.fspath(root)
        self.workspace = Workspace(find_root(environ=environ) if given is None else given, environ)
        self.settings = Settings(self.workspace.root, environ)
        self.environ = environ
        self.place: str | None = None
        try:
            self.place = self.workspace.prepare()
        except UnwritableError as error:
            notice(f"{error} Your program goes on, but nothing is recorded on disk.")
        if self.place == self.workspace.spill:
            notice(
                f"cannot write to {self.workspace.home}. Runs go to {self.place}, where `ds` finds them too."
            )
        folder = self.place or self.workspace.home
        self.blobs = LocalBlobs(os.path.join(folder, "blobs"))
        self.cache = DigestCache(os.path.join(folder, "digests"))
        self.hashers = Hashers()
        self._factory = surroundings

    def setting(self, name: str) -> Any:
        """A setting; one that is wrong is said to be, and its default used, because the job must go on."""
        try:
            return self.settings[name]
        except DotscienceError as error:
            notice(f"{error}; the default, {SETTINGS[name].default!r}, is used.")
            return SETTINGS[name].default

    def new_run(
        self, clock: Callable[[], float], new_id: Callable[[], str] | None, carried: Run | None
    ) -> Run:
        """A run with a reader for its files, holding what an earlier one declared."""
        run = Run(self.workspace.root, clock=clock, **({} if new_id is None else {"new_id": new_id}))
        run.reader = FileReader(
            self.blobs,
            self.cache,
            self.hashers,
            keep_inputs=self.place is not None and self.setting("keep_inputs"),
            file_limit=self.setting("keep_file_limit"),
            run_limit=self.setting("keep_run_limit"),
        )
        if carried is not None:
            run.carry_over(carried)
        return run

    def new_surroundings(self) -> Surroundings | None:
        """What gathers code, packages and host around one run."""
        with contained("preparing to record the environment"):
            if self._factory is not None:
                return self._factory()(self.settings)
        return None

    def keep(self, content: bytes) -> Mapping[str, Json] | None:
        """Store bytes as a blob; None, and said once, where that cannot be done."""
        if self.place is None:
            return None
        try:
            return {"sha256": self.blobs.put_bytes(content), "size": len(content)}
        except (OSError, UnwritableError) as error:
            notice(f"cannot keep content in {self.place}: {error}")
            return None
