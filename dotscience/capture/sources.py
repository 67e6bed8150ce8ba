"""The sources of facts that are the same for scripts and notebooks: git, packages, host, command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..records.record import canonical
from ..records.surroundings import Moment
from ..records.values import Json
from ..storage.script import is_installed
from .task import Facts, Source

if TYPE_CHECKING:
    from .git import Repository

__all__ = ["Command", "Git", "GitOfCode", "Host", "Packages"]


class Git(Source):
    """A repository, as it is when the run begins.

    Args:
        folders: where it is looked for; the first that lies in a repository counts.
    """

    what = "The state of git"
    waits = True

    def __init__(self, moment: Moment, folders: Iterable[str] = ()) -> None:
        self._moment, self._given = moment, folders
        self._repository: Repository | None = None
        self._commit: str | None = None
        self._trace: tuple[object, ...] = ()

    def folders(self) -> Iterable[str]:
        """Where the repository is looked for."""
        return self._given

    def prepare(self) -> None:
        from . import git

        self._git = git

    def look(self) -> Facts:
        top = self._git.find(self.folders())
        if top is None:
            return {}
        repository = self._git.Repository(top)
        trace = repository.trace()
        checkout = repository.look()
        if checkout is None:
            return {"notices": [f"{self.what}: not recorded, because git is not installed."]}
        self._repository, self._trace = repository, trace
        self._commit = checkout.commit
        facts: dict[str, Json] = {
            name: getattr(checkout, name)
            for name in ("root", "commit", "branch", "remote", "dirty", "untracked")
            if getattr(checkout, name) is not None
        }
        notices = list(checkout.problems)
        if checkout.diff is not None:
            kept = self._moment.keep(checkout.diff)
            if kept is None:
                notices.append("The uncommitted changes could not be kept.")
            else:
                facts["diff"] = dict(kept)
        return {"git": facts, "notices": notices}

    def settle(self, facts: Facts) -> Facts:
        if self._repository is None or self._commit is None or self._repository.trace() == self._trace:
            return facts
        now = self._repository.head()
        if now == self._commit:
            return facts
        said = f"During the run HEAD moved from {self._commit[:12]} to {(now or 'nothing')[:12]}; the record names the first."
        return facts | {"notices": [*facts.get("notices", ()), said]}


class GitOfCode(Git):
    """The repository of the code that this process runs, else of the workspace.

    Args:
        named: the script or notebook that the user named, absolute, or None.
    """

    def __init__(self, moment: Moment, named: str | None) -> None:
        super().__init__(moment)
        self._named = named

    def prepare(self) -> None:
        super().prepare()
        from . import code

        self._code = code

    def folders(self) -> Iterable[str]:
        root = self._moment.root
        script = self._named or self._code.main_script()[0]
        if script is None or is_installed(script):
            return [root]
        folder = os.path.dirname(script)
        inside = os.path.join(folder, "").startswith(os.path.join(root, ""))
        return [folder, root] if inside else [root, folder]


class Packages(Source):
    """The installed distributions."""

    what = "The installed packages"

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._path: list[str] = []

    def prepare(self) -> None:
        from .packages import installed

        self._installed, self._path = installed, list(sys.path)

    def look(self) -> Facts:
        found = self._installed(self._path)
        kept = self._moment.keep(canonical(found))
        if kept is None:
            return {"notices": ["The list of installed packages could not be kept."]}
        return {"environment": {"packages": {**kept, "count": len(found)}}}


class Host(Source):
    """The machine and the interpreter."""

    what = "The host"

    def prepare(self) -> None:
        from .host import host

        self._host = host

    def look(self) -> Facts:
        return {"environment": self._host()}


class Command(Source):
    """How the process was called.

    Args:
        called: whether to record the command line.
        patterns: the environment variables to record.
    """

    what = "The command line"

    def __init__(self, called: bool, patterns: Iterable[str]) -> None:
        self._called, self._patterns = called, patterns

    def prepare(self) -> None:
        from . import command
        from .cells import current_shell

        self._module = command
        if getattr(current_shell(), "kernel", None) is not None:
            self._called = False  # it names the kernel's connection file, and says nothing of the notebook

    def look(self) -> Facts:
        facts: dict[str, Json] = self._module.command() if self._called else {}
        variables = self._module.variables(self._patterns)
        return {"environment": facts | ({"variables": variables} if variables else {})}

    def settle(self, facts: Facts) -> Facts:
        """Without what turned out to be a secret since, such as the key that the program has connected with."""
        return {"environment": self._module.redacted(facts["environment"])}
