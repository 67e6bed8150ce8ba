"""Whether what was recorded is still there as it was."""

import os
from pathlib import Path

import pytest

from dotscience.catalog.verify import PROBLEMS, verify
from dotscience.records.record import Record
from dotscience.storage.workspace import Workspace
from dotscience.testing import fresh_recorder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def published(root: Path, content: str = "weights") -> Record:
    with fresh_recorder(root) as recorder:
        recorder.start()
        Path("raw.csv").write_text("1,2")
        recorder.input("raw.csv")
        Path("model.bin").write_text(content)
        recorder.output("model.bin")
        return recorder.publish().record


def problems(workspace: Workspace) -> list[tuple[str, str, str]]:
    return [(finding.kind, finding.what, finding.problem) for finding in verify(workspace).findings]


def blob_of(record: Record, workspace: Workspace) -> Path:
    assert record.outputs[0].digest is not None
    path = Path(workspace.blobs().path(record.outputs[0].digest))
    path.chmod(0o644)
    return path


def test_what_is_as_recorded_is_counted(tmp_path: Path, workspace: Workspace) -> None:
    published(tmp_path)
    found = verify(workspace)
    assert found.findings == []
    assert (found.records, found.blobs, found.files) == (1, 1, 2)
    assert found.to_json()["ok"] is True


def test_an_altered_record_is_found(tmp_path: Path, workspace: Workspace) -> None:
    published(tmp_path)
    (folder,) = workspace.run_folders()
    file = Path(folder.record_path)
    file.write_bytes(file.read_bytes().replace(b"model.bin", b"other.bin"))
    (finding,) = verify(workspace).findings
    assert (finding.kind, finding.what, finding.problem) == ("record", str(file), "altered")
    assert finding.detail.startswith("seal: ")


def test_an_altered_blob_is_found(tmp_path: Path, workspace: Workspace) -> None:
    record = published(tmp_path)
    blob_of(record, workspace).write_text("Weights")
    assert problems(workspace) == [("blob", record.outputs[0].digest, "altered")]


def test_a_lost_blob_is_found(tmp_path: Path, workspace: Workspace) -> None:
    record = published(tmp_path)
    blob_of(record, workspace).unlink()
    assert problems(workspace) == [("blob", record.outputs[0].digest, "lost")]


def test_a_file_that_changed_since_is_found(tmp_path: Path, workspace: Workspace) -> None:
    published(tmp_path)
    Path("model.bin").write_text("WEIGHTS")
    Path("raw.csv").unlink()
    assert problems(workspace) == [("file", "model.bin", "changed"), ("file", "raw.csv", "missing")]


def test_a_file_is_compared_with_the_latest_run_that_names_it(tmp_path: Path, workspace: Workspace) -> None:
    first = published(tmp_path, "old")
    published(tmp_path, "new")
    assert problems(workspace) == []
    only_first = verify(workspace, [workspace.run_folder(first.id)])
    assert [(finding.what, finding.problem) for finding in only_first.findings] == [("model.bin", "changed")]


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
def test_a_journal_without_a_header_is_found(tmp_path: Path, workspace: Workspace) -> None:
    folder = Path(workspace.prepare(), "runs", "1")
    folder.mkdir()
    (folder / "journal.jsonl").write_text("garbage\n")
    assert problems(workspace) == [("journal", str(folder / "journal.jsonl"), "altered")]


def test_runs_without_a_record_are_counted_apart(tmp_path: Path, workspace: Workspace) -> None:
    with fresh_recorder(tmp_path) as recorder:
        recorder.start()
    found = verify(workspace)
    assert (found.records, found.unpublished, found.findings) == (0, 1, [])


def test_progress_ends_at_the_total(tmp_path: Path, workspace: Workspace) -> None:
    published(tmp_path, "x" * 3_000_000)
    told: list[tuple[int, int]] = []
    verify(workspace, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6_000_003, 6_000_003)
    assert len(told) > 2


def test_every_problem_has_a_meaning(tmp_path: Path, workspace: Workspace) -> None:
    record = published(tmp_path)
    Path("model.bin").unlink()
    blob_of(record, workspace).unlink()
    assert {problem for _, _, problem in problems(workspace)} <= set(PROBLEMS)
