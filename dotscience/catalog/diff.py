"""What differs between two runs."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ..records.files import FileVersion
from ..records.record import Record
from ..records.values import Json, plain
from .parts import Contents, code_files, packages_of, text_of

__all__ = [
    "Difference",
    "FileDifference",
    "Lines",
    "Side",
    "SourceDifference",
    "by_path",
    "diff",
    "environment_of",
    "git_of",
    "has_code",
    "is_same",
    "source_differences",
]

_MOST_LINES = 20_000
"""Of one source; comparing longer ones could take minutes."""


class Lines:
    """How many lines of sources may still be compared, by whoever compares many.

    Args:
        left: None for any number.
    """

    def __init__(self, left: int | None = None) -> None:
        self._left = left

    @property
    def is_used_up(self) -> bool:
        """Whether none may."""
        return self._left is not None and self._left <= 0

    def take(self, count: int) -> None:
        """So many are compared now."""
        if self._left is not None:
            self._left -= count


class Side(NamedTuple):
    """One of the two runs, and what opens the content that is kept of it."""

    record: Record
    contents: Contents


@dataclass(frozen=True)
class FileDifference:
    """A path of which the runs saw different bytes, or which only one of them names.

    Attributes:
        a, b: digests, or the word that says why there is none; None where the run does not name the path.
        elsewhere: the path under which the other run has the same bytes, where only one names this one.
    """

    path: str
    a: str | None
    b: str | None
    elsewhere: str | None = None


@dataclass(frozen=True)
class SourceDifference:
    """Code that differs.

    Attributes:
        what: a path, `cells`, or `uncommitted changes`.
        diff: lines of a unified diff; empty where a side is not kept, and then `note` says so.
    """

    what: str
    diff: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Difference:
    """Everything that differs between the runs `a` and `b`; what is the same is left out.

    Attributes:
        about, parameters, metrics, labels, environment, git: by name the values (a, b); None where a run has none.
        packages: by distribution the versions (a, b).
        notes: what could not be compared, and why.
    """

    a: str
    b: str
    about: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    parameters: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    metrics: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    labels: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    inputs: tuple[FileDifference, ...] = ()
    outputs: tuple[FileDifference, ...] = ()
    git: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    sources: tuple[SourceDifference, ...] = ()
    packages: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    environment: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs that could be compared."""
        return not any(value for name, value in vars(self).items() if name not in ("a", "b", "notes"))

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values."""
        return asdict(self)


def diff(a: Side, b: Side) -> Difference:
    """What differs between two runs.

    Raises:
        CorruptError: something that is kept of them cannot be read.
    """
    one, other = a.record, b.record
    notes: list[str] = []
    if has_code(one) != has_code(other):
        notes.append("The code cannot be compared: that of one of the runs is not known.")
    return Difference(
        one.id,
        other.id,
        about=_pairs(_about(one), _about(other)),
        parameters=_pairs(_plain(one.parameters), _plain(other.parameters)),
        metrics=_pairs(_plain(one.metrics), _plain(other.metrics)),
        labels=_pairs(_plain(one.labels), _plain(other.labels)),
        inputs=_files(one.inputs, other.inputs),
        outputs=_files(one.outputs, other.outputs),
        git=_pairs(git_of(one), git_of(other)),
        sources=source_differences(a, b, Lines()),
        packages=_packages(a, b, notes),
        environment=_pairs(environment_of(one), environment_of(other)),
        notes=tuple(notes),
    )


def source_differences(a: Side, b: Side, lines: Lines) -> tuple[SourceDifference, ...]:
    """What differs in the code of two runs: files, notebook cells, uncommitted changes.

    Of a run whose code, or whose repository, was not recorded, nothing is known to differ in that.

    Args:
        lines: when they are used up, it is only said that a source differs.
    """
    found: list[SourceDifference] = []
    if has_code(a.record) and has_code(b.record):
        found += [*_sources(a, b, lines), *_cells(a.record, b.record, lines)]
    if a.record.git and b.record.git:
        found += _uncommitted(a, b, lines)
    return tuple(found)


def has_code(record: Record) -> bool:
    """Whether any of the code of a run was recorded."""
    return bool(code_files(record) or record.code.get("cells"))


def is_same(name: str, one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether a name stands for the same in both: 1, 1.0 and True are equal in Python, and different things in a record."""
    a, b = one.get(name), other.get(name)
    try:
        return (name in one, type(a), a) == (name in other, type(b), b)
    except RecursionError:  # nested deeper than can be compared
        return False


def _pairs(one: Mapping[str, Json], other: Mapping[str, Json]) -> dict[str, tuple[Json, Json]]:
    return {
        name: (one.get(name), other.get(name))
        for name in sorted({*one, *other})
        if not is_same(name, one, other)
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Json]:
    return {name: plain(value) for name, value in values.items()}


def _about(record: Record) -> dict[str, Json]:
    names = ("status", "mode", "workload_file", "description", "error")
    return {name: getattr(record, name) for name in names if getattr(record, name) is not None}


def git_of(record: Record) -> dict[str, Json]:
    """What git said of a run, by name."""
    return {name: record.git[name] for name in ("commit", "branch", "remote", "dirty") if name in record.git}


def environment_of(record: Record) -> dict[str, Json]:
    """What surrounded a run, by name: the parts of `cpu` as `cpu.model`, variables as `$NAME`, `argv` as a `command`."""
    found: dict[str, Json] = {}
    for name, value in record.environment.items():
        if name == "argv" and isinstance(value, list):
            found["command"] = shlex.join(map(str, value))
        elif name == "variables" and isinstance(value, dict):
            found |= {f"${variable}": each for variable, each in value.items()}
        elif isinstance(value, dict) and name != "packages":
            found |= {f"{name}.{part}": each for part, each in value.items()}
        elif name not in ("packages", "variables"):
            found[name] = value
    return found


# Files


def _files(one: Iterable[FileVersion], other: Iterable[FileVersion]) -> tuple[FileDifference, ...]:
    a, b = by_path(one), by_path(other)
    places_a, places_b = _by_digest(a), _by_digest(b)
    differences = []
    for path in sorted({*a, *b}):
        if a.get(path) != b.get(path):
            elsewhere = None
            if path not in b:
                elsewhere = places_b.get(a[path])
            elif path not in a:
                elsewhere = places_a.get(b[path])
            differences.append(FileDifference(path, a.get(path), b.get(path), elsewhere))
    return tuple(differences)


def by_path(versions: Iterable[FileVersion]) -> dict[str, str]:
    """By path the digest, or the word that says why there is none; several where a file was read several times."""
    found: dict[str, str] = {}
    for version in versions:
        said = version.digest or version.unseen or "unknown"
        found[version.path] = f"{found[version.path]} {said}" if version.path in found else said
    return found


def _by_digest(files: Mapping[str, str]) -> dict[str, str]:
    return {digest: path for path, digest in files.items() if len(digest) == 64}


# Code


def _sources(a: Side, b: Side, lines: Lines) -> Iterable[SourceDifference]:
    one = {version.path: version for version in code_files(a.record)}
    other = {version.path: version for version in code_files(b.record)}
    for path in sorted({*one, *other}):
        before, after = one.get(path), other.get(path)
        if (before and before.digest) != (after and after.digest):
            kept = [
                ("" if version is None else version.digest if version.kept else None)
                for version in (before, after)
            ]
            yield _kept_source(path, kept, (a, b), lines)


def _uncommitted(a: Side, b: Side, lines: Lines) -> Iterable[SourceDifference]:
    known = [_changes(side.record.git) for side in (a, b)]
    if known[0] != known[1] and _NOT_LOOKED_AT not in known:
        kept = [None if each == _NOT_KEPT else each for each in known]
        yield _kept_source("uncommitted changes", kept, (a, b), lines)


_NOT_KEPT, _NOT_LOOKED_AT = "not kept", "not looked at"


def _changes(git: Mapping[str, Json]) -> str:
    """The digest of uncommitted changes, "" where there are none, or why there is neither, such as a repository too large."""
    digest, is_dirty = _digest(git.get("diff")), git.get("dirty")
    if digest is not None:
        return digest
    return "" if is_dirty is False else _NOT_LOOKED_AT if is_dirty is None else _NOT_KEPT


def _digest(place: object) -> str | None:
    digest = place.get("sha256") if isinstance(place, dict) else None
    return digest if isinstance(digest, str) else None


def _cells(one: Record, other: Record, lines: Lines) -> Iterable[SourceDifference]:
    a, b = _cell_text(one), _cell_text(other)
    if a != b:
        yield _source("cells", a, b, lines)


def _cell_text(record: Record) -> str:
    """The cells that ran in the run, in the order they ran, without their numbers."""
    cells = record.code.get("cells")
    ran = [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    return "\n\n".join(str(cell.get("source", "")) for cell in ran if cell.get("in_run", True))


def _kept_source(
    what: str, digests: Sequence[str | None], sides: tuple[Side, Side], lines: Lines
) -> SourceDifference:
    """A source by the digests of its two contents: "" where a side has none of it, None where it was not kept."""
    if lines.is_used_up:  # so nothing need be read
        return _source(what, "", "", lines)
    before, after = (
        text_of(digest, side.contents) if digest != "" else ""
        for digest, side in zip(digests, sides, strict=True)
    )
    return _source(what, before, after, lines)


def _source(what: str, before: str | None, after: str | None, lines: Lines) -> SourceDifference:
    if lines.is_used_up:
        return SourceDifference(what, (), "it differs; it is not compared, because so much else is")
    if before is None or after is None:
        return SourceDifference(what, (), "it differs; how is not known, because not both contents are kept")
    one, other = before.splitlines(), after.splitlines()
    if len(one) + len(other) > _MOST_LINES:
        return SourceDifference(
            what, (), f"it differs; with more than {_MOST_LINES} lines it is not compared"
        )
    lines.take(len(one) + len(other))
    differing = difflib.unified_diff(one, other, f"a/{what}", f"b/{what}", lineterm="")
    return SourceDifference(what, tuple(differing))


def _packages(a: Side, b: Side, notes: list[str]) -> dict[str, tuple[Json, Json]]:
    digests = [_digest(side.record.environment.get("packages")) for side in (a, b)]
    if digests[0] == digests[1]:
        return {}
    one, other = (packages_of(side.record, side.contents) for side in (a, b))
    if one is None or other is None:
        notes.append("The packages cannot be compared: the list of one of the runs is not known.")
        return {}
    return _pairs(one, other)
