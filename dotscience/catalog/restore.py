"""Puts files back as a run recorded them, from what was kept of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import NotFoundError, StateError, UnwritableError
from ..records.files import UNSEEN, FileVersion
from ..records.record import Record
from ..storage.blobs import BLOCK
from ..storage.hashing import see
from ..storage.workspace import Workspace
from .parts import code_files

__all__ = ["OUTCOMES", "Restored", "place_of", "restore"]

OUTCOMES: Mapping[str, str] = {
    "restored": "written as it was recorded",
    "present": "was there already, with the same content",
    "fingerprint only": "its content was not kept; only its digest is known",
    "unseen": "its content was never seen",
    "lost": "its content was kept but is not there any more",
    "altered": "its kept content is not what it was; nothing was written",
}

Progress = Callable[[int, int], None]
_DRIVE = re.compile(r"[A-Za-z]:")
_TEMPORARY = ".dotscience-restore"


@dataclass(frozen=True)
class Restored:
    """What became of one file.

    Attributes:
        path: as recorded; `role`: `input`, `output` or `code`.
        outcome: a key of `OUTCOMES`; `detail` says more.
        to: where the file is now, or would be.
    """

    path: str
    role: str
    outcome: str
    to: str
    detail: str = ""

    @property
    def is_there(self) -> bool:
        """Whether the file can be had where it was asked for."""
        return self.outcome in ("restored", "present")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def restore(
    record: Record,
    workspace: Workspace,
    to: str,
    *,
    paths: list[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> list[Restored]:
    """Write the files of a run below a folder: outputs, code and inputs, of each what was kept.

    A file is written whole or not at all, and only after its content was compared with its digest.

    Args:
        workspace: the one that holds the run.
        to: the folder; made where it is missing. Nothing is ever written outside it.
        paths: files or folders as recorded; by default everything.
        force: overwrite files of other content.
        progress: called with how many bytes were written, and how many there are.

    Raises:
        NotFoundError: the run recorded no such path.
        StateError: files of other content are in the way; nothing has been written.
        UnwritableError: the folder cannot be written.
    """
    wanted = _wanted(record, paths)
    target = _Target(to, force)
    target.refuse_conflicts([version for version, _ in wanted if version.kept])
    total = sum(version.size or 0 for version, _ in wanted if version.kept)
    done, restored = 0, []
    for version, role in wanted:
        restored.append(_restore(version, role, workspace, target))
        done += (version.size or 0) if version.kept else 0
        if progress is not None:
            progress(done, total)
    return restored


def place_of(path: str) -> str:
    """Where below a folder a recorded path belongs: what lies outside the workspace goes into folders of its own.

    Example:
        >>> place_of("data/raw.csv"), place_of("../shared/raw.csv"), place_of("/etc/hosts")
        ('data/raw.csv', '_parent/shared/raw.csv', '_root/etc/hosts')
    """
    parts = (path.replace("\\", "/") if os.name == "nt" else path).replace("\0", "_").split("/")
    is_absolute = parts[0] == "" or _DRIVE.fullmatch(parts[0]) is not None
    names = [name.replace(":", "") if is_absolute else name for name in parts if name not in ("", ".")]
    placed = ["_parent" if name == ".." else name for name in names]
    return os.path.join("_root" if is_absolute else "", *placed)


def _wanted(record: Record, paths: list[str] | None) -> list[tuple[FileVersion, str]]:
    """One version of each path: what was written rather than what was read, and what was read last."""
    chosen: dict[str, tuple[FileVersion, str]] = {}
    by_time = sorted(record.inputs, key=lambda version: version.mtime or 0)
    for versions, role in ((by_time, "input"), (code_files(record), "code"), (record.outputs, "output")):
        for version in versions:
            if version.unseen != "reference":
                chosen[version.path] = (version, role)
    if paths is None:
        return [chosen[path] for path in sorted(chosen)]
    found: dict[str, tuple[FileVersion, str]] = {}
    for asked in paths:
        below = [path for path in sorted(chosen) if path == asked or path.startswith(asked.rstrip("/") + "/")]
        if not below:
            raise NotFoundError(
                f"Run {record.id} recorded no file {asked!r}. `ds show {record.id}` lists its files, "
                f"relative to the workspace root."
            )
        found.update((path, chosen[path]) for path in below)
    return list(found.values())


class _Target:
    """The folder that is written to."""

    def __init__(self, folder: str, force: bool) -> None:
        self.folder, self._force = os.path.abspath(folder), force

    def path(self, version: FileVersion) -> str:
        return os.path.join(self.folder, place_of(version.path))

    def holds(self, version: FileVersion) -> bool:
        """Whether the file is there already, and is no link to something else."""
        path = self.path(version)
        return not os.path.islink(path) and see(path, None).digest == version.digest

    def refuse_conflicts(self, versions: list[FileVersion]) -> None:
        differing = [
            path
            for path, version in ((self.path(version), version) for version in versions)
            if os.path.lexists(path) and not self.holds(version)
        ]
        if differing and not self._force:
            named = ", ".join(differing[:3]) + (
                f" and {len(differing) - 3} more" if len(differing) > 3 else ""
            )
            raise StateError(
                f"{named}: other content is there than the run recorded; nothing was written. "
                f"Choose another folder with --to, or overwrite with --force."
            )

    def make_folder_of(self, path: str) -> None:
        """Make the folder that a file belongs into; a link that leads out of the target is not followed."""
        folder = os.path.dirname(path)
        top, real = os.path.realpath(self.folder), os.path.realpath(folder)
        if os.path.commonpath([top, real]) != top:
            raise UnwritableError(path, f"{folder} leads out of {self.folder} by a link")
        os.makedirs(folder, exist_ok=True)


def _restore(version: FileVersion, role: str, workspace: Workspace, target: _Target) -> Restored:
    to = target.path(version)
    if version.digest is None:
        reason = UNSEEN.get(version.unseen or "", version.unseen or "")
        return Restored(version.path, role, "unseen", to, reason)
    if target.holds(version):
        return Restored(version.path, role, "present", to)
    if not version.kept:
        return Restored(version.path, role, "fingerprint only", to)
    try:
        source = workspace.blobs(version.digest).open(version.digest)
    except NotFoundError:
        return Restored(version.path, role, "lost", to)
    temporary = f"{to}{_TEMPORARY}.{os.getpid()}"
    try:
        with source:
            target.make_folder_of(to)
            sha = hashlib.sha256()
            with open(temporary, "xb") as stream:
                while block := source.read(BLOCK):
                    sha.update(block)
                    stream.write(block)
        if sha.hexdigest() != version.digest:
            os.unlink(temporary)
            return Restored(version.path, role, "altered", to)
        os.replace(temporary, to)
    except OSError as error:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise UnwritableError(to, error.strerror) from error
    return Restored(version.path, role, "restored", to)
