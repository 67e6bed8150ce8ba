"""Runs in progress: what the catalog is told of them, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dotscience.catalog.listing import get_run
from dotscience.hub.services import live as service
from dotscience.hub.services.indexing import reindex

from ...hub_server import RunningHub, running
from ..sending import NOW, Live, record, send


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[RunningHub]:
    """A Hub by that clock."""
    with running(tmp_path / "hub", clock=clock) as hub:
        yield hub


def test_the_catalog_is_told_once_a_second(timed: RunningHub, clock: Clock) -> None:
    project = timed.project(timed.admin).id
    place = timed.hub.catalog.seen_by([project])
    live = Live(timed.admin, project, "9a9a")
    live.log((3.0,))
    assert get_run(place, "9a9a").metrics == {}
    assert live.shown()["metrics"] == {"loss": 3.0}  # whoever asks for the run is told at once
    clock.now += 1.5
    live.log((2.0,))
    assert get_run(place, "9a9a").metrics == {"loss": 2.0}


def test_a_sign_of_life_tells_what_was_held_back(timed: RunningHub, clock: Clock) -> None:
    project = timed.project(timed.admin).id
    live = Live(timed.admin, project, "9a9a")
    clock.now += 0.5
    live.log((3.0,))
    clock.now += 10
    live.piece("journal", b"")
    assert get_run(timed.hub.catalog.seen_by([project]), "9a9a").metrics == {"loss": 3.0}


def test_that_a_run_is_over_is_told_at_once_and_what_follows_it_too(timed: RunningHub) -> None:
    project = timed.project(timed.admin).id
    place = timed.hub.catalog.seen_by([project])
    live = Live(timed.admin, project, "9a9a")
    live.say(["closed", "crashed"])
    assert get_run(place, "9a9a").status == "crashed"
    live.log((3.0,))
    assert get_run(place, "9a9a").metrics == {"loss": 3.0}


def test_that_a_run_is_over_is_told_although_it_holds_more_than_a_hub_takes(timed: RunningHub) -> None:
    project = timed.project(timed.admin).id
    place = timed.hub.catalog.seen_by([project])
    live = Live(timed.admin, project, "9a9a")
    live.say(["label", "huge", "x" * (2 << 20)])
    refused = live.offer("journal", b'["metric","a",1]\n["closed","killed"]\n')
    assert (refused.status_code, get_run(place, "9a9a").status) == (422, "running")
    live.say(["closed", "killed"])
    tag = f"/api/projects/{project}/runs/9a9a/annotations/00000000-0000-4000-8000-000000000001"
    assert timed.admin.put(tag, json={"tag": "good"}).status_code == 200
    told = get_run(place, "9a9a")
    assert (told.status, told.labels, told.started, told.tags) == ("killed", {}, NOW, ("good",))
    reindex(timed.hub)
    assert get_run(place, "9a9a").status == "killed"


def test_a_run_with_a_long_journal_is_told_less_often(timed: RunningHub, clock: Clock) -> None:
    project = timed.project(timed.admin).id
    live = Live(timed.admin, project, "9a9a")
    place = timed.hub.catalog.seen_by([project])
    clock.now += 2
    live.say(["parameter", "long", "x" * 1_000_000])
    assert get_run(place, "9a9a").parameters == {}
    clock.now += 2
    live.log((2.0,))
    row = get_run(place, "9a9a")
    assert (len(row.parameters["long"]), row.metrics) == (1_000_000, {"loss": 2.0})


def test_a_tag_on_a_run_in_progress_stays_while_it_goes_on(timed: RunningHub, clock: Clock) -> None:
    project = timed.project(timed.admin).id
    live = Live(timed.admin, project, "9a9a")
    tag = f"/api/projects/{project}/runs/9a9a/annotations/00000000-0000-4000-8000-000000000001"
    assert timed.admin.put(tag, json={"tag": "good"}).status_code == 200
    clock.now += 2
    live.log((3.0,))
    assert get_run(timed.hub.catalog.seen_by([project]), "9a9a").tags == ("good",)


def test_pieces_that_come_twice_or_early_change_nothing(timed: RunningHub) -> None:
    project = timed.project(timed.admin).id
    live = Live(timed.admin, project, "9a9a")
    address = f"/api/projects/{project}/runs/9a9a/journal"
    length = timed.admin.get(address).json()["length"]
    again = timed.admin.put(f"{address}?offset=0", data=b'{"journal": 1')
    assert (again.status_code, again.json().get("reason")) == (409, "differs")
    early = timed.admin.put(f"{address}?offset={length + 1}", data=b"x")
    assert (early.status_code, early.json()["length"]) == (409, length)
    live.say(["label", "a", 1])
    assert live.shown()["labels"] == {"a": 1}


def test_a_published_run_takes_no_more(timed: RunningHub) -> None:
    project = timed.project(timed.admin).id
    live = Live(timed.admin, project, "9a9a")
    live.log((3.0,))
    send(timed.admin, project, record("9a9a"))
    answer = live.offer("journal", b"")
    assert (answer.status_code, answer.json()["reason"]) == (409, "published")


def test_the_kinds_are_the_files_of_a_run_folder() -> None:
    assert service.KINDS == ("journal", "points")
