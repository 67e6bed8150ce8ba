"""Removing what nothing needs."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.catalog.garbage import STALE, YOUNG, Garbage, sweep
from dotscience.recorder.recorder import Recorder
from dotscience.records.record import Record
from dotscience.storage.blobs import LocalBlobs
from dotscience.storage.workspace import Workspace
from dotscience.testing import fresh_recorder

LATER = YOUNG + 60


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


@pytest.fixture
def blobs(workspace: Workspace) -> LocalBlobs:
    workspace.prepare()
    return workspace.blobs()


def published(root: Path, content: str = "weights") -> Record:
    with fresh_recorder(root) as recorder:
        recorder.start()
        Path("model.bin").write_text(content)
        recorder.output("model.bin")
        recorder.log({"loss": 0.5})
        return recorder.publish().record


def test_what_a_record_needs_stays(tmp_path: Path, workspace: Workspace) -> None:
    record = published(tmp_path)
    assert sweep(workspace, now=time.time() + LATER).garbage == ()
    assert record.outputs[0].digest in set(workspace.blobs())
    assert record.series["blob"]["sha256"] in set(workspace.blobs())


def test_what_nothing_needs_goes_after_an_hour(workspace: Workspace, blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"nobody's")
    young = sweep(workspace)
    assert (young.garbage, young.young) == ((), 1)
    swept = sweep(workspace, now=time.time() + LATER)
    assert swept.garbage == (Garbage("blob", blobs.path(digest), 8),)
    assert swept.is_removed
    assert list(blobs) == []


def test_a_recorder_that_goes_on_afterwards_keeps_its_content_again(
    tmp_path: Path, workspace: Workspace
) -> None:
    Path("model.bin").write_text("weights")
    with fresh_recorder(tmp_path) as recorder:

        def publish() -> Record:
            recorder.start()
            assert recorder._session is not None
            recorder._session.cache.clock = lambda: time.time() + 60  # so that it believes in young files
            recorder.output("model.bin")
            return recorder.publish().record

        first = publish()
        (folder,) = workspace.run_folders()
        folder.discard()
        assert sweep(workspace, now=time.time() + LATER).is_removed
        (version,) = publish().outputs
    assert version.kept and version.digest == first.outputs[0].digest
    assert workspace.blobs().has(str(version.digest))


def test_a_dry_run_only_says_what_it_would_do(workspace: Workspace, blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"nobody's")
    swept = sweep(workspace, dry_run=True, now=time.time() + LATER)
    assert (len(swept.garbage), swept.size, swept.is_removed) == (1, 8, False)
    assert blobs.has(digest)


@pytest.mark.parametrize(
    "place",
    [
        "runs/1/journal.jsonl",
        "runs/1/record.json",
        "runs/1/annotations/2.json",
        "executions/3/execution.json",
        "executions/3/started.json",
    ],
)
def test_a_digest_that_stands_anywhere_is_needed(workspace: Workspace, blobs: LocalBlobs, place: str) -> None:
    digest = blobs.put_bytes(b"somebody's")
    file = Path(workspace.home, place)
    file.parent.mkdir(parents=True)
    file.write_text(f'torn and unreadable "{digest}')
    sweep(workspace, now=time.time() + LATER)
    assert blobs.has(digest)


def test_nothing_is_removed_while_a_run_is_in_progress(
    recorder: Recorder, workspace: Workspace, blobs: LocalBlobs
) -> None:
    digest = blobs.put_bytes(b"nobody's")
    recorder.start()
    (folder,) = workspace.run_folders()
    swept = sweep(workspace, now=time.time() + LATER)
    assert (swept.running, swept.is_removed) == ((folder.id,), False)
    assert blobs.has(digest)
    assert os.listdir(Path(blobs.path(digest)).parent) == [digest[2:]]


def test_a_run_that_begins_while_blobs_are_set_aside_gets_them_back(
    tmp_path: Path, workspace: Workspace, blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = blobs.put_bytes(b"weights")
    rename, begun = os.rename, []

    def rename_and_publish(source: str, target: str) -> None:
        rename(source, target)
        if target.endswith(".aside") and not begun:
            begun.append(published(tmp_path))

    monkeypatch.setattr(os, "rename", rename_and_publish)
    sweep(workspace, now=time.time() + LATER)
    assert begun[0].outputs[0].digest == digest
    assert begun[0].outputs[0].kept
    assert blobs.check(digest)


def test_what_a_killed_sweep_set_aside_is_put_back(
    tmp_path: Path, workspace: Workspace, blobs: LocalBlobs
) -> None:
    digest = published(tmp_path).outputs[0].digest
    assert digest is not None
    os.rename(blobs.path(digest), blobs.path(digest) + ".aside")
    sweep(workspace, dry_run=True)
    assert blobs.check(digest)


def test_remembered_digests_are_forgotten(tmp_path: Path, workspace: Workspace, blobs: LocalBlobs) -> None:
    Path(workspace.home, "digests").mkdir()
    Path(workspace.home, "digests", "0001").write_bytes(b"")
    sweep(workspace)
    assert os.listdir(Path(workspace.home, "digests")) == []


def test_temporary_files_go_after_a_day(workspace: Workspace, blobs: LocalBlobs) -> None:
    run = Path(workspace.home, "runs", "1")
    run.mkdir()
    left = [run / "record.json.17.tmp", Path(blobs.folder, "tmp-1")]
    Path(blobs.folder).mkdir()
    for file in left:
        file.write_text("torn")
    assert sweep(workspace).garbage == ()
    swept = sweep(workspace, now=time.time() + STALE + 60)
    assert {Path(piece.path) for piece in swept.garbage} == set(left)
    assert not any(file.exists() for file in left)


def test_a_workspace_without_anything_has_no_garbage(workspace: Workspace) -> None:
    assert sweep(workspace).garbage == ()
    assert not os.path.exists(workspace.home)


def test_progress_tells_how_many_folders_were_searched(
    tmp_path: Path, workspace: Workspace, require: Callable[..., None]
) -> None:
    published(tmp_path)
    told: list[tuple[int, int]] = []
    sweep(workspace, dry_run=True, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]
