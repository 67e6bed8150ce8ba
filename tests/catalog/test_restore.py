"""Putting files back."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.catalog.restore import OUTCOMES, place_of, restore
from dotscience.errors import NotFoundError, StateError, UnwritableError
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.storage.workspace import Workspace
from dotscience.testing import fresh_recorder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path / "study"))


@pytest.fixture
def record(workspace: Workspace) -> Record:
    root = Path(workspace.root)
    (root / "models").mkdir(parents=True)
    with fresh_recorder(root) as recorder:
        recorder.start()
        (root / "raw.csv").write_text("1,2")
        recorder.input(root / "raw.csv")
        recorder.input("s3://bucket/more.csv")
        for name in ("a.bin", "b.bin"):
            (root / "models" / name).write_text(f"weights of {name}")
        recorder.output(root / "models")
        recorder.output(root / "missing.bin")
        return recorder.publish().record


def outcomes(record: Record, workspace: Workspace, to: str = "back", **options: object) -> dict[str, str]:
    restored = restore(record, workspace, to, **options)  # type: ignore[arg-type]
    return {file.path: file.outcome for file in restored}


def kept(workspace: Workspace, path: str, content: bytes = b"content") -> Record:
    """A record of one kept output of that path."""
    workspace.prepare()
    version = FileVersion(path, workspace.blobs().put_bytes(content), len(content), 0, kept=True)
    with fresh_recorder(workspace.root) as recorder:
        recorder.start()
        return replace(recorder.publish().record, outputs=(version,))


def test_what_was_kept_is_written_and_the_rest_is_named(record: Record, workspace: Workspace) -> None:
    assert outcomes(record, workspace) == {
        "raw.csv": "fingerprint only",
        "models/a.bin": "restored",
        "models/b.bin": "restored",
        "missing.bin": "unseen",
    }
    assert Path("back/models/a.bin").read_text() == "weights of a.bin"
    assert sorted(os.listdir("back")) == ["models"]


def test_a_path_means_a_file_or_all_below_a_folder(record: Record, workspace: Workspace) -> None:
    assert outcomes(record, workspace, paths=["models"]) == {
        "models/a.bin": "restored",
        "models/b.bin": "restored",
    }
    assert list(outcomes(record, workspace, "one", paths=["models/b.bin"])) == ["models/b.bin"]
    with pytest.raises(NotFoundError, match="recorded no file 'model'"):
        restore(record, workspace, "two", paths=["model"])


def test_restoring_twice_finds_the_files_there(record: Record, workspace: Workspace) -> None:
    outcomes(record, workspace)
    assert outcomes(record, workspace)["models/a.bin"] == "present"


def test_other_content_is_not_overwritten_unless_that_is_wanted(record: Record, workspace: Workspace) -> None:
    Path("back/models").mkdir(parents=True)
    Path("back/models/b.bin").write_text("mine")
    with pytest.raises(StateError, match="nothing was written"):
        restore(record, workspace, "back")
    assert os.listdir("back/models") == ["b.bin"]
    assert Path("back/models/b.bin").read_text() == "mine"
    assert outcomes(record, workspace, force=True)["models/b.bin"] == "restored"
    assert Path("back/models/b.bin").read_text() == "weights of b.bin"


def test_altered_content_is_not_written(record: Record, workspace: Workspace) -> None:
    digest = next(version.digest for version in record.outputs if version.path == "models/a.bin")
    assert digest is not None
    blob = Path(workspace.blobs().path(digest))
    blob.chmod(0o644)
    blob.write_text("something else")
    assert outcomes(record, workspace)["models/a.bin"] == "altered"
    assert os.listdir("back/models") == ["b.bin"]


def test_lost_content_is_said_to_be_lost(record: Record, workspace: Workspace) -> None:
    for digest in list(workspace.blobs()):
        workspace.blobs().delete(digest)
    assert outcomes(record, workspace)["models/a.bin"] == "lost"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("data/raw.csv", "data/raw.csv"),
        ("../shared/raw.csv", "_parent/shared/raw.csv"),
        ("a/../../../b", "a/_parent/_parent/_parent/b"),
        ("/etc/passwd", "_root/etc/passwd"),
        ("C:/data/raw.csv", "_root/C/data/raw.csv"),
        ("./a//b", "a/b"),
        ("a\0b", "a_b"),
    ],
)
def test_what_lay_outside_the_workspace_gets_a_place_of_its_own(path: str, place: str) -> None:
    assert place_of(path) == place


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "/", "C:", "\0"])).map("/".join))
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    inside = os.path.normpath(os.path.join("/target", place_of(path)))
    assert inside == "/target" or inside.startswith("/target/")


def test_a_path_with_dots_is_restored_inside_the_folder(workspace: Workspace) -> None:
    record = kept(workspace, "../../escaped.txt")
    assert outcomes(record, workspace) == {"../../escaped.txt": "restored"}
    assert Path("back/_parent/_parent/escaped.txt").read_bytes() == b"content"


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_that_leads_out_of_the_folder_is_not_followed(workspace: Workspace) -> None:
    Path("elsewhere").mkdir()
    Path("back").mkdir()
    Path("back/models").symlink_to(Path("elsewhere").absolute())
    with pytest.raises(UnwritableError, match="leads out of"):
        restore(kept(workspace, "models/deep/a.bin"), workspace, "back", force=True)
    assert os.listdir("elsewhere") == []


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_in_place_of_a_file_is_replaced_and_its_target_left_alone(workspace: Workspace) -> None:
    Path("mine.txt").write_text("mine")
    Path("back").mkdir()
    Path("back/a.bin").symlink_to(Path("mine.txt").absolute())
    record = kept(workspace, "a.bin")
    with pytest.raises(StateError):
        restore(record, workspace, "back")
    assert outcomes(record, workspace, force=True) == {"a.bin": "restored"}
    assert Path("mine.txt").read_text() == "mine"
    assert not Path("back/a.bin").is_symlink()


def test_of_a_file_that_was_read_and_written_the_output_is_restored(tmp_path: Path) -> None:
    with fresh_recorder(tmp_path, environ={**os.environ, "DOTSCIENCE_KEEP_INPUTS": "true"}) as recorder:
        recorder.start()
        Path("counter").write_text("before")
        recorder.input("counter")
        Path("counter").write_text("after it")
        recorder.output("counter")
        record = recorder.publish().record
    restored = restore(record, Workspace(str(tmp_path)), "back")
    assert [(file.role, file.outcome) for file in restored] == [("output", "restored")]
    assert Path("back/counter").read_text() == "after it"


def test_every_outcome_has_a_meaning(record: Record, workspace: Workspace) -> None:
    assert set(outcomes(record, workspace).values()) <= set(OUTCOMES)
