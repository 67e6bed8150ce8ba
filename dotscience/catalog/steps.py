"""What a question of lineage is answered with: runs, the file versions they read and wrote, and how these hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ..records.times import iso
from .disk import STATES

__all__ = ["STATES", "File", "Lineage", "Step"]


@dataclass(frozen=True)
class File:
    """One file version in a lineage.

    Attributes:
        path: as recorded, relative to the root of `workspace`.
        digest: sha256, or None where the bytes were not seen (then `unseen` says why).
        size: in bytes.
        state: a key of `STATES`.
        producers: in `why`, how many runs wrote these bytes.
        made_by: id of the run that is taken as their origin, or None when no run is known. Of several that is the one that
            wrote them last before they were read.
        used_by: in `impact`, ids of the runs that read these bytes, newest first; of very many, on a Hub, the newest.
    """

    path: str
    workspace: str
    digest: str | None
    size: int | None = None
    unseen: str | None = None
    state: str = "unknown"
    producers: int = 0
    made_by: str | None = None
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One run in a lineage.

    Attributes:
        depth: how many runs lie between it and the file asked about.
        command: the command line, shell-quoted.
        commit: the git commit, `dirty` whether there were uncommitted changes.
        inputs: in `why` all that the run read; in `impact` those on the way from the file asked about.
        outputs: in `why` those on the way to the file asked about; in `impact` all that the run wrote.
    """

    run: str
    workspace: str
    depth: int
    status: str
    started: datetime | None
    ended: datetime | None
    published: datetime | None
    description: str | None
    mode: str | None
    workload_file: str | None
    command: str | None
    commit: str | None
    dirty: bool | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    inputs: tuple[File, ...]
    outputs: tuple[File, ...]


@dataclass(frozen=True)
class Lineage:
    """The graph that leads to, or from, the files asked about.

    Whoever follows `made_by` or `used_by` from file to step must remember where they have been: records that contradict
    each other can form a circle.

    Attributes:
        asked: the file or digest as it was asked for.
        files: what that was found to be: one file version, or those of all files in a directory. A state of `changed since`
            says that no run knows the bytes on disk; the latest version recorded under that path stands here instead.
        steps: every run once, nearest first.
        truncated: there is more beyond the depth asked for.
    """

    asked: str
    files: tuple[File, ...]
    steps: tuple[Step, ...]
    truncated: bool

    def step(self, run: str | None) -> Step | None:
        """The step of that run, to go on from `File.made_by` or `File.used_by`; None when it is not among the steps."""
        return self._by_run.get(run)

    @cached_property
    def _by_run(self) -> Mapping[str | None, Step]:
        return {step.run: step for step in self.steps}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; times in ISO 8601."""
        wire = asdict(self)
        for step in wire["steps"]:
            for name in ("started", "ended", "published"):
                step[name] = step[name] and iso(step[name])
        return wire
