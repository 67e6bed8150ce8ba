"""A run's folder: its journal tells the truth about an unpublished run, its record appears whole or not at all."""

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from dotscience.errors import CorruptError, NotFoundError
from dotscience.records.record import Record
from dotscience.storage.journal import JOURNAL_VERSION, encode_events
from dotscience.storage.processes import this_process
from dotscience.storage.runs import RunFolder

RECORD = Record("an-id", "completed", datetime(2026, 11, 1, tzinfo=timezone.utc))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "runs/an-id").mkdir(parents=True)
    return RunFolder(str(tmp_path / "runs/an-id"))


def journal(folder: RunFolder, *events: Any, **process: Any) -> None:
    header = {
        "journal": JOURNAL_VERSION,
        "id": "an-id",
        "root": "/w",
        "process": {**this_process(), **process},
    }
    Path(folder.journal_path).write_bytes(encode_events([header, *events]))


def test_the_run_of_a_living_process_is_running(folder: RunFolder) -> None:
    journal(folder, ["metric", "a", 1])
    state = folder.state()
    assert (state.status, state.metrics, state.problems) == ("running", {"a": 1}, [])


@pytest.mark.parametrize("process", [{"born": 1}, {"boot": "another"}, {"pid": 999_999_999}], ids=str)
def test_the_run_of_a_process_that_is_gone_was_killed(process: dict[str, Any], folder: RunFolder) -> None:
    journal(folder, ["metric", "a", 1], **process)
    if "boot" in process:
        os.utime(folder.journal_path, (1, 1))  # before this machine was started
    assert folder.state().status == "killed"


def test_on_another_machine_a_journal_that_is_still_touched_is_running(folder: RunFolder) -> None:
    journal(folder, host="elsewhere", boot="another")
    assert folder.state().status == "running"
    os.utime(folder.journal_path, (1, 1))
    assert folder.state().status == "killed"


@pytest.mark.parametrize("status", ["unpublished", "crashed"])
def test_a_run_that_was_closed_keeps_its_word(status: str, folder: RunFolder) -> None:
    journal(folder, ["closed", status], born=1)
    assert folder.state().status == status


def test_a_journal_torn_at_any_byte_gives_a_state(folder: RunFolder) -> None:
    journal(folder, ["metric", "a", 1], ["inputs", [{"path": "x"}]], born=1)
    whole = Path(folder.journal_path).read_bytes()
    for length in range(len(whole)):
        Path(folder.journal_path).write_bytes(whole[:length])
        state = folder.state()
        # Before the header is there, only the file's age tells whether somebody is about to write it.
        assert state.status == ("killed" if length > whole.index(b"\n") else "running")
        assert (state.id, state.problems) == ("an-id", [])


def test_an_old_journal_without_a_header_was_killed(folder: RunFolder) -> None:
    Path(folder.journal_path).touch()
    os.utime(folder.journal_path, (1, 1))
    assert (folder.state().id, folder.state().status) == ("an-id", "killed")


def test_what_cannot_be_read_back_is_said_with_its_line(folder: RunFolder) -> None:
    journal(folder, ["metric", "a", 1], "garbage", ["metric", "b"], ["metric", "c", 2])
    state = folder.state()
    assert state.metrics == {"a": 1, "c": 2}
    assert len(state.problems) == 2
    assert any(f"{folder.journal_path}: line 3" in problem for problem in state.problems)
    assert any("'metric' was passed over" in problem for problem in state.problems)


def test_a_folder_without_a_journal_is_named(folder: RunFolder) -> None:
    with pytest.raises(NotFoundError, match="an-id has no journal"):
        folder.state()


def test_a_damaged_header_is_named(folder: RunFolder) -> None:
    Path(folder.journal_path).write_text("garbage\n")
    with pytest.raises(CorruptError, match=r"journal\.jsonl: line 1"):
        folder.state()


def test_publishing_replaces_journal_and_points_by_the_record(folder: RunFolder) -> None:
    journal(folder)
    Path(folder.points_path).touch()
    assert not folder.is_published()
    folder.write_record(RECORD)
    assert folder.is_published()
    assert os.listdir(folder.path) == ["record.json"]
    assert folder.read_record().id == "an-id"


def test_a_folder_that_was_deleted_is_made_again_for_the_record(folder: RunFolder) -> None:
    os.rmdir(folder.path)
    os.rmdir(os.path.dirname(folder.path))
    folder.write_record(RECORD)
    assert folder.read_record().id == "an-id"


def test_a_record_that_is_not_there_is_named_with_the_cure(folder: RunFolder) -> None:
    with pytest.raises(NotFoundError, match="`ds publish an-id` makes one"):
        folder.read_record()


def test_a_journal_that_cannot_be_dropped_does_not_undo_the_publish(folder: RunFolder) -> None:
    def release() -> None:
        raise OSError("the quota is used up, says the server when the file is closed")

    journal(folder)
    Path(folder.points_path, "in the way").mkdir(parents=True)
    folder.write_record(RECORD, release)
    assert folder.read_record().id == RECORD.id
    assert not os.path.exists(folder.journal_path)


def test_a_record_that_was_altered_is_named(folder: RunFolder) -> None:
    folder.write_record(RECORD)
    raw = Path(folder.record_path).read_bytes()
    Path(folder.record_path).write_bytes(raw.replace(b"completed", b"failed___"))
    with pytest.raises(CorruptError, match=r"runs/an-id/record\.json: seal"):
        folder.read_record()


def test_annotations_come_back_oldest_first_and_damaged_ones_are_passed_over(folder: RunFolder) -> None:
    assert folder.annotations() == []
    folder.annotate("b", {"at": "2026-11-02", "author": "Ada", "tag": "é\ud800"})
    folder.annotate("a", {"at": "2026-11-03", "author": "Ada", "untag": "best"})
    folder.annotate("c", {"at": "2026-11-01", "author": "Bob", "note": "looks wrong"})
    inside = Path(folder.path, "annotations")
    for name, content in (
        ("x.json", b"{"),
        ("y.json", b"[]"),
        ("z.json", b'{"at":1}'),
        ("t.tmp", b"{}"),
        ("d.json", b"[" * 99_999),
    ):
        (inside / name).write_bytes(content)
    assert [annotation["at"] for annotation in folder.annotations()] == [
        "2026-11-01",
        "2026-11-02",
        "2026-11-03",
    ]


def test_a_discarded_run_is_gone(folder: RunFolder) -> None:
    journal(folder)
    folder.discard()
    assert not os.path.exists(folder.path)
