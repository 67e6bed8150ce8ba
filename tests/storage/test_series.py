"""Published series give back every point exactly, whatever was logged and in whatever order."""

import io
import json
import math
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.errors import CorruptError, NotFoundError
from dotscience.records.values import number
from dotscience.storage.points import Layout, Rows
from dotscience.storage.series import SeriesReader, pack_series

Point = tuple[int, int, float | None, dict[str, float]]

names = st.text(max_size=4)
times = st.integers(-(1 << 63), (1 << 63) - 1)
points = st.lists(
    st.tuples(times, times, st.none() | st.floats(), st.dictionaries(names, st.floats(), max_size=3)),
    max_size=40,
)


def frames(said: list[Point], per_frame: int = 3) -> Iterator[Rows]:
    """The frames of points in the order they were said, as a writer that flushes now and then leaves them."""
    for start in range(0, len(said), per_frame):
        waiting: dict[Layout, tuple[bytes, int]] = {}
        for place, (step, time, epoch, data) in enumerate(said[start : start + per_frame], start + 1):
            layout = Layout(tuple(data), epoch is not None)
            fields = (*([] if epoch is None else [epoch]), *data.values())
            row = struct.pack(f"<qq{len(fields)}d", step, time, *fields)
            waiting[layout] = (waiting.get(layout, (b"", 0))[0] + row, place)
        for layout, (payload, sequence) in waiting.items():
            yield Rows(layout, sequence, payload)


def packed(said: list[Point]) -> tuple[SeriesReader, dict[str, Any], bytes]:
    written = io.BytesIO()
    summary = pack_series(frames(said), written.write)
    return SeriesReader(io.BytesIO(written.getvalue()), "blob"), summary, written.getvalue()


def same(one: float, other: float) -> bool:
    return struct.pack("<d", one) == struct.pack("<d", other) or (math.isnan(one) and math.isnan(other))


@given(points)
def test_every_point_comes_back_exactly(said: list[Point]) -> None:
    reader, summary, _ = packed(said)
    assert reader.names == sorted(summary) == sorted({name for *_, data in said for name in data})
    for name in reader.names:
        expected = [point for point in said if name in point[3]]
        series = reader.read(name)
        found = list(zip(series.steps, series.times, series.epochs, series.values, strict=True))
        assert len(found) == len(expected) == summary[name]["count"]
        # Points of one layout keep their order; those of several layouts stand one layout after the other.
        by_layout = {
            layout: [p for p in expected if tuple(p[3]) == layout]
            for layout in {tuple(p[3]) for p in expected}
        }
        if len(by_layout) == 1 and len({point[2] is None for point in expected}) == 1:
            for (step, time, epoch, value), point in zip(found, expected, strict=True):
                assert (step, time) == point[:2]
                assert same(epoch, math.nan if point[2] is None else point[2])
                assert same(value, point[3][name])


@given(points)
def test_the_summary_is_of_all_points(said: list[Point]) -> None:
    _, summary, _ = packed(said)
    for name, found in summary.items():
        values = [data[name] for *_, data in said if name in data]
        last, lowest, highest = (number(found[key]) for key in ("last", "min", "max"))
        assert last is not None and lowest is not None and highest is not None
        assert same(last, values[-1])
        known = [value for value in values if not math.isnan(value)]
        assert (
            (lowest, highest) == (min(known), max(known))
            if known
            else (math.isnan(lowest) and math.isnan(highest))
        )


def test_the_last_value_is_that_of_the_last_call_across_layouts() -> None:
    said: list[Point] = [
        (0, 0, None, {"a": 1.0}),
        (1, 0, None, {"a": 2.0, "b": 0.0}),
        (2, 0, 1.0, {"a": 3.0}),
        (3, 0, None, {"a": 4.0}),
    ]
    for count in range(1, 5):
        assert packed(said[:count])[1]["a"]["last"] == float(count)


def test_extremes_pass_nan_and_infinities_over() -> None:
    _, summary, _ = packed(
        [(0, 0, None, {"a": value}) for value in (math.nan, 1.0, -math.inf, math.inf, math.nan)]
    )
    assert (number(summary["a"]["min"]), number(summary["a"]["max"])) == (-math.inf, math.inf)
    assert math.isnan(number(summary["a"]["last"]) or 0)


def test_a_layout_that_never_got_a_row_does_no_harm() -> None:
    written = io.BytesIO()
    empty = [
        Rows(Layout(("a",), False), 0, b""),
        *frames([(0, 0, None, {"b": 1.0})]),
        Rows(Layout(("b",), False), 1, b""),
    ]
    assert pack_series(empty, written.write) == {"b": {"count": 1, "last": 1.0, "min": 1.0, "max": 1.0}}
    assert list(SeriesReader(io.BytesIO(written.getvalue()), "blob").read("b").values) == [1.0]


def test_many_points_of_many_series_come_back() -> None:
    said: list[Point] = [
        (step, step, float(step // 10), {f"s{step % 7}": step / 3, "all": float(step)})
        for step in range(200_000)
    ]
    written = io.BytesIO()
    summary = pack_series(frames(said, 1000), written.write)
    reader = SeriesReader(io.BytesIO(written.getvalue()), "blob")
    assert summary["all"] == {"count": 200_000, "last": 199_999.0, "min": 0.0, "max": 199_999.0}
    assert sorted(reader.read("all").values) == [float(step) for step in range(200_000)]
    assert list(reader.read("s3").steps) == list(range(3, 200_000, 7))


def test_memory_is_bounded_however_many_points_there_are() -> None:
    layout = Layout(("a", "b"), False)
    payload = struct.pack("<qqdd", 1, 2, 3.0, 4.0) * 10_000

    def stream(count: int) -> Iterator[Rows]:
        for place in range(count):
            yield Rows(layout, place, payload)

    def peak(count: int) -> int:
        tracemalloc.start()
        pack_series(stream(count), lambda data: None)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(120) < 1.3 * peak(30)


def test_points_that_change_little_take_few_bytes() -> None:
    said: list[Point] = [
        (step, 1793521800000 + 7 * step, None, {"loss": 1 / (step + 1)}) for step in range(50_000)
    ]
    written = io.BytesIO()
    pack_series(frames(said, 5000), written.write)
    assert len(written.getvalue()) / len(said) <= 10


def test_a_series_that_is_not_there_is_named_with_those_that_are() -> None:
    reader, *_ = packed([(0, 0, None, {"loss": 1.0, "acc": 1.0})])
    with pytest.raises(NotFoundError, match=r"No series 'los' in blob; there are: acc, loss\."):
        reader.read("los")


SAID: list[Point] = [(step, 0, None, {"a": step / 7}) for step in range(100)] + [
    (1, 1, 1.0, {"b": 1.0, "a": 2.0})
]


def test_a_file_cut_off_anywhere_is_corrupt() -> None:
    *_, raw = packed(SAID)
    for length in range(len(raw)):
        with pytest.raises(CorruptError, match=r"^blob: "):
            SeriesReader(io.BytesIO(raw[:length]), "blob")


@given(st.data())
def test_a_changed_byte_is_an_error_or_a_changed_value_but_no_other_fault(data: st.DataObject) -> None:
    *_, raw = packed(SAID)
    place = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:place] + bytes([data.draw(st.integers(0, 255))]) + raw[place + 1 :]
    try:
        reader = SeriesReader(io.BytesIO(damaged), "blob")
        assert [len(reader.read(name).values) for name in ("a", "b")] == [101, 1]
    except CorruptError as error:
        assert error.file == "blob"


@given(st.binary(max_size=100))
def test_other_bytes_are_no_file_of_series(raw: bytes) -> None:
    with pytest.raises(CorruptError):
        SeriesReader(io.BytesIO(raw), "blob")


INDEXES: list[Any] = [
    None, [], {}, {"layouts": [[["a"], False]], "chunks": 1}, {"layouts": 1, "chunks": []}, {"layouts": [["a", False]], "chunks": [1]},
    {"layouts": [[["a"], False]], "chunks": [[9, 1, 8, [[1] * 8] * 3]]},
    {"layouts": [[["a"], False]], "chunks": [[0, 1, 8, [[1] * 8]]]},
    {"layouts": [[["a"], False]], "chunks": [[0, "1", 8, [[1] * 8] * 3]]},
    {"layouts": [[["a"], False]], "chunks": [[0, -1, 8, [[1] * 8] * 3]]},
    {"layouts": [[["a"], False]], "chunks": [[0, 1 << 60, 8, [[1] * 8] * 3]]},
    {"layouts": [[["a"], False]], "chunks": [[0, 1, -8, [[1] * 8] * 3]]},
    {"layouts": [[["a"], False]], "chunks": [[0, 1, 8, [["1"] * 8] * 3]]},
]  # fmt: skip


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: str(index)[:70])
def test_an_index_that_makes_no_sense_is_corrupt(index: Any) -> None:
    body = zlib.compress(json.dumps(index).encode())
    raw = b"DSSERIES" + bytes(24) + body + struct.pack("<I8s", len(body), b"DSSERIES")
    with pytest.raises(CorruptError, match=r"^blob: "):
        SeriesReader(io.BytesIO(raw), "blob").read("a")


def test_only_the_columns_that_are_wanted_are_read() -> None:
    reader, *_ = packed([(step, 7, 0.5, {"a": step / 7}) for step in range(100)])
    found = reader.read("a", ("steps", "values"))
    assert (list(found.steps), list(found.values)) == (list(range(100)), [step / 7 for step in range(100)])
    assert (len(found.times), len(found.epochs)) == (0, 0)


def test_points_are_counted_without_reading_them() -> None:
    reader, *_ = packed(SAID)
    assert [reader.count(name) for name in ("a", "b", "c")] == [101, 1, 0]


@pytest.mark.parametrize(
    ("rows", "lengths"),
    [(1 << 40, [0] * 8), (8, [1 << 40] * 8), (8, [-1] * 8), (8, [8] * 7), (-8, [0] * 8), ("8", [0] * 8)],
)
def test_an_index_that_claims_what_is_not_there_costs_no_memory(rows: Any, lengths: list[int]) -> None:
    index = {"layouts": [[["a"], False]], "chunks": [[0, rows, 8, [lengths] * 3]]}
    packed_index = zlib.compress(json.dumps(index).encode())
    raw = b"DSSERIES" + b"x" * 64 + packed_index + struct.pack("<I8s", len(packed_index), b"DSSERIES")
    tracemalloc.start()
    with pytest.raises(CorruptError, match=r"^blob: "):
        SeriesReader(io.BytesIO(raw), "blob").read("a", ("steps", "values"))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_plane_that_unpacks_to_more_than_its_rows_is_damaged() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    rows = len(bomb) + 1
    index = {"layouts": [[["a"], False]], "chunks": [[0, rows, 8, [[len(bomb)] * 8] * 3]]}
    packed_index = zlib.compress(json.dumps(index).encode())
    raw = b"DSSERIES" + bomb * 24 + packed_index + struct.pack("<I8s", len(packed_index), b"DSSERIES")
    tracemalloc.start()
    with pytest.raises(CorruptError, match="longer than it should be"):
        SeriesReader(io.BytesIO(raw), "blob").read("a")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
