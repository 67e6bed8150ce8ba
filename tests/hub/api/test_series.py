"""Series over the REST API: which there are, and their points, as many as a chart shows."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import pytest

from dotscience.storage.points import Layout, layout_frame, rows_frame

from ..sending import Live, record, send, sent_series, upload

if TYPE_CHECKING:
    from ...hub_server import Person, RunningHub


def published(hub: RunningHub, **values: list[float]) -> str:
    """The address of a published run with those series."""
    project = hub.project(hub.admin).id
    send(hub.admin, project, record(series=sent_series(hub.admin, project, values)))
    return f"/api/projects/{project}/runs/7f3c/series"


def points(person: Person, address: str, **query: Any) -> Any:
    answer = person.get(f"{address}/points", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["series"]


def test_the_series_of_a_run_are_named_with_their_extremes(hub: RunningHub) -> None:
    address = published(hub, loss=[3.0, 1.0, 2.0], acc=[math.nan, 0.5, math.inf])
    assert hub.admin.get(address).json()["series"] == [
        {"name": "acc", "count": 3, "last": "inf", "min": 0.5, "max": "inf"},
        {"name": "loss", "count": 3, "last": 2.0, "min": 1.0, "max": 3.0},
    ]


def test_few_points_come_all_and_exactly(hub: RunningHub) -> None:
    (found,) = points(hub.admin, published(hub, loss=[3.0, 1 / 3, 2.0]), name="loss")
    assert found == {
        "name": "loss",
        "x": [0, 1, 2],
        "y": [3.0, 1 / 3, 2.0],
        "odd": [],
        "count": 3,
        "sampled": False,
    }


def test_many_points_are_sampled_with_their_extremes_and_ends(hub: RunningHub) -> None:
    values = [math.sin(step / 997) + (step % 7) / 10 for step in range(100_000)]
    values[31_234], values[77_777] = 50.0, -50.0
    (found,) = points(hub.admin, published(hub, loss=values), name="loss", width=800)
    assert found["sampled"] and found["count"] == 100_000
    assert len(found["x"]) < 5000
    shown = dict(zip(found["x"], found["y"], strict=True))
    assert (shown[31_234], shown[77_777]) == (50.0, -50.0)
    assert shown[0] == values[0] and shown[99_999] == values[-1]
    assert all(values[step] == value for step, value in shown.items())


@pytest.mark.parametrize("largest", [1.0, 1e308])
def test_points_are_sampled_alike_over_any_epochs(hub: RunningHub, largest: float) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a")
    live.piece("points", layout_frame(1, Layout(("wave",), True)))
    rows = [(step, step, largest * (step / 5000 - 1), math.sin(step)) for step in range(10_001)]
    live.piece("points", rows_frame(1, 1, b"".join(struct.pack("<qqdd", *row) for row in rows)))
    address = f"/api/projects/{project}/runs/9a9a/series"
    (found,) = points(hub.admin, address, name="wave", x="epoch", width=100)
    assert found["sampled"] and (found["x"][0], found["x"][-1]) == (-largest, largest)
    assert 300 < len(found["x"]) <= 400


@pytest.mark.parametrize("width", [1, 10, 990, 100_000])
def test_however_wide_the_chart_fewer_than_5000_points_come(hub: RunningHub, width: int) -> None:
    values = [math.nan if step % 3 == 0 else float(step % 11) for step in range(20_000)]
    (found,) = points(hub.admin, published(hub, loss=values), name="loss", width=width)
    assert 1 <= len(found["x"]) < 5000


def test_a_window_holds_its_points_and_their_neighbours(hub: RunningHub) -> None:
    address = published(hub, loss=[float(step) for step in range(100)])
    (found,) = points(hub.admin, address, name="loss", **{"from": 9.5, "to": 12.5})
    assert found["x"] == [9, 10, 11, 12, 13]


def test_points_over_time_are_milliseconds_since_the_epoch(hub: RunningHub) -> None:
    (found,) = points(hub.admin, published(hub, loss=[1.0, 2.0]), name="loss", x="time")
    assert found["x"] == [1793521800000, 1793521800100]


def test_points_that_have_no_epoch_are_not_drawn_over_epochs(hub: RunningHub) -> None:
    (found,) = points(hub.admin, published(hub, loss=[1.0, 2.0]), name="loss", x="epoch")
    assert found["x"] == []


def test_what_is_no_number_is_a_gap_with_a_mark(hub: RunningHub) -> None:
    (found,) = points(hub.admin, published(hub, loss=[1.0, math.nan, -math.inf, 2.0]), name="loss")
    assert found["y"] == [1.0, None, None, 2.0]
    assert found["odd"] == [[1, "nan"], [2, "-inf"]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"name": "other"}, 404),
        ({}, 422),
        ({"name": "loss", "width": 0}, 422),
        ({"name": "loss", "from": "nan"}, 422),
        ({"name": "loss", "x": "moon"}, 422),
        ({"name": [str(number) for number in range(51)]}, 422),
    ],
)
def test_a_wrong_question_is_answered_precisely(hub: RunningHub, query: dict[str, Any], status: int) -> None:
    address = published(hub, loss=[1.0])
    assert hub.admin.get(f"{address}/points", params=query).status_code == status


def test_points_that_cannot_be_read_are_no_server_error(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    blob = {"sha256": upload(hub.admin, project, b"no series"), "size": 9}
    send(hub.admin, project, record(series={"blob": blob, "names": {"loss": 5, "acc": {"last": {"a": 1}}}}))
    address = f"/api/projects/{project}/runs/7f3c/series"
    assert hub.admin.get(address).json()["series"][0]["count"] is None
    assert hub.admin.get(f"{address}/points", params={"name": "loss"}).status_code == 422


def test_a_blob_of_another_project_is_not_read_as_points(hub: RunningHub) -> None:
    mine, bob = hub.project(hub.admin).id, hub.person("bob")
    series = sent_series(hub.admin, mine, {"loss": [1.0]})
    theirs = hub.project(bob, "other").id
    live = Live(bob, theirs, "9a9a")
    live.say(["label", "x", 1])
    answer = bob.put(f"/api/projects/{theirs}/runs/7f3c", data=record(series=series).to_bytes())
    assert answer.json()["reason"] == "missing-blobs"


def test_a_run_in_progress_shows_its_points_as_they_come(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a", ("loss", "acc"))
    live.log((3.0, 0.1), (2.0, 0.2))
    address = f"/api/projects/{project}/runs/9a9a/series"
    assert [one["count"] for one in hub.admin.get(address).json()["series"]] == [2, 2]
    live.log((1.0, 0.3))
    acc, loss = hub.admin.get(address).json()["series"]
    assert (loss["last"], loss["min"], loss["max"], acc["last"]) == (1.0, 1.0, 3.0, 0.3)
    (found,) = points(hub.admin, address, name="loss")
    assert (found["x"], found["y"]) == ([0, 1, 2], [3.0, 2.0, 1.0])
    assert live.shown()["metrics"] == {"loss": 1.0, "acc": 0.3}


def test_series_of_a_run_in_progress_have_a_limit_together(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a", ("loss", "acc"))
    live.log(*[(0.5, 0.5)] * 60)
    monkeypatch.setattr("dotscience.hub.services.series._MOST_POINTS", 100)
    address = f"/api/projects/{project}/runs/9a9a/series"
    assert points(hub.admin, address, name="loss")[0]["count"] == 60
    answer = hub.admin.get(f"{address}/points", params={"name": ["loss", "acc"]})
    assert (answer.status_code, answer.json()["reason"]) == (422, "too-many")
    assert "together" in answer.json()["detail"]
    end = hub.admin.get(f"{address}/points", params={"name": "loss"}).json()["end"]
    live.log((0.5, 0.5))
    fresh = hub.admin.get(f"{address}/points", params={"name": ["loss", "acc"], "after": end})
    assert [each["count"] for each in fresh.json()["series"]] == [1, 1]


def test_only_points_that_came_since_are_told(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a", ("loss", "acc"))
    address = f"/api/projects/{project}/runs/9a9a/series/points"

    def told(after: int) -> tuple[int, int, list[int], list[float]]:
        said = hub.admin.get(address, params={"name": "acc", "after": after}).json()
        return said["after"], said["end"], said["series"][0]["x"], said["series"][0]["y"]

    live.log((3.0, 0.1), (2.0, 0.2))
    after, end, x, y = told(0)
    assert (after, x, y) == (0, [0, 1], [0.1, 0.2])
    assert told(end) == (end, end, [], [])
    live.log((1.0, 0.3))
    assert told(end) == (end, told(0)[1], [2], [0.3])
    assert told(end)[1] > end


def test_whoever_claims_to_know_more_than_there_is_is_told_everything(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    Live(hub.admin, project, "9a9a").log((3.0,))
    said = hub.admin.get(
        f"/api/projects/{project}/runs/9a9a/series/points", params={"name": "loss", "after": 10**9}
    ).json()
    assert (said["after"], said["series"][0]["y"]) == (0, [3.0])


def test_the_points_of_a_published_run_are_told_whole(hub: RunningHub) -> None:
    said = hub.admin.get(
        f"{published(hub, loss=[3.0, 1.0])}/points", params={"name": "loss", "after": 50}
    ).json()
    assert (said["after"], said["end"], said["series"][0]["y"]) == (0, None, [3.0, 1.0])


def test_frames_that_come_in_pieces_are_read_when_they_are_whole(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a")
    frame = rows_frame(0, 1, struct.pack("<qqd", 0, 0, 7.0))
    for place in range(0, len(frame), 5):
        live.piece("points", frame[place : place + 5])
        shown = live.shown().get("metrics", {})
        assert shown == ({"loss": 7.0} if place + 5 >= len(frame) else {})


def hostile_frames() -> dict[str, bytes]:
    names = tuple(str(number) for number in range(10_001))
    return {
        "too many series": layout_frame(1, Layout(names, False))
        + rows_frame(1, 1, struct.pack("<qq10001d", 0, 0, *range(10_001))),
        "too many declared": b"".join(layout_frame(number, Layout(names, False)) for number in range(21)),
        "a frame that never ends": struct.pack("<BIQII", 2, 0, 1, (1 << 32) - 1, 0),
    }


@pytest.mark.parametrize("what", hostile_frames())
def test_points_beyond_the_limits_are_refused_and_not_kept(hub: RunningHub, what: str) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a")
    assert live.offer("points", hostile_frames()[what]).status_code == 422
    live.log((1.0,))
    assert live.shown()["metrics"] == {"loss": 1.0}


@pytest.mark.parametrize(
    "data",
    [
        rows_frame(5, 1, b"12345678"),
        rows_frame(0, 1, b"1234567"),
        layout_frame(0, Layout(("a",), False))[:-1] + b"!",
        layout_frame(1, Layout((), False)) + rows_frame(1, 1, struct.pack("<qq", 0, 0)),
    ],
)
def test_damaged_frames_are_passed_over(hub: RunningHub, data: bytes) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a")
    live.piece("points", data)
    live.log((1.0,))
    assert live.shown()["metrics"] == {"loss": 1.0}


def test_a_run_in_progress_beyond_the_limits_is_refused(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a")
    events = [["metric", str(number), 1] for number in range(10_001)] + [["closed", "crashed"]]
    from dotscience.storage.journal import encode_events

    answer = live.offer("journal", encode_events(events))
    assert (answer.status_code, answer.json()["reason"]) == (422, "limit")
    assert live.shown()["status"] == "running"
