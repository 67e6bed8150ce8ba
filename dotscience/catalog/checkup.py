"""Whether everything that recording and asking needs is in order, with the cure where it is not."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from ..errors import CorruptError, DotscienceError
from ..settings import SETTINGS, Settings
from ..storage.workspace import Workspace

__all__ = ["Check", "check_up"]

_LITTLE, _TOO_LITTLE = 1024**3, 100 * 1024**2
"""Bytes of free space below which to warn, and to fail."""

_SKEW = 2.0
"""Seconds by which a file system's clock may differ from this machine's."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        verdict: `ok`, `warn` or `fail`.
        said: what was found; `cure`: what to do about it, or "".
    """

    name: str
    verdict: str
    said: str
    cure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def check_up(workspace: Workspace, environ: Mapping[str, str] = os.environ) -> Iterator[Check]:
    """Look at everything; nothing is changed but a catalog that is out of date."""
    yield _versions()
    yield _root(workspace, environ)
    yield from _places(workspace)
    yield from _settings(workspace, environ)
    yield from _runs(workspace)
    yield _git()
    yield _space(workspace)
    yield _clock(workspace)
    yield _notebooks()


def _versions() -> Check:
    said = f"dotscience {metadata.version('dotscience')}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    return Check("versions", "ok", said)


def _root(workspace: Workspace, environ: Mapping[str, str]) -> Check:
    variable = "DOTSCIENCE_PROJECT_DOT_ROOT"
    if environ.get(variable):
        how = f"because {variable} says so"
    elif os.path.isdir(workspace.home):
        how = "because it holds .dotscience/"
    else:
        said = f"{workspace.root}, because no folder above holds .dotscience/"
        return Check("workspace", "warn", said, "`ds init` in the study's top folder fixes where it begins.")
    if not os.path.isdir(workspace.root):
        return Check(
            "workspace", "fail", f"{workspace.root}, {how}: there is no such folder", f"Correct {variable}."
        )
    return Check("workspace", "ok", f"{workspace.root}, {how}")


def _places(workspace: Workspace) -> Iterator[Check]:
    place = workspace.home if os.path.isdir(workspace.home) else workspace.root
    if os.access(place, os.W_OK | os.X_OK):
        yield Check("writing", "ok", f"{place} can be written")
    else:
        said = f"{place} cannot be written; runs are recorded in {workspace.spill}"
        yield Check("writing", "warn", said, "Make it writable, where its runs should be together.")
    if os.path.isdir(os.path.join(workspace.spill, "runs")):
        runs = len(os.listdir(os.path.join(workspace.spill, "runs")))
        said = f"{runs} run{'s' * (runs != 1)} recorded in {workspace.spill}, and read from there"
        yield Check("spill", "ok", said)


def _settings(workspace: Workspace, environ: Mapping[str, str]) -> Iterator[Check]:
    settings = Settings(workspace.root, environ)
    wrong = []
    for name in SETTINGS:
        try:
            settings.lookup(name)
        except CorruptError as error:
            yield Check("settings", "fail", str(error), "Mend the file or delete it.")
            return
        except DotscienceError as error:
            wrong.append(str(error))
    for said in wrong:
        yield Check(
            "settings", "fail", said, "`ds config NAME VALUE` sets another; the default is used meanwhile."
        )
    if not wrong:
        yield Check("settings", "ok", "all can be read")


def _runs(workspace: Workspace) -> Iterator[Check]:
    from .catalog import catalog_of

    left: dict[str, int] = {}
    for folder in workspace.run_folders():
        if not folder.is_published() and os.path.exists(folder.journal_path):
            try:
                status = folder.state().status
            except DotscienceError:
                continue
            left[status] = left.get(status, 0) + 1
    catalog = catalog_of(workspace)
    try:
        catalog.refresh()
        problems = catalog.problems()
    except DotscienceError as error:
        yield Check("catalog", "fail", str(error), "`ds reindex` builds it anew.")
        return
    yield Check("catalog", "ok", f"{catalog.path or 'in memory'} is up to date")
    for problem in problems:
        field = f"{problem.field}: " if problem.field else ""
        cure = f"`ds verify {problem.run}` tells more; nothing else depends on it."
        yield Check("runs", "fail", f"{problem.file}: {field}{problem.reason}", cure)
    if not problems:
        yield Check("runs", "ok", "no run is known to be damaged; `ds verify` reads them all")
    waiting = {status: number for status, number in left.items() if status != "running"}
    if waiting:
        said = "not published: " + ", ".join(
            f"{number} {status}" for status, number in sorted(waiting.items())
        )
        yield Check(
            "runs", "warn", said, "`ds list` shows them; `ds publish RUN` or `ds discard RUN` settles each."
        )


def _git() -> Check:
    program = shutil.which("git")
    if program is None:
        return Check("git", "warn", "is not installed", "Install git, if commits should be recorded.")
    return Check("git", "ok", program)


def _space(workspace: Workspace) -> Check:
    place = _existing(workspace.root)
    free = shutil.disk_usage(place).free
    said = f"{free / 1024**3:.1f} GiB free at {place}"
    if free >= _LITTLE:
        return Check("space", "ok", said)
    return Check(
        "space",
        "fail" if free < _TOO_LITTLE else "warn",
        said,
        "Free space; `ds gc` removes what nothing needs.",
    )


def _clock(workspace: Workspace) -> Check:
    place = _existing(workspace.home)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".clock-") as file:
            skew = os.fstat(file.fileno()).st_mtime - time.time()
    except OSError:
        return Check("clock", "ok", "not compared with the file system's, which cannot be written")
    if abs(skew) > _SKEW:
        said = f"the file system's clock differs by {skew:.0f} s from this machine's"
        return Check("clock", "warn", said, "Set both by NTP: whether files changed is told by their times.")
    return Check("clock", "ok", "agrees with the file system's")


def _notebooks() -> Check:
    found = {name: _version(name) for name in ("ipykernel", "nbformat", "jupyterlab", "notebook")}
    said = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    missing = [name for name in ("ipykernel", "nbformat") if found[name] is None]
    if missing:
        cure = f"`{sys.executable} -m pip install {' '.join(missing)}`"
        return Check(
            "notebooks", "warn", f"{said or 'nothing'} is installed, but not {', '.join(missing)}", cure
        )
    return Check("notebooks", "ok", said)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _existing(folder: str) -> str:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
