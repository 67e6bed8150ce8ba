"""Points are readable as far as they were written, and a damaged frame costs itself only."""

import io
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.storage.points import Frames, Layout, Rows, layout_frame, read_frames, rows_frame

HEADER = 21
LOSS = Layout(("loss",), False)
BOTH = Layout(("loss", "é\ud800"), True)


def rows(layout: Layout, count: int, first: int = 0) -> bytes:
    return b"".join(
        struct.pack(f"<qq{layout.fields - 2}d", first + row, 0, *([0.5] * (layout.fields - 2)))
        for row in range(count)
    )


FRAMES = [
    layout_frame(0, LOSS),
    rows_frame(0, 2, rows(LOSS, 2)),
    layout_frame(1, BOTH),
    rows_frame(1, 5, rows(BOTH, 3)),
    rows_frame(0, 6, rows(LOSS, 1, 2)),
]
WHOLE = b"".join(FRAMES)
FOUND = [Rows(LOSS, 2, rows(LOSS, 2)), Rows(BOTH, 5, rows(BOTH, 3)), Rows(LOSS, 6, rows(LOSS, 1, 2))]


def read(raw: bytes) -> tuple[list[Rows], list[str]]:
    problems: list[str] = []
    return list(read_frames(io.BytesIO(raw), "runs/x/points.bin", problems)), problems


def test_frames_come_back_in_order() -> None:
    assert read(WHOLE) == (FOUND, [])
    assert read(b"") == ([], [])


def test_a_tail_torn_at_any_byte_is_dropped() -> None:
    ends = [sum(map(len, FRAMES[: count + 1])) for count in range(len(FRAMES))]
    for length in range(len(WHOLE) + 1):
        found, problems = read(WHOLE[:length])
        assert found == [
            row for row, end in zip(FOUND, (ends[1], ends[3], ends[4]), strict=True) if end <= length
        ]
        assert problems == []


def test_no_changed_byte_gives_a_wrong_row() -> None:
    for place in range(len(FRAMES[0]), len(WHOLE)):
        found, problems = read(WHOLE[:place] + bytes([WHOLE[place] ^ 0x10]) + WHOLE[place + 1 :])
        assert [row for row in found if row not in FOUND] == []
        assert problems or len(found) < len(FOUND)


def test_a_damaged_frame_is_named_and_the_others_are_kept() -> None:
    place = len(FRAMES[0]) + HEADER + 3
    found, problems = read(WHOLE[:place] + b"\xff" + WHOLE[place + 1 :])
    assert found == FOUND[1:]
    assert problems == [
        f"runs/x/points.bin: offset {len(FRAMES[0])}: a damaged frame of points was passed over",
    ]


@pytest.mark.parametrize(
    "frame",
    [
        rows_frame(7, 1, rows(LOSS, 1)),
        rows_frame(0, 1, rows(LOSS, 1) + b"x"),
        rows_frame(0, 1, b"")[:-1] + b"\0",
    ],
    ids=["of no layout", "of another layout", "of nothing"],
)
def test_a_frame_that_fits_nothing_is_passed_over(frame: bytes) -> None:
    found, _ = read(FRAMES[0] + frame + FRAMES[1])
    assert [row for row in found if row.payload] == FOUND[:1]


@pytest.mark.parametrize("names", ["x", [1], None, ["a", None]])
def test_a_layout_that_is_none_is_passed_over(names: object) -> None:
    found, problems = read(
        layout_frame(0, Layout(names, False)) + FRAMES[1] + layout_frame(1, BOTH) + FRAMES[3]
    )  # type: ignore[arg-type]
    assert found == FOUND[1:2]
    assert len(problems) == 2


@given(st.lists(st.text(), max_size=5), st.booleans(), st.integers(0, 1 << 31), st.integers(0, (1 << 63)))
def test_any_names_can_be_declared(names: list[str], has_epoch: bool, number: int, sequence: int) -> None:
    layout = Layout(tuple(names), has_epoch)
    payload = rows(layout, 2)
    found, problems = read(layout_frame(number, layout) + rows_frame(number, sequence, payload))
    assert (found, problems) == ([Rows(layout, sequence, payload)], [])


@given(st.binary(max_size=200))
def test_no_bytes_end_the_reading(raw: bytes) -> None:
    read(raw)
    read(FRAMES[0] + raw)


def test_a_row_is_eight_bytes_a_field() -> None:
    assert (LOSS.fields, BOTH.fields) == (3, 5)
    assert array("q", rows(LOSS, 1)[:8]).tolist() == [0]


def test_reading_goes_on_where_it_left_off() -> None:
    layouts: dict[int, Layout] = {}
    for cut in range(len(WHOLE) + 1):
        problems: list[str] = []
        layouts.clear()
        first = Frames(io.BytesIO(WHOLE[:cut]), "points", problems, layouts)
        found = list(first)
        assert cut == len(WHOLE) or first.end <= cut < first.end + first.wanted
        found += Frames(io.BytesIO(WHOLE[first.end :]), "points", problems, layouts)
        assert (found, problems) == (FOUND, [])
