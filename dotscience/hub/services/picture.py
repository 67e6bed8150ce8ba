"""A lineage as boxes and arrows: what is alike is one box, so that thousands of files stay one calm drawing.

Files of one folder that the same runs made and read are one box, and so are runs of the same workload that read the same
and whose results nobody read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...catalog.lineage import File, Lineage, Step

__all__ = ["FILE", "FILES", "MORE", "RUN", "RUNS", "Box", "Picture", "picture_of"]

FILE, FILES, RUN, RUNS, MORE = "file", "files", "run", "runs", "more"
"""Kinds of boxes: one of a thing, several of them, and what is not drawn."""

_ALONE = 3
"""Up to so many alike files of a folder, or alike runs, are drawn one by one."""

_MOST_RUNS = 120
"""Runs that are drawn, nearest first."""

_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True)
class Box:
    """One box.

    Attributes:
        kind: `FILE`, `FILES`, `RUN`, `RUNS` or `MORE`.
        files: the file versions that it stands for; `steps`: the runs.
        folder: path of the folder that `FILES` are in, "" for the workspace's root.
        is_asked: it is, or holds, what was asked about.
    """

    key: str
    kind: str
    files: tuple[File, ...] = ()
    steps: tuple[Step, ...] = ()
    folder: str = ""
    is_asked: bool = False


@dataclass(frozen=True)
class Picture:
    """Boxes, and arrows between their keys, from what came first to what came of it."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[str, str], ...]


@dataclass
class _Node:
    """A file version, with the runs of the picture that wrote and read it."""

    file: File
    makers: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    is_asked: bool = False


def picture_of(up: Lineage, down: Lineage, *, asked_run: str | None = None) -> Picture:
    """The drawing of what something came from and what was made from it.

    Args:
        asked_run: the run that was asked about, where it was one.
    """
    steps = _steps(up, down)
    nodes = _nodes(up, down, steps, asks_files=asked_run is None)
    crowd = _alike_runs(steps, nodes, asked_run)
    boxes: list[Box] = []
    box_of_run: dict[str, str] = {}
    for key, members in crowd.items():
        kind = RUN if len(members) == 1 else RUNS
        found = tuple(steps[run] for run in members)
        boxes.append(Box(key, kind, steps=found, is_asked=asked_run in members))
        box_of_run.update((run, key) for run in members)
    arrows: dict[tuple[str, str], None] = {}
    for box, makers, readers in _file_boxes(nodes.values(), box_of_run):
        boxes.append(box)
        arrows.update(((maker, box.key), None) for maker in sorted(makers))
        arrows.update(((box.key, reader), None) for reader in sorted(readers))
    if up.truncated or down.truncated or len(steps) < len({step.run for step in (*up.steps, *down.steps)}):
        boxes.append(Box("more", MORE))
    return Picture(tuple(boxes), tuple(arrows))


def _steps(up: Lineage, down: Lineage) -> dict[str, Step]:
    found: dict[str, Step] = {}
    for step in sorted((*up.steps, *down.steps), key=lambda step: step.depth):
        if step.run in found or len(found) < _MOST_RUNS:
            found.setdefault(step.run, step)
    return found


def _nodes(up: Lineage, down: Lineage, steps: Mapping[str, Step], *, asks_files: bool) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}

    def node(file: File) -> _Node:
        return nodes.setdefault(_identity(file), _Node(file))

    for lineage in (up, down):
        for step in lineage.steps:
            if step.run not in steps:
                continue
            for file in step.inputs:
                node(file).readers.add(step.run)
            for file in step.outputs:
                node(file).makers.add(step.run)
            for file in (*step.inputs, *step.outputs):
                _join(node(file), file, steps)
    if asks_files:
        for file in (*up.files, *down.files):
            asked = node(file)
            asked.is_asked = True
            _join(asked, file, steps)
    return nodes


def _join(node: _Node, file: File, steps: Mapping[str, Step]) -> None:
    if file.made_by in steps:
        node.makers.add(str(file.made_by))
    node.readers.update(run for run in file.used_by if run in steps)


def _identity(file: File) -> str:
    if file.digest is None or file.digest == _EMPTY:
        return f"{file.workspace} {file.path} {file.digest or ''}"
    return file.digest


def _alike_runs(
    steps: Mapping[str, Step], nodes: Mapping[str, _Node], asked: str | None
) -> dict[str, list[str]]:
    """Runs by the key of their box."""
    read: dict[str, set[str]] = defaultdict(set)
    led_on: set[str] = set()
    for key, node in nodes.items():
        for run in node.readers:
            read[run].add(key)
        if node.readers or node.is_asked:
            led_on |= node.makers
    alike: dict[object, list[str]] = defaultdict(list)
    for run, step in steps.items():
        is_special = run == asked or run in led_on
        alike[run if is_special else (step.workload_file, frozenset(read[run]), step.workspace)].append(run)
    found: dict[str, list[str]] = {}
    for members in alike.values():
        if len(members) > _ALONE:
            found[f"runs {members[0]}"] = members
        else:
            found.update((f"run {run}", [run]) for run in members)
    return found


def _file_boxes(
    nodes: Iterable[_Node], box_of_run: Mapping[str, str]
) -> Iterator[tuple[Box, frozenset[str], frozenset[str]]]:
    alike: dict[tuple[str, str, frozenset[str], frozenset[str], bool], list[_Node]] = defaultdict(list)
    for node in nodes:
        makers = frozenset(box_of_run[run] for run in node.makers)
        readers = frozenset(box_of_run[run] for run in node.readers)
        folder = node.file.path.rpartition("/")[0]
        alike[node.file.workspace, folder, makers, readers, node.is_asked].append(node)
    number = 0
    for (_, folder, makers, readers, is_asked), members in alike.items():
        groups = [members] if len(members) > _ALONE else [[member] for member in members]
        for group in groups:
            number += 1
            files = tuple(sorted((node.file for node in group), key=lambda file: file.path))
            kind = FILE if len(files) == 1 else FILES
            yield (
                Box(f"file {number}", kind, files=files, folder=folder, is_asked=is_asked),
                makers,
                readers,
            )
