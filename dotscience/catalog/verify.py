"""Whether what was recorded is still there as it was: records and blobs unaltered, files on disk as recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from ..errors import CorruptError
from ..records.files import FileVersion
from ..records.record import Record
from ..storage.blobs import BLOCK
from ..storage.hashing import see
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace
from .parts import Part, parts_of

__all__ = ["PROBLEMS", "Finding", "Verified", "verify"]

PROBLEMS: Mapping[str, str] = {
    "altered": "its content is not what it was when it was written",
    "lost": "it is not there any more",
    "unreadable": "it is there but cannot be read",
    "changed": "the file on disk is not what the latest run that names it saw",
    "missing": "there is no such file on disk any more",
}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was recorded.

    Attributes:
        kind: `record`, `journal`, `blob` or `file`; `what`: its path, or a blob's digest.
        problem: a key of `PROBLEMS`; `detail` says more.
    """

    run: str
    kind: str
    what: str
    problem: str
    detail: str = ""


@dataclass
class Verified:
    """What was looked at and what was found.

    Attributes:
        records, blobs, files: how many of them.
        unpublished: how many runs have no record, of which only the journal was read.
    """

    records: int = 0
    blobs: int = 0
    files: int = 0
    unpublished: int = 0
    findings: list[Finding] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"ok": not self.findings, **asdict(self)}


def verify(
    workspace: Workspace, folders: Iterable[RunFolder] | None = None, progress: Progress | None = None
) -> Verified:
    """Read records, blobs and files again and compare them with their digests.

    A file that several runs name is compared with the latest of them.

    Args:
        folders: the runs to verify; by default all of the workspace.
        progress: called with how many bytes were read, and how many there are.
    """
    found = Verified()
    parts: dict[str, tuple[str, Part]] = {}
    files: dict[str, _Latest] = {}
    for record in _read(workspace.run_folders() if folders is None else folders, found):
        parts.update({part.digest: (record.id, part) for part in parts_of(record)})
        _note_files(record, files)
    reading = _Reading(workspace, found, progress)
    reading.total = sum(part.size or 0 for _, part in parts.values())
    reading.total += sum(latest.versions[0].size or 0 for latest in files.values())
    for run, part in parts.values():
        reading.verify_blob(run, part)
    for path, latest in files.items():
        reading.verify_file(path, latest)
    found.findings.sort(key=lambda finding: (finding.kind, finding.what))
    return found


def _read(folders: Iterable[RunFolder], found: Verified) -> Iterator[Record]:
    for folder in folders:
        is_published = folder.is_published()
        file, kind = (folder.record_path, "record") if is_published else (folder.journal_path, "journal")
        try:
            if is_published:
                found.records += 1
                yield folder.read_record()
            elif os.path.exists(file):
                found.unpublished += 1
                folder.state()
        except CorruptError as error:
            detail = f"{error.field}: {error.reason}" if error.field else error.reason
            found.findings.append(Finding(folder.id, kind, file, "altered", detail))
        except OSError as error:
            found.findings.append(Finding(folder.id, kind, file, "unreadable", str(error.strerror)))


class _Latest(NamedTuple):
    """The latest run that saw a file, and what the file may be: what that run wrote, else what it read."""

    published: datetime
    run: str
    versions: list[FileVersion]


def _note_files(record: Record, files: dict[str, _Latest]) -> None:
    for role in (record.inputs, record.outputs):
        seen: dict[str, list[FileVersion]] = {}
        for version in role:
            if version.digest is not None:
                seen.setdefault(version.path, []).append(version)
        for path, versions in seen.items():
            if path not in files or files[path].published <= record.published:
                files[path] = _Latest(record.published, record.id, versions)


class _Reading:
    """Reads blobs and files, and tells how far it is."""

    def __init__(self, workspace: Workspace, found: Verified, progress: Progress | None) -> None:
        self._workspace, self._found, self._progress = workspace, found, progress
        self._done = self.total = 0

    def verify_blob(self, run: str, part: Part) -> None:
        """Whether a blob that a record needs is there and unaltered."""
        self._found.blobs += 1
        store = self._workspace.blobs(part.digest)
        seen = see(store.path(part.digest), None, advance=self._advance)
        self._advance_small(seen.size)
        if seen.digest != part.digest:
            problem = {None: "altered", "missing": "lost"}.get(seen.unseen, "unreadable")
            self._found.findings.append(Finding(run, "blob", part.digest, problem, part.name))

    def verify_file(self, path: str, latest: _Latest) -> None:
        """Whether a file is still what the latest run that names it saw."""
        self._found.files += 1
        absolute = os.path.normpath(os.path.join(self._workspace.root, path))
        problem = self._compare(absolute, latest.versions)
        if problem is not None:
            self._found.findings.append(Finding(latest.run, "file", path, problem))

    def _compare(self, file: str, versions: list[FileVersion]) -> str | None:
        try:
            size = os.stat(file).st_size
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return "missing"
        except OSError:
            return "unreadable"
        if size not in {version.size for version in versions}:
            return "changed"
        seen = see(file, None, advance=self._advance)
        self._advance_small(seen.size)
        if seen.digest is None:
            return "missing" if seen.unseen == "missing" else "unreadable"
        return None if seen.digest in {version.digest for version in versions} else "changed"

    def _advance(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, max(self.total, self._done))

    def _advance_small(self, size: int | None) -> None:
        if size is not None and size <= BLOCK:  # of which `see` tells nothing
            self._advance(size)
