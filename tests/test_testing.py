"""The public test kit."""

from pathlib import Path

import dotscience as ds
from dotscience.storage.workspace import Workspace
from dotscience.testing import FixedClock, counted_ids, fresh_recorder, recording_to


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(100.0)
    assert (clock(), clock()) == (100.0, 100.0)
    clock.advance(2.5)
    assert clock() == 102.5


def test_ids_count_from_one_for_each_maker() -> None:
    first, second = counted_ids(), counted_ids()
    assert [first(), first(), second()] == [
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-000000000002",
        "00000000-0000-0000-0000-000000000001",
    ]


def test_a_fresh_recorder_records_with_the_given_clock_and_ids(tmp_path: Path) -> None:
    clock = FixedClock()
    with fresh_recorder(tmp_path, clock=clock, new_id=counted_ids()) as recorder:
        recorder.start()
        clock.advance(60)
        record = recorder.publish("one minute").record
    assert record.id == "00000000-0000-0000-0000-000000000001"
    assert str(record.started) == "2026-11-01 08:30:00+00:00"
    assert (record.ended - record.started).total_seconds() == 60


def test_a_run_still_open_at_the_end_is_left_unpublished(tmp_path: Path) -> None:
    with fresh_recorder(tmp_path) as recorder:
        recorder.metric("accuracy", 0.5)
    (folder,) = Workspace(str(tmp_path)).run_folders()
    assert folder.state().status == "unpublished"
    assert folder.state().metrics == {"accuracy": 0.5}


def test_the_functions_of_the_package_record_into_the_given_workspace(tmp_path: Path) -> None:
    with recording_to(tmp_path / "a", new_id=counted_ids()):
        ds.script()
        ds.metric("accuracy", 0.5)
        published = ds.publish("first")
    assert published.folder == str(tmp_path / "a/.dotscience/runs" / published.id)
    assert published.record.metrics == {"accuracy": 0.5}


def test_nothing_goes_from_one_block_to_the_next(tmp_path: Path) -> None:
    with recording_to(tmp_path / "a"):
        ds.script()
        ds.label("mode", "test")
        ds.publish()
    with recording_to(tmp_path / "b"):
        ds.interactive()
        record = ds.publish().record
    assert (record.mode, record.labels, record.continues) == ("interactive", {}, None)


def test_blocks_nest(tmp_path: Path) -> None:
    with recording_to(tmp_path / "outer"):
        ds.parameter("depth", 1)
        with recording_to(tmp_path / "inner"):
            ds.parameter("depth", 2)
            ds.publish()
        assert ds.publish().record.parameters == {"depth": 1}
