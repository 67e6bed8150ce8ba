"""Walks the graph run ↔ file version from some files or a run, a level at a time: a few statements per level, however many
files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, select

from . import tables
from .database import in_parts
from .disk import Disk, NoDisk
from .place import Place, of_shards
from .row import read_values, run_columns
from .rows import from_micros
from .steps import File, Lineage, Step
from .targets import Target

__all__ = ["trace", "trace_run"]

_T = TypeVar("_T")
_Content = tuple[bytes | None, str]


class _Key(NamedTuple):
    """A run: the index of its place, and its `runs.key` there."""

    place: int
    run: int


class _Use(NamedTuple):
    """A file version that a run read or wrote, or that is asked about."""

    path: str
    digest: bytes | None
    size: int | None
    unseen: str | None


class _Link(NamedTuple):
    """A run that read or wrote certain bytes; times in microseconds since the Unix epoch."""

    key: _Key
    run: str
    workspace: str
    began: float
    ended: float
    use: _Use


@dataclass(frozen=True)
class _Met:
    """The runs that wrote (or read) certain bytes, newest first. A run stands here once for each path."""

    links: Sequence[_Link]

    @cached_property
    def by_run(self) -> Mapping[_Key, Sequence[_Link]]:
        """The links of each run."""
        found: dict[_Key, list[_Link]] = defaultdict(list)
        for link in self.links:
            found[link.key].append(link)
        return found

    def besides(self, node: _Node | None) -> Sequence[_Link]:
        """Those of runs other than that one."""
        if node is None or node.key not in self.by_run:
            return self.links
        return [link for link in self.links if link.key != node.key]


@dataclass
class _Node:
    """A run on the way.

    Attributes:
        near: files by which the walk came to it; `far`: those by which it goes on.
    """

    key: _Key
    depth: int
    facts: Mapping[str, Any]
    near: dict[_Use, None] = field(default_factory=dict)
    far: list[_Use] = field(default_factory=list)

    @property
    def workspace(self) -> str:
        """The root of its workspace, or the id of its project."""
        return str(self.facts["workspace"])


def trace(
    targets: Sequence[Target],
    places: Sequence[Place],
    disk: Disk | NoDisk,
    role: int,
    *,
    asked: str,
    depth: int | None = None,
    most: int | None = None,
) -> Lineage:
    """The lineage of some files.

    Args:
        places: catalogs to look in.
        role: OUTPUT goes to the run that wrote a file and on to what that read; INPUT to all runs that read it and on to
            what they wrote.
        depth: how many runs to go; None for all.
        most: how many runs to visit; None for all.
    """
    walk = _Walk(places, disk, role, most)
    truncated = walk.go(targets, depth)
    return Lineage(asked, tuple(map(walk.target_file, targets)), walk.steps(), truncated)


def trace_run(
    run: str,
    key: int,
    place: Place,
    disk: Disk | NoDisk,
    role: int,
    *,
    depth: int | None = None,
    most: int | None = None,
) -> Lineage:
    """The lineage of all that a run wrote. The run itself is the nearest step, whether it wrote anything or not.

    Args:
        key: its `runs.key` in the place; other arguments as for `trace`.
    """
    walk = _Walk([place], disk, role, most)
    truncated = walk.go_from(_Key(0, key), depth)
    steps = walk.steps()
    return Lineage(run, steps[0].outputs, steps, truncated)


_FILES_OF_RUN = 100
"""Of each run that may be visited, so many files may be told of; one may have a hundred thousand."""


class _Walk:
    def __init__(self, places: Sequence[Place], disk: Disk | NoDisk, role: int, most: int | None) -> None:
        self._places = places
        self._disk = disk
        self._most = most
        self._files_left = None if most is None else most * _FILES_OF_RUN
        self._longest = min((place.longest for place in places if place.longest is not None), default=None)
        self._near = role
        self._far = tables.INPUT if role == tables.OUTPUT else tables.OUTPUT
        self._nodes: dict[_Key, _Node] = {}
        self._links: dict[_Content, list[_Link]] = {}
        self._met: dict[tuple[_Content, str | None], _Met] = {}
        self._is_cut = False

    def go(self, targets: Sequence[Target], depth: int | None) -> bool:
        """Walk from files; whether there is more than that."""
        self._look_up(map(_use, targets))
        ways = [way for target in targets for way in self._ways(_use(target), target.workspace, None)]
        return self._follow(ways, 0, depth)

    def go_from(self, key: _Key, depth: int | None) -> bool:
        """Walk from a run, which is visited in any case; whether there is more than that."""
        facts = self._gather([key], partial(_facts, longest=self._longest))[key]
        (near, far) = (self._used([key], role).get(key, []) for role in (self._near, self._far))
        node = self._nodes[key] = _Node(key, 0, facts, dict.fromkeys(near), far)
        self._look_up([*near, *far])
        return self._follow(self._onward([node]), 1, depth)

    def _follow(self, ways: list[_Link], level: int, depth: int | None) -> bool:
        while ways:
            new = [] if level == depth else self._visit(ways, level)
            if any(way.key not in self._nodes for way in ways):
                return True
            self._look_up(use for node in new for use in node.far)
            ways = self._onward(new)
            level += 1
        return self._is_cut

    def _onward(self, nodes: Iterable[_Node]) -> list[_Link]:
        """Where the walk goes from runs."""
        return [way for node in nodes for use in node.far for way in self._ways(use, node.workspace, node)]

    def target_file(self, target: Target) -> File:
        """What is asked about, as a file of the lineage."""
        return self._file(_use(target), target.workspace, None, target.state)

    def steps(self) -> tuple[Step, ...]:
        """The runs that were visited, nearest first and newest first."""
        values = self._gather(self._nodes, partial(_values, longest=self._longest))
        nodes = sorted(self._nodes.values(), key=lambda node: (node.depth, -(node.facts["started"] or 0)))
        return tuple(self._step(node, values[node.key]) for node in nodes)

    def _ways(self, use: _Use, workspace: str, node: _Node | None) -> Sequence[_Link]:
        """Where the walk goes from a file: to every run that read it, or to the one that wrote it."""
        met = self._runs_that_met(use, workspace)
        links = met.besides(node)
        if self._near == tables.INPUT or not links:
            return links
        before = math.inf if node is None else _ended(node.facts)
        origin = next((link for link in links if link.began <= before), links[0])
        return [next((link for link in met.by_run[origin.key] if link.use.path == use.path), origin)]

    def _runs_that_met(self, use: _Use, workspace: str) -> _Met:
        """The runs that wrote (or read) a file's bytes."""
        content, where = _content(use), workspace if use.digest == tables.EMPTY else None
        if (content, where) not in self._met:
            links = self._links.get(content, [])
            self._met[content, where] = _Met([link for link in links if where in (None, link.workspace)])
        return self._met[content, where]

    def _visit(self, ways: Sequence[_Link], level: int) -> list[_Node]:
        """The runs that are visited for the first time."""
        unseen = list(dict.fromkeys(way.key for way in ways if way.key not in self._nodes))
        if self._most is not None:
            unseen = unseen[: max(0, self._most - len(self._nodes))]
        facts = self._gather(unseen, partial(_facts, longest=self._longest))
        for key in unseen:
            self._nodes[key] = _Node(key, level, facts[key])
        for way in ways:
            if way.key in self._nodes:
                self._nodes[way.key].near[way.use] = None
        for key, uses in self._used(unseen, self._far).items():
            self._nodes[key].far = uses
        return [self._nodes[key] for key in unseen]

    def _used(self, nodes: Iterable[_Key], role: int) -> dict[_Key, list[_Use]]:
        """What runs read or wrote, as far as files may still be told of."""
        found = self._gather(nodes, partial(_uses, role=role, most=self._files_left))
        if self._files_left is not None:
            left = self._files_left - sum(map(len, found.values()))
            self._is_cut = self._is_cut or left < 0
            self._files_left = max(0, left)
        return found

    def _look_up(self, uses: Iterable[_Use]) -> None:
        """Learn which runs wrote (or read) those bytes."""
        new = {_content(use) for use in uses if use.digest is not None} - self._links.keys()
        self._links.update((content, []) for content in new)
        for number, place in enumerate(self._places if new else ()):
            question = partial(
                _met, number=number, place=place, contents=new, role=self._near, most=self._most
            )
            for link in place.read(question):
                self._links[_content(link.use)].append(link)
        for content in new:
            self._links[content].sort(key=lambda link: link.ended, reverse=True)
            self._is_cut = self._is_cut or self._is_more_than_visited(self._links[content])

    def _is_more_than_visited(self, links: Sequence[_Link]) -> bool:
        return self._near == tables.INPUT and self._most is not None and len(links) > self._most

    def _gather(
        self, nodes: Iterable[_Key], ask: Callable[[Connection, list[int]], Iterable[tuple[int, _T]]]
    ) -> dict[_Key, _T]:
        """Ask each catalog about its runs; the answers by run."""
        keys: dict[int, list[int]] = defaultdict(list)
        for place, run in nodes:
            keys[place].append(run)
        found: dict[_Key, _T] = {}
        for place, runs in keys.items():
            question = partial(_answers, ask=ask, keys=runs)
            found.update((_Key(place, run), answer) for run, answer in self._places[place].read(question))
        return found

    def _file(self, use: _Use, workspace: str, node: _Node | None, state: str | None = None) -> File:
        file, ways = self._version(use, workspace, state), self._ways(use, workspace, node)
        if self._near == tables.INPUT:
            return replace(file, used_by=tuple(dict.fromkeys(way.run for way in ways)))
        met = self._runs_that_met(use, workspace).by_run
        producers = len(met) - (node is not None and node.key in met)
        return replace(file, producers=producers, made_by=ways[0].run if ways else None)

    def _version(self, use: _Use, workspace: str, state: str | None = None) -> File:
        """A file without the runs that met it."""
        digest = None if use.digest is None else use.digest.hex()
        seen = self._disk.state(use.path, workspace, digest, use.size) if state is None else state
        return File(use.path, workspace, digest, use.size, use.unseen, seen)

    def _step(self, node: _Node, values: Mapping[str, Mapping[str, Any]]) -> Step:
        facts = node.facts
        far = tuple(self._file(use, node.workspace, node) for use in node.far)
        near = tuple(self._passed(use, node) for use in node.near)
        return Step(
            run=facts["id"],
            workspace=node.workspace,
            depth=node.depth,
            status=facts["status"],
            started=from_micros(facts["started"]),
            ended=from_micros(facts["ended"]),
            published=from_micros(facts["published"]),
            description=facts["description"],
            mode=facts["mode"],
            workload_file=facts["workload"],
            command=facts["command"],
            commit=facts["commit"],
            dirty=facts["dirty"],
            parameters=values["parameters"],
            metrics=values["metrics"],
            inputs=far if self._far == tables.INPUT else near,
            outputs=near if self._far == tables.INPUT else far,
        )

    def _passed(self, use: _Use, node: _Node) -> File:
        """A file by which the walk came to a run, as that run met it."""
        run = node.facts["id"]
        if self._near == tables.INPUT:
            return replace(self._version(use, node.workspace), used_by=(run,))
        return replace(self._file(use, node.workspace, None), made_by=run)


def _use(target: Target) -> _Use:
    return _Use(target.path, target.digest, target.size, target.unseen)


def _content(use: _Use) -> _Content:
    """What runs are joined by: empty files are all alike, so there the path must be the same too."""
    return use.digest, use.path if use.digest == tables.EMPTY else ""


def _ended(facts: Mapping[str, Any]) -> float:
    return facts["ended"] or facts["published"] or math.inf


_RUNS, _USES, _VERSIONS = tables.runs.c, tables.uses.c, tables.versions.c
_KEYS = bindparam("keys", type_=Integer, expanding=True, literal_execute=True)
_USED = (
    select(_USES.run, _VERSIONS.path, _VERSIONS.digest, _VERSIONS.size, _USES.unseen)
    .join_from(tables.uses, tables.versions, _VERSIONS.key == _USES.version)
    .where(_USES.run.in_(_KEYS), _USES.role == bindparam("role"))
    .order_by(_USES.run, _USES.number)
)
_ENDED = func.coalesce(_RUNS.ended, _RUNS.published, _RUNS.started, 0)
_MET = (
    select(
        *(_RUNS.key, _RUNS.id, _RUNS.workspace),
        func.coalesce(_RUNS.started, _RUNS.ended, _RUNS.published, 0),
        _ENDED,
        *(_VERSIONS.path, _VERSIONS.digest, _VERSIONS.size, _USES.unseen),
    )
    .join_from(tables.versions, tables.uses, _USES.version == _VERSIONS.key)
    .join(tables.runs, _RUNS.key == _USES.run)
)


def _answers(
    connection: Connection, ask: Callable[[Connection, list[int]], Iterable[tuple[int, _T]]], keys: list[int]
) -> list[tuple[int, _T]]:
    return list(ask(connection, keys))


def _facts(
    connection: Connection, keys: Sequence[int], longest: int | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each run's row of `runs`."""
    wanted = select(*run_columns(longest)).where(_RUNS.key.in_(_KEYS))
    for row in connection.execute(wanted, {"keys": keys}).mappings():
        yield row["key"], {str(name): value for name, value in row.items()}


def _values(
    connection: Connection, keys: Sequence[int], longest: int | None
) -> Iterable[tuple[int, Mapping[str, Mapping[str, Any]]]]:
    """Each run's parameters, metrics and labels."""
    return read_values(connection, keys, longest).items()


def _uses(
    connection: Connection, keys: Sequence[int], role: int, most: int | None
) -> Iterator[tuple[int, list[_Use]]]:
    """The files that each run read (or wrote), in the order of its record; where there are more than `most`, one more."""
    wanted = _USED if most is None else _USED.limit(most + 1)
    found = connection.execute(wanted, {"keys": keys, "role": role})
    for run, rows in groupby(found, key=itemgetter(0)):
        yield run, [_Use(*row[1:]) for row in rows]


def _met(
    connection: Connection,
    number: int,
    place: Place,
    contents: Iterable[_Content],
    role: int,
    *,
    most: int | None,
) -> list[_Link]:
    """Each run of a place, which has that number, that read (or wrote) one of those contents.

    Of each content that more than `most` runs read, the newest `most + 1` links.
    """
    met = _MET.where(place.scope, _USES.role == role)
    by_path = met.where(_VERSIONS.digest == tables.EMPTY, of_shards(tables.versions, place.shards))
    digests = [digest for digest, _ in contents if digest not in (None, tables.EMPTY)]
    paths = [path for digest, path in contents if digest == tables.EMPTY]
    asked = [(met.where(_VERSIONS.digest.in_(part)), _VERSIONS.digest) for part in in_parts(digests)]
    asked += [(by_path.where(_VERSIONS.path.in_(part)), _VERSIONS.path) for part in in_parts(paths)]
    if most is not None and role == tables.INPUT:
        asked = [(_newest(statement, content, most + 1), content) for statement, content in asked]
    return [
        _Link(_Key(number, key), run, workspace, start, end, _Use(*use))
        for statement, _ in asked
        for key, run, workspace, start, end, *use in connection.execute(statement)
    ]


def _newest(met: Select[Any], content: ColumnElement[Any], most: int) -> Select[Any]:
    """The newest links of each content."""
    rank = func.row_number().over(partition_by=content, order_by=(_ENDED.desc(), _RUNS.key.desc()))
    ranked = met.add_columns(rank.label("rank")).subquery()
    return select(*ranked.columns.values()[:-1]).where(ranked.c.rank <= most)
