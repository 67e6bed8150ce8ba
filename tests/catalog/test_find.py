"""Which run a reference means."""

from pathlib import Path

import pytest

from dotscience.catalog.find import find_run, folder_of
from dotscience.errors import AmbiguousError, NotFoundError
from dotscience.recorder.recorder import Recorder
from dotscience.storage.workspace import Workspace


def made(root: Path, *names: str) -> Workspace:
    workspace = Workspace(str(root))
    for name in names:
        Path(workspace.prepare(), "runs", name).mkdir()
    return workspace


def test_a_run_is_found_by_its_id_and_by_a_unique_prefix(tmp_path: Path) -> None:
    workspace = made(tmp_path, "aa1", "aa2", "aa", "b1")
    assert find_run("b", workspace)[1].id == "b1"
    assert find_run("aa", workspace)[1].id == "aa"
    with pytest.raises(NotFoundError, match="No run 'c'"):
        find_run("c", workspace)


def test_a_prefix_of_several_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousError, match="fits 2 runs"):
        find_run("aa", made(tmp_path, "aa1", "aa2"))


def test_the_latest_is_the_one_that_was_started_last(recorder: Recorder, tmp_path: Path) -> None:
    recorder.start("first")
    recorder.publish()
    recorder.start("second")
    published = recorder.publish()
    assert find_run("@latest", Workspace(str(tmp_path)))[1].id == published.id


def test_other_workspaces_are_searched_where_that_is_wanted(tmp_path: Path) -> None:
    here, there = made(tmp_path / "here", "a1"), made(tmp_path / "there", "b1")
    with pytest.raises(NotFoundError):
        find_run("b1", here)
    workspace, folder = find_run("b", here, everywhere=True)
    assert (workspace.root, folder.id) == (there.root, "b1")


def test_a_prefix_that_fits_runs_of_several_other_workspaces_is_refused(tmp_path: Path) -> None:
    here = made(tmp_path / "here", "a1")
    made(tmp_path / "one", "b1")
    made(tmp_path / "two", "b2")
    with pytest.raises(AmbiguousError, match="b1, b2"):
        find_run("b", here, everywhere=True)


def test_a_folder_is_found_by_the_whole_id_only(tmp_path: Path) -> None:
    workspace = made(tmp_path, "aa1")
    assert folder_of("aa1", workspace).id == "aa1"
    with pytest.raises(NotFoundError):
        folder_of("aa", workspace)
