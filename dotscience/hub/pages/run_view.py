"""A run as its page shows it: what a record may hold without bounds is cut to what a reader takes in."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ...catalog.parts import code_files
from ...records.files import CHANGES, UNSEEN, FileVersion
from ...records.record import ARTEFACT, Record
from ...records.values import plain
from ..services.contents import is_digest
from ..services.runs import HubRun
from . import words

__all__ = [
    "Environment",
    "Files",
    "Group",
    "RunView",
    "Source",
    "Value",
    "clipped",
    "file_words",
    "files_of",
    "view",
]

_MOST_VALUE, _MOST_VALUES, _MOST_TEXT = 2000, 500, 100_000
_MOST_FILES, _MOST_GROUPS, _FLAT = 100, 100, 25


@dataclass(frozen=True)
class Value:
    """A name and what was said of it, as text; `is_number` puts it on the right, `rest` counts characters left out."""

    name: str
    text: str
    is_number: bool = False
    rest: int = 0


@dataclass(frozen=True)
class Values:
    """Parameters, metrics or labels; `left_out` more are in the JSON."""

    title: str
    found: list[Value]
    left_out: int


@dataclass(frozen=True)
class File:
    """One file version: with what a reader should know of it, and its name as it stands in addresses."""

    version: FileVersion
    words: str
    quoted: str


@dataclass(frozen=True)
class Group:
    """Files of one directory: how many and how large, and those of them that are shown."""

    directory: str
    count: int
    size: int
    shown: list[File]


@dataclass(frozen=True)
class Files:
    """The files of one role."""

    role: str
    count: int
    shown: int
    groups: list[Group]

    @property
    def is_flat(self) -> bool:
        """Whether they are so few that directories would only be in the way."""
        return self.count <= _FLAT


@dataclass(frozen=True)
class Source:
    """Something that can be opened on the page: its digest where it is kept, its name as it stands in addresses."""

    title: str
    digest: str | None
    quoted: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A notebook cell that ran."""

    count: int | None
    source: str


@dataclass(frozen=True)
class Environment:
    """What surrounded the run."""

    git: list[Value]
    host: list[Value]
    variables: list[Value]
    packages: int | None
    has_packages: bool


@dataclass(frozen=True)
class RunView:
    """All that the page shows of a run beside its files."""

    run: HubRun
    title: str
    about: list[Value]
    values: list[Values]
    models: list[Value]
    inputs: Files
    outputs: Files
    sources: list[Source]
    cells: list[Cell]
    cells_left_out: int
    environment: Environment
    traceback: str | None
    notices: list[str]
    notices_left_out: int
    series: int


def clipped(value: object, most: int = _MOST_VALUE) -> tuple[str, int]:
    """A plain value as a text of at most so many characters, and how many are left out."""
    try:
        text = words.number(value) if isinstance(value, float) else "" if value is None else str(value)
    except (RecursionError, ValueError):  # nested too deep; a number of thousands of digits
        text = "(a value that cannot be written)"
    return words.visible(text[:most]), max(0, len(text) - most)


def view(run: HubRun) -> RunView:
    """A run as its page shows it."""
    record = run.record
    code = record.code
    cells = [_cell(cell) for cell in _listed(code.get("cells")) if _ran(cell)]
    notices = [clipped(notice)[0] for notice in record.notices[:100]]
    traceback = record.process.get("traceback")
    names = record.series.get("names")
    return RunView(
        run,
        words.brief(record.description or record.workload_file or f"Run {record.id}", 160),
        list(_about(run)),
        [
            _values("Metrics", record.metrics),
            _values("Parameters", record.parameters),
            _values(
                "Labels",
                {name: value for name, value in record.labels.items() if not name.startswith(ARTEFACT)},
            ),
        ],
        [_model(name, declared) for name, declared in list(record.models.items())[:_MOST_VALUES]],
        files_of("inputs", record.inputs),
        files_of("outputs", record.outputs),
        _sources(record),
        cells[:300],
        max(0, len(cells) - 300),
        _environment(record),
        clipped(traceback, _MOST_TEXT)[0] if isinstance(traceback, str) else None,
        notices,
        max(0, len(record.notices) - len(notices)),
        len(names) if isinstance(names, dict) else 0,
    )


def _about(run: HubRun) -> Iterable[Value]:
    record = run.record
    rank, world = record.process.get("rank"), record.process.get("world_size")
    for name, value in (
        ("mode", record.mode),
        ("workload", record.workload_file),
        ("continues", record.continues),
        ("corrects", record.corrects),
        ("host", record.workspace.get("host")),
        ("folder", record.workspace.get("root")),
        ("rank", None if rank is None else f"{rank} of {world}" if world is not None else rank),
        ("execution", record.process.get("execution")),
    ):
        if value is not None and value != "":
            yield _value(name, value)


def _value(name: str, value: object) -> Value:
    text, rest = clipped(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Value(words.visible(name[:500]), text, is_number, rest)


def _values(title: str, found: Mapping[str, Any]) -> Values:
    shown = [_value(name, plain(value)) for name, value in sorted(found.items())[:_MOST_VALUES]]
    return Values(title, shown, max(0, len(found) - len(shown)))


def _model(name: str, declared: Mapping[str, Any]) -> Value:
    files = declared.get("files")
    paths = ", ".join(clipped(path, 300)[0] for path in (files if isinstance(files, dict) else {}).values())
    kind, version = clipped(declared.get("type"), 100)[0], clipped(declared.get("version"), 100)[0]
    return Value(words.visible(name[:500]), f"{kind} {version}: {paths}")


def files_of(role: str, versions: Sequence[FileVersion], most: int = _MOST_FILES) -> Files:
    """The files of one role by directory, at most so many of them shown."""
    by_directory: dict[str, list[FileVersion]] = {}
    is_flat = len(versions) <= _FLAT
    for version in sorted(versions, key=lambda version: version.path):
        directory = "" if is_flat else version.path.rpartition("/")[0]
        by_directory.setdefault(directory, []).append(version)
    groups, room = [], most
    for directory, found in list(by_directory.items())[: _MOST_GROUPS if most == _MOST_FILES else None]:
        shown = [_file(version) for version in found[: max(0, room)]]
        room -= len(shown)
        groups.append(Group(directory, len(found), sum(version.size or 0 for version in found), shown))
    return Files(role, len(versions), most - room, groups)


def _file(version: FileVersion) -> File:
    return File(version, file_words(version), quoted(version.path))


def quoted(name: str) -> str:
    """The end of a name, which says how to read the file, as it stands in an address."""
    return quote(name[-200:].encode("utf-8", "replace"), safe="")


def file_words(version: FileVersion) -> str:
    """What a reader should know of a file version beside its digest."""
    said = []
    if version.unseen is not None:
        said.append(f"unseen: {UNSEEN.get(version.unseen, clipped(version.unseen, 100)[0])}")
    elif version.digest is not None and not version.kept:
        said.append("fingerprint only")
    if version.changed is not None:
        said.append(CHANGES.get(version.changed, clipped(version.changed, 100)[0]))
    return "; ".join(said)


def _sources(record: Record) -> list[Source]:
    found = []
    for version in code_files(record)[:200]:
        kept = version.digest if version.kept else None
        note = file_words(version) if kept is None or version.changed else ""
        found.append(Source(words.visible(version.path[:500]), kept, quoted(version.path), note))
    diff = record.git.get("diff")
    digest = diff.get("sha256") if isinstance(diff, dict) else None
    if isinstance(digest, str) and is_digest(digest):
        found.append(Source("Changes since the commit", digest, "changes.diff"))
    unknown = record.code.get("workload_unknown")
    if isinstance(unknown, str):
        found.append(Source("The script or notebook is not known", None, "", clipped(unknown)[0]))
    return found


def _ran(cell: object) -> bool:
    return isinstance(cell, dict) and bool(cell.get("in_run", True))


def _cell(cell: Mapping[str, Any]) -> Cell:
    count, source = cell.get("count"), cell.get("source")
    return Cell(
        count if isinstance(count, int) and abs(count) < 1 << 63 else None,
        source[:_MOST_TEXT] if isinstance(source, str) else "",
    )


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _environment(record: Record) -> Environment:
    around, git = record.environment, record.git
    packages = _mapping(around.get("packages"))
    count = packages.get("count")
    return Environment(
        [
            _value(name, git[name])
            for name in ("commit", "branch", "remote", "dirty", "untracked")
            if name in git
        ],
        list(_host(around)),
        [
            _value(name, value)
            for name, value in sorted(_mapping(around.get("variables")).items())[:_MOST_VALUES]
        ],
        count if isinstance(count, int) and abs(count) < 1 << 63 else None,
        isinstance(packages.get("sha256"), str),
    )


def _host(around: Mapping[str, Any]) -> Iterable[Value]:
    argv = around.get("argv")
    if isinstance(argv, list) and argv:
        yield _value("command", shlex.join(clipped(each, 4000)[0] for each in argv[:1000]))
    for name in ("executable", "platform"):
        if name in around:
            yield _value(name, around[name])
    python = " ".join(
        clipped(around[name], 200)[0] for name in ("implementation", "python") if name in around
    )
    if python:
        yield _value("python", python)
    cpu = _mapping(around.get("cpu"))
    if cpu:
        yield _value("cpu", f"{clipped(cpu.get('count'), 20)[0]} × {clipped(cpu.get('model'), 200)[0]}")
    ram = around.get("ram")
    if isinstance(ram, int) and 0 <= ram < 1 << 63:
        yield _value("memory", words.size(ram))
    for gpu in _listed(around.get("gpus"))[:64]:
        said = _mapping(gpu)
        memory = said.get("memory")
        size = f", {words.size(memory)}" if isinstance(memory, int) and 0 <= memory < 1 << 63 else ""
        yield _value("gpu", f"{clipped(said.get('name'), 200)[0]}{size}")
