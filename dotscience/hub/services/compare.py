"""Runs side by side: what differs between them, in values, files, code and packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...catalog.diff import (
    Lines,
    Side,
    SourceDifference,
    by_path,
    environment_of,
    git_of,
    has_code,
    is_same,
    source_differences,
)
from ...catalog.parts import packages_of
from ...errors import CorruptError
from ...records.files import FileVersion
from ...records.record import ARTEFACT, Record
from ...records.values import Json, plain
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from .contents import contents_of
from .projects import visible
from .series import find_record, summaries

__all__ = ["MOST_RUNS", "Comparison", "Line", "Section", "compare"]

MOST_RUNS = 20

_LARGEST_TEXT = 1 << 20
"""Bytes of code, changes or lists of packages that are compared."""

_MOST_LINES = 100_000
"""Of all sources of all runs: comparing takes its time for each line."""

_MOST_FILES = 2000
"""Paths of inputs, and of outputs, that are named."""


@dataclass(frozen=True)
class Line:
    """One name with its value in each run, in the order of the runs; None where a run has none."""

    name: str
    values: tuple[Json, ...]
    differs: bool


@dataclass(frozen=True)
class Section:
    """What is said of one kind of thing; `left_out` lines more differ than are named."""

    title: str
    lines: tuple[Line, ...]
    left_out: int = 0

    @property
    def differs(self) -> bool:
        """Whether any line does."""
        return any(line.differs for line in self.lines)


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: the first is what the others are compared with.
        projects: of each run, by its id.
        values: status and texts, parameters, metrics, labels, git, environment.
        packages: the distributions that differ, by version.
        files: the inputs and the outputs that differ, by digest, or by the word that says why there is none.
        sources: how the code of each further run differs from the first's, by the run's id.
        series: names of the series that a run has.
        notes: what could not be compared, and why.
    """

    runs: tuple[Record, ...]
    projects: Mapping[str, str]
    values: tuple[Section, ...]
    packages: Section
    files: tuple[Section, ...]
    sources: Mapping[str, tuple[SourceDifference, ...]]
    series: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        fields = {name: getattr(self, name) for name in ("series", "notes")}
        return {
            "runs": [run.id for run in self.runs],
            "projects": self.projects,
            "values": [asdict(section) for section in self.values],
            "packages": asdict(self.packages),
            "files": [asdict(section) for section in self.files],
            "sources": {run: [asdict(source) for source in found] for run, found in self.sources.items()},
            **fields,
        }


def compare(hub: Hub, access: Access, runs: Sequence[str]) -> Comparison:
    """Compare runs of the projects that the asker may view.

    Raises:
        Problem: 422, they are fewer than two, or too many; 404, one of them is in none of these projects.
    """
    wanted = list(dict.fromkeys(runs))
    if not 2 <= len(wanted) <= MOST_RUNS:
        raise Problem(422, f"Compare 2 to {MOST_RUNS} runs; {len(wanted)} are named.", "runs")
    seen = visible(hub, access.asker) | {access.here.id}
    found = hub.read(lambda connection: [find_record(connection, seen, run) for run in wanted])
    sides = [Side(known.record, contents_of(hub, known.project, _LARGEST_TEXT)) for known in found]
    records = [side.record for side in sides]
    notes: list[str] = []
    return Comparison(
        tuple(records),
        {known.record.id: known.project for known in found},
        tuple(_values(records)),
        _packages(sides, notes),
        (
            _files("Inputs", [record.inputs for record in records]),
            _files("Outputs", [record.outputs for record in records]),
        ),
        _sources(sides, notes),
        tuple(sorted({said["name"] for record in records for said in summaries(record)})),
        tuple(notes),
    )


def _values(records: Sequence[Record]) -> Iterable[Section]:
    parts: tuple[tuple[str, Callable[[Record], Mapping[str, Json]]], ...] = (
        ("Run", _about),
        ("Parameters", lambda record: _plain(record.parameters)),
        ("Metrics", lambda record: _plain(record.metrics)),
        ("Labels", lambda record: _plain(record.labels)),
        ("Git", git_of),
        ("Environment", environment_of),
    )
    for title, part in parts:
        yield Section(title, tuple(_lines([part(record) for record in records])))


def _lines(found: Sequence[Mapping[str, Json]]) -> Iterable[Line]:
    """What differs first; each group in the order of the names."""
    names = sorted({name for values in found for name in values})
    first, *others = found
    lines = [
        Line(
            name,
            tuple(values.get(name) for values in found),
            not all(is_same(name, first, other) for other in others),
        )
        for name in names
    ]
    return sorted(lines, key=lambda line: not line.differs)


def _plain(values: Mapping[str, Any]) -> dict[str, Json]:
    return {name: plain(value) for name, value in values.items() if not name.startswith(ARTEFACT)}


def _about(record: Record) -> dict[str, Json]:
    took = None if record.started is None or record.ended is None else record.ended - record.started
    said = {
        "status": record.status,
        "description": record.description,
        "error": record.error,
        "mode": record.mode,
        "workload": record.workload_file,
        "seconds": None if took is None else took.total_seconds(),
        "host": record.workspace.get("host"),
    }
    return {name: value for name, value in said.items() if value is not None}


def _files(title: str, found: Sequence[tuple[FileVersion, ...]]) -> Section:
    lines = [line for line in _lines([by_path(versions) for versions in found]) if line.differs]
    return Section(title, tuple(lines[:_MOST_FILES]), max(0, len(lines) - _MOST_FILES))


def _packages(sides: Sequence[Side], notes: list[str]) -> Section:
    lists: list[Mapping[str, str]] = []
    unknown = 0
    for side in sides:
        try:
            found = packages_of(side.record, side.contents)
        except (CorruptError, RecursionError):
            found = None
        unknown += found is None
        lists.append(found or {})
    if 0 < unknown < len(sides):
        notes.append("The packages of some of the runs are not known.")
    return Section("Packages", tuple(line for line in _lines(lists) if line.differs))


def _sources(sides: Sequence[Side], notes: list[str]) -> dict[str, tuple[SourceDifference, ...]]:
    if 0 < sum(has_code(side.record) for side in sides) < len(sides):
        notes.append("The code of some of the runs is not known.")
    first, *others = sides
    lines = Lines(_MOST_LINES)
    found: dict[str, tuple[SourceDifference, ...]] = {}
    for other in others:
        differences = source_differences(first, other, lines)
        if differences:
            found[other.record.id] = differences
    return found
