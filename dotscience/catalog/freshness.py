"""Whether the files on disk are still what the runs say: outputs that are stale, files that changed or are missing, files of
unknown origin."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import exists, select

from . import tables
from .catalog import Catalog, Where, catalogs
from .disk import CHANGED, MISSING, UNCHANGED, Disk
from .index import Progress
from .recorded import Recorded, known_digests, latest, recorded_of, recorded_under
from .rows import micros
from .steps import File, Lineage, Step
from .targets import Target
from .tracing import trace

__all__ = ["Changed", "Stale", "Status", "status"]

_NO_DATA = frozenset(("__pycache__", "node_modules"))
_MARKS_OF_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True)
class Stale:
    """An output that would come out differently if its run were repeated now.

    Attributes:
        path: relative to the workspace root; `run` made it.
        because: sentences, such as `data.csv changed since`.
    """

    path: str
    run: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """A recorded file whose bytes on disk are not those that its latest run saw, or that is not there any more.

    Attributes:
        role: `input` or `output`: what the file was to `run`.
        state: `changed since` or `missing`.
    """

    path: str
    role: str
    run: str
    state: str


@dataclass(frozen=True)
class Status:
    """How a workspace stands.

    Attributes:
        unrecorded: files whose bytes no run has read or written, sorted paths relative to the root. Hidden files, workloads,
            caches and Python environments are left out.
        truncated: there are more files in the workspace than were looked at.
    """

    workspace: str
    stale: tuple[Stale, ...]
    changed: tuple[Changed, ...]
    unrecorded: tuple[str, ...]
    truncated: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def status(workspace: Where = None, *, limit: int = 100_000, progress: Progress | None = None) -> Status:
    """Compare a workspace's files with its runs.

    Args:
        workspace: a folder of the workspace, by default the current directory.
        limit: how many files are looked at.
        progress: called with how many bytes of them were read, and how many there are.
    """
    (catalog,), disk = catalogs(workspace), Disk(progress)
    try:
        return _Comparison(catalog, disk, limit).status()
    finally:
        disk.save()


class _Comparison:
    def __init__(self, catalog: Catalog, disk: Disk, limit: int) -> None:
        self._catalog = catalog
        self._workspace = catalog.workspace
        self._disk = disk
        self._files, self._truncated = _files_below(self._workspace.root, limit)
        uses = recorded_under(catalog, self._files)
        self._latest = latest(uses)
        self._made = latest(one for one in uses if one.role == tables.OUTPUT)
        self._gone, self._moved = self._not_there()
        sizes = ((one, self._files[path].st_size) for path, one in self._latest.items())
        disk.expect(size for one, size in sizes if one.digest is not None and size == one.size)

    def status(self) -> Status:
        """All of it."""
        lineage = self._lineage()
        return Status(
            workspace=self._workspace.root,
            stale=tuple(self._stale(lineage)),
            changed=tuple(sorted(self._changed(lineage), key=lambda one: (one.role, one.path))),
            unrecorded=tuple(sorted(self._unrecorded())),
            truncated=self._truncated,
        )

    def _not_there(self) -> tuple[dict[str, Recorded], set[str]]:
        """The outputs that are missing, and the paths of those that a later run wrote elsewhere."""
        paths = self._catalog.read(lambda connection: set(connection.execute(_OUTPUTS).scalars()))
        root = self._workspace.root
        absent = [path for path in paths - self._files.keys() if not os.path.exists(os.path.join(root, path))]
        gone = latest(recorded_under(self._catalog, absent))
        gone = {path: one for path, one in gone.items() if self._state(one) == MISSING}
        digests = {one.digest for one in gone.values() if one.digest not in (None, tables.EMPTY)}
        written: dict[bytes | None, list[Recorded]] = defaultdict(list)
        for one in recorded_of(self._catalog, digests):
            if one.role == tables.OUTPUT:
                written[one.digest].append(one)
        moved = {
            path
            for path, one in gone.items()
            if any(other.path != path and other[:2] > one[:2] for other in written[one.digest])
        }
        return {path: one for path, one in gone.items() if path not in moved}, moved

    def _state(self, one: Recorded) -> str:
        return self._disk.state(
            one.path, one.workspace, None if one.digest is None else one.digest.hex(), one.size
        )

    def _lineage(self) -> Lineage:
        """Of every output that is on disk as its run left it."""
        targets = [
            Target(one.workspace, one.path, one.digest, one.size, one.unseen, UNCHANGED)
            for _, one in sorted(self._made.items())
            if self._state(one) == UNCHANGED
        ]
        return trace(targets, [self._catalog], self._disk, tables.OUTPUT, asked=self._workspace.root)

    def _stale(self, lineage: Lineage) -> Iterator[Stale]:
        """The outputs of runs that read what is different now, or what is stale itself."""
        newer = self._newer(lineage)
        reasons = {step.run: self._own_reasons(step, newer) for step in lineage.steps}
        readers: dict[str | None, list[Step]] = defaultdict(list)
        for step in lineage.steps:
            for maker in {file.made_by for file in step.inputs}:
                readers[maker].append(step)
        stale = {run for run, because in reasons.items() if because}
        spreading = list(stale)
        while spreading:
            for reader in readers[spreading.pop()]:
                if reader.run not in stale:
                    stale.add(reader.run)
                    spreading.append(reader.run)
        for step in lineage.steps:
            reasons[step.run] += [f"{file.path} is stale" for file in step.inputs if file.made_by in stale]
        for file in lineage.files:
            if file.made_by in stale:
                yield Stale(file.path, file.made_by, tuple(reasons[file.made_by]))

    def _own_reasons(self, step: Step, newer: Mapping[str, Recorded]) -> list[str]:
        """Why a run would read something else now, apart from inputs that are stale."""
        found = []
        for file in step.inputs:
            made = self._made.get(file.path) or newer.get(file.path)
            if made is not None and made.run == step.run:
                continue  # it changed the file in place
            if file.state == CHANGED:
                again = made is not None and self._state(made) == UNCHANGED
                found.append(
                    _made_again(made) if made is not None and again else f"{file.path} changed since"
                )
            elif file.state != UNCHANGED and made is not None and _is_newer(made, file, step):
                found.append(_made_again(made))
        return found

    def _newer(self, lineage: Lineage) -> Mapping[str, Recorded]:
        """The latest output under the path of each input that is not on disk."""
        gone = {file.path for step in lineage.steps for file in step.inputs if file.path not in self._made}
        return latest(one for one in recorded_under(self._catalog, gone) if one.role == tables.OUTPUT)

    def _changed(self, lineage: Lineage) -> Iterator[Changed]:
        roles = {tables.INPUT: "input", tables.OUTPUT: "output"}
        for one in self._latest.values():
            state = self._state(one)
            if state in (CHANGED, MISSING):
                yield Changed(one.path, roles[one.role], one.run, state)
        for one in self._gone.values():
            yield Changed(one.path, roles[one.role], one.run, MISSING)
        told = self._latest.keys() | self._gone.keys() | self._moved
        elsewhere: dict[str, Changed] = {}
        for step in sorted(lineage.steps, key=lambda step: step.started or _LONG_AGO, reverse=True):
            for file in step.inputs:
                if file.path not in told and file.state in (CHANGED, MISSING):
                    elsewhere.setdefault(file.path, Changed(file.path, "input", step.run, file.state))
        yield from elsewhere.values()

    def _unrecorded(self) -> list[str]:
        known = self._catalog.read(lambda connection: set(connection.execute(_WORKLOADS).scalars()))
        unknown = {
            path: stat for path, stat in self._files.items() if path not in self._latest and path not in known
        }
        sizes = (
            self._catalog.read(lambda connection: set(connection.execute(_SIZES).scalars()))
            if unknown
            else set()
        )
        digests: dict[str, bytes] = {}
        for path, stat in unknown.items():
            if stat.st_size in sizes:  # perhaps a copy, or moved here
                seen = self._disk.digest(os.path.join(self._workspace.root, path), stat, self._workspace)
                if seen.digest is not None and bytes.fromhex(seen.digest) != tables.EMPTY:
                    digests[path] = bytes.fromhex(seen.digest)
        copies = known_digests(self._catalog, set(digests.values()))
        return [path for path in unknown if digests.get(path) not in copies]


_OUTPUTS = select(tables.versions.c.path).where(
    tables.versions.c.digest.is_not(None),
    exists().where(tables.uses.c.version == tables.versions.c.key, tables.uses.c.role == tables.OUTPUT),
)
_SIZES = select(tables.versions.c.size).distinct()
_WORKLOADS = select(tables.runs.c.workload).distinct()
_LONG_AGO = datetime(1, 1, 1, tzinfo=timezone.utc)


def _is_newer(made: Recorded, file: File, step: Step) -> bool:
    """Whether a run wrote something else under an input's path after the step had read that."""
    read_at = micros(step.started) or 0
    return made.digest is not None and made.digest.hex() != file.digest and made.when > read_at


def _made_again(made: Recorded) -> str:
    return f"{made.path} was made again by run {made.run[:8]}"


def _files_below(root: str, limit: int) -> tuple[dict[str, os.stat_result], bool]:
    """Up to so many files that may hold data, by their path relative to the root, and whether there are more."""
    found: dict[str, os.stat_result] = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in _entries(os.path.join(root, folder)):
            path = f"{folder}{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                elif entry.is_file():
                    if len(found) >= limit:
                        return found, True
                    found[path] = entry.stat()
            except OSError:  # gone, or not ours to look at
                continue
    return found, False


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What lies in a folder and may hold data; nothing of a Python environment, nothing hidden."""
    try:
        with os.scandir(folder) as scan:
            entries = [
                entry for entry in scan if not entry.name.startswith(".") and entry.name not in _NO_DATA
            ]
    except OSError:
        return []
    return [] if any(entry.name in _MARKS_OF_ENVIRONMENTS for entry in entries) else entries
