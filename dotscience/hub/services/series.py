"""The series of a run: which there are, and their points, as many as a chart of a given width can show."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from ...errors import NotFoundError
from ...records.record import Record
from ...records.values import plain
from ...storage.points import Frames, Rows
from ...storage.series import SeriesReader
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..store import live, records
from .contents import contents_of
from .joined import Joined
from .live import record_of
from .logged import Logged
from .runs import no_run

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

__all__ = [
    "AXES",
    "MOST_NAMES",
    "Known",
    "Points",
    "Sampled",
    "Window",
    "find_record",
    "points",
    "series",
    "summaries",
]

AXES = {"step": "steps", "time": "times", "epoch": "epochs"}
"""What a series may be drawn over, and the column that holds it; times are milliseconds since the Unix epoch."""

MOST_NAMES = 50
"""Series that are given at once."""

_MOST_BUCKETS = 990
"""Of which each gives at most five points, so that fewer than 5,000 are sent."""

_MOST_POINTS = 20_000_000
"""Of one series, and of all that are given at once of a run in progress; what has more is not read."""

_LARGEST_INDEX = 32 << 20
"""Bytes of the index of a file of series; a few kilobytes can unpack to that, and its lists take thirty times as many."""

_MOST_MARKS = 100


@dataclass(frozen=True)
class Window:
    """What of the series is wanted.

    Attributes:
        axis: a key of `AXES`.
        width: of the chart, in pixels.
        start, stop: of the axis; None for where the points begin and end. The nearest points outside come as well, so
            that lines reach the edges.
        after: byte of the points of a run in progress that an earlier answer ended at: what came before is known.
    """

    axis: str = "step"
    width: int = 800
    start: float | None = None
    stop: float | None = None
    after: int = 0


@dataclass(frozen=True)
class Sampled:
    """The points of one series inside a window.

    Attributes:
        x, y: as JSON takes them; where a value is no finite number, y is None and the line has a gap.
        odd: (x, what) of the first of those: `nan`, `inf` or `-inf`.
        count: how many points there are in the window.
        is_sampled: there were too many, and of each bucket the first, the last, the least and the greatest are given.
    """

    name: str
    x: list[float]
    y: list[float | None]
    odd: list[tuple[float, str]]
    count: int
    is_sampled: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        fields = {"name": self.name, "x": self.x, "y": self.y, "odd": self.odd}
        return {**fields, "count": self.count, "sampled": self.is_sampled}


class Points(NamedTuple):
    """Points of some series of a run.

    Attributes:
        after: byte of the run's points from which on they are told; 0 for all.
        end: byte up to which they are told, to ask `after` next; None where a published run's are, which are all.
    """

    series: list[Sampled]
    after: int
    end: int | None


class Known(NamedTuple):
    """A run that some projects hold."""

    record: Record
    project: str
    is_published: bool


def series(hub: Hub, access: Access, run: str) -> list[dict[str, Any]]:
    """The series of a run: `name`, `count`, `last`, `min`, `max`.

    Raises:
        Problem: 404, the project has no such run.
    """
    return summaries(hub.read(lambda connection: find_record(connection, {access.here.id}, run)).record)


def summaries(record: Record) -> list[dict[str, Any]]:
    """The series that a record names, as `series` gives them."""
    names = record.series.get("names")
    found = []
    for name, summary in names.items() if isinstance(names, dict) else ():
        said = summary if isinstance(summary, dict) else {}
        figures = {part: _figure(said.get(part)) for part in ("count", "last", "min", "max")}
        found.append({"name": name, **figures})
    return found


def _figure(value: Any) -> int | float | str | None:
    form = plain(value) if not isinstance(value, dict) or "text" in value else None
    if isinstance(form, float) and not math.isfinite(form):
        return str(form)
    return form if isinstance(form, int | float) else form[:100] if isinstance(form, str) else None


def points(hub: Hub, access: Access, run: str, names: Sequence[str], window: Window) -> Points:
    """The points of some series of a run, in the order of `names`. They take memory: see `Hub.reading_points`.

    Raises:
        Problem: 404, the project has no such run, the run no such series, or its points are not here; 422, there are too many.
        CorruptError: the points cannot be read.
    """
    wanted = list(dict.fromkeys(names))
    if len(wanted) > MOST_NAMES:
        raise Problem(422, f"Ask for at most {MOST_NAMES} series at once.")
    record, _, is_published = hub.read(lambda connection: find_record(connection, {access.here.id}, run))
    known = record.series.get("names")
    for name in wanted:
        if not isinstance(known, dict) or name not in known:
            raise Problem(404, f"The run {run[:100]} has no series {name[:80]!r}.")
    if is_published:
        packed = _packed(hub, access, record, wanted, window)
        return Points([_sampled(name, *columns, window) for name, columns in packed], 0, None)
    for said in summaries(record):
        if said["name"] in wanted:
            _check_count(said["name"], said["count"])
    logged, after, end = _logged(hub, run, wanted, window)
    return Points([_sampled(name, *logged[name], window) for name in wanted], after, end)


def find_record(connection: Connection, projects: Collection[str], run: str) -> Known:
    """What those projects know of a run.

    Raises:
        Problem: 404, none of them holds it.
    """
    there = records.find_record(connection, run)
    if there is not None and there.project in projects and there.deleted is None:
        raw = records.sealed(connection, run)
        if raw is not None:
            return Known(Record.from_bytes(raw, run), there.project, True)
    running = live.find_live(connection, run)
    if running is None or running.project not in projects:
        raise no_run(run)
    return Known(record_of(connection, run), running.project, False)


_Columns = tuple["NDArray[Any]", "NDArray[Any]"]


def _packed(
    hub: Hub, access: Access, record: Record, names: Sequence[str], window: Window
) -> Iterator[tuple[str, _Columns]]:
    """The columns of a published run's series."""
    import numpy

    blob = record.series.get("blob")
    digest = blob.get("sha256") if isinstance(blob, dict) else None
    try:
        stream = contents_of(hub, access.here.id)(str(digest))
    except (NotFoundError, ValueError):
        raise Problem(404, "The points of this run's series are not on this Hub.") from None
    axis = AXES[window.axis]
    with stream:
        reader = SeriesReader(stream, "the series", _LARGEST_INDEX)
        for name in names:
            _check_count(name, reader.count(name))
            try:
                found = reader.read(name, (axis, "values"))
            except NotFoundError:
                raise Problem(404, f"The points of the series {name[:80]!r} are not there.") from None
            yield name, (numpy.asarray(getattr(found, axis)), numpy.asarray(found.values))


def _logged(
    hub: Hub, run: str, names: Sequence[str], window: Window
) -> tuple[Mapping[str, _Columns], int, int]:
    """The columns of series of a run in progress, and the bytes between which their points lie."""
    import numpy

    parts: Mapping[str, list[_Columns]] = {
        name: [(numpy.empty(0, "<f8" if window.axis == "epoch" else "<i8"), numpy.empty(0))] for name in names
    }

    def ask(connection: Connection) -> tuple[int, int]:
        known = Logged.from_text(*live.logged(connection, run))
        # more than there is was known of a run that was dropped, and came again
        start = window.after if window.after <= known.parsed else 0
        pieces = Joined(live.pieces(connection, run, "points", start))
        frames = Frames(pieces, "points", [], known.layouts if start else None)
        left = _MOST_POINTS
        for rows in frames:
            left -= _add_rows(parts, rows, window.axis)
            if left < 0:
                raise Problem(
                    422,
                    f"These series have more than {_MOST_POINTS} points together. Ask for fewer at once.",
                    "too-many",
                )
        return start, start + frames.end

    start, end = hub.read(ask)
    columns = {
        name: (numpy.concatenate([x for x, _ in found]), numpy.concatenate([y for _, y in found]))
        for name, found in parts.items()
    }
    return columns, start, end


def _add_rows(parts: Mapping[str, list[_Columns]], rows: Rows, axis: str) -> int:
    """Add what the rows hold of the series; how many points that is."""
    import numpy

    if parts.keys().isdisjoint(rows.layout.names):
        return 0
    layout, place = rows.layout, {"step": 0, "time": 1, "epoch": 2}[axis]
    table = numpy.frombuffer(rows.payload, "<f8").reshape(-1, layout.fields)
    over = table[:, place] if axis == "epoch" else table[:, place].view("<i8")
    if axis == "epoch" and not layout.has_epoch:
        over = numpy.full(len(table), numpy.nan)
    for field, name in enumerate(layout.names, 2 + layout.has_epoch):
        if name in parts:
            parts[name].append((over.copy(), table[:, field].copy()))
    return len(table) * sum(name in parts for name in layout.names)


def _check_count(name: str, count: int) -> None:
    if count > _MOST_POINTS:
        raise Problem(422, f"The series {name[:80]!r} has more than {_MOST_POINTS} points.", "too-many")


def _sampled(name: str, x: NDArray[Any], y: NDArray[Any], window: Window) -> Sampled:
    import numpy

    if x.dtype.kind == "f":
        known = numpy.isfinite(x)
        if not known.all():
            x, y = x[known], y[known]
    if len(x) > 1 and not (x[1:] >= x[:-1]).all():
        order = numpy.argsort(x, kind="stable")
        x, y = x[order], y[order]
    first, last = 0, len(x)
    if window.start is not None:
        first = max(0, int(numpy.searchsorted(x, window.start, "left")) - 1)
    if window.stop is not None:
        last = min(len(x), int(numpy.searchsorted(x, window.stop, "right")) + 1)
    x, y = x[first:last], y[first:last]
    buckets = max(1, min(window.width, _MOST_BUCKETS))
    chosen = None if len(x) <= 4 * buckets else _chosen(x, y, buckets)
    odd = numpy.flatnonzero(~numpy.isfinite(y))[:_MOST_MARKS]
    marks = [(x[place].item(), str(y[place].item())) for place in odd]
    count = len(x)
    if chosen is not None:
        x, y = x[chosen], y[chosen]
    values = [value if finite else None for value, finite in zip(y.tolist(), numpy.isfinite(y), strict=True)]
    return Sampled(name, x.tolist(), values, marks, count, chosen is not None)


def _chosen(x: NDArray[Any], y: NDArray[Any], buckets: int) -> NDArray[numpy.intp]:
    """Places of the points that draw the same line: of each bucket the ends, the extremes, and a gap where there is one."""
    import numpy

    over = x.astype(numpy.float64)
    # of the halves, because the span of finite epochs need not be finite
    inner = 2 * numpy.linspace(over[0] / 2, over[-1] / 2, buckets + 1)[1:-1]
    edges = numpy.searchsorted(over, inner, "left")
    bounds = [0, *edges.tolist(), len(x)]
    finite = numpy.isfinite(y)
    low, high = numpy.where(finite, y, numpy.inf), numpy.where(finite, y, -numpy.inf)
    found = []
    for begin, end in pairwise(bounds):
        if begin < end:
            found += [
                begin,
                begin + int(low[begin:end].argmin()),
                begin + int(high[begin:end].argmax()),
                begin + int(finite[begin:end].argmin()),
                end - 1,
            ]
    return numpy.unique(numpy.array(found, dtype=numpy.intp))
