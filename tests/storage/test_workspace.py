"""The workspace is found, made, listed and searched; where it cannot be written, its runs go elsewhere."""

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dotscience.errors import AmbiguousError, NotFoundError, UnwritableError
from dotscience.storage.workspace import Workspace, current_directory, find_root, known_workspaces


def test_the_root_is_the_current_directory_at_first(tmp_path: Path) -> None:
    assert find_root() == str(tmp_path)
    (tmp_path / "below").mkdir()
    assert find_root("below") == str(tmp_path / "below")


def test_the_root_is_the_nearest_parent_that_has_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / ".dotscience").mkdir()
    os.chdir("a/b/c")
    assert find_root() == str(tmp_path)
    (tmp_path / "a/.dotscience").mkdir()
    assert find_root() == str(tmp_path / "a")
    (tmp_path / "a/b/.dotscience").touch()  # a file of that name is no workspace
    assert find_root() == str(tmp_path / "a")


def test_the_variable_decides_before_everything_else(tmp_path: Path) -> None:
    (tmp_path / ".dotscience").mkdir()
    assert find_root(environ={"DOTSCIENCE_PROJECT_DOT_ROOT": "elsewhere"}) == str(tmp_path / "elsewhere")
    assert find_root(environ={"DOTSCIENCE_PROJECT_DOT_ROOT": ""}) == str(tmp_path)


def test_a_current_directory_that_was_deleted_keeps_its_name(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert current_directory({"PWD": str(gone)}) == str(gone)
    assert find_root(environ={"PWD": str(gone)}) == str(gone)
    os.chdir(tmp_path)


def test_a_workspace_touches_nothing_until_it_is_prepared(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    assert workspace.places == [] and list(workspace.run_folders()) == [] and known_workspaces() == []
    assert list(tmp_path.iterdir()) == []


def test_preparing_makes_the_folder_and_notes_the_workspace(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    for _ in range(2):
        assert workspace.prepare() == str(tmp_path / ".dotscience")
    assert (tmp_path / ".dotscience/.gitignore").read_text() == "*\n"
    assert known_workspaces() == [str(tmp_path)]
    assert not list(Path(os.environ["XDG_STATE_HOME"]).rglob("*.tmp"))


def test_a_workspace_that_is_gone_is_not_listed(tmp_path: Path) -> None:
    for name in ("a", "b", "\udcff name\n"):
        (tmp_path / name).mkdir()
        Workspace(str(tmp_path / name)).prepare()
    os.rename("a", "moved")
    assert known_workspaces() == [str(tmp_path / "b"), str(tmp_path / "\udcff name\n")]


def test_a_damaged_list_of_workspaces_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    Workspace(str(tmp_path)).prepare()
    listed = Path(os.environ["XDG_STATE_HOME"], "dotscience/workspaces")
    (listed / "binary").write_bytes(b"\xff\x00\n")
    (listed / "empty").touch()
    (listed / "folder").mkdir()
    assert known_workspaces() == [str(tmp_path)]


def run(workspace: Workspace, run_id: str) -> None:
    os.makedirs(os.path.join(workspace.prepare(), "runs", run_id))


def test_a_run_is_found_by_its_id_or_a_unique_beginning(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    for run_id in ("abc1", "abc2", "abc", "def"):
        run(workspace, run_id)
    assert workspace.run_folder("d").id == "def"
    assert workspace.run_folder("abc").id == "abc"  # exactly that one, though others begin with it
    assert workspace.run_folder("abc1").id == "abc1"


@pytest.mark.parametrize("ref", ["", "x", "abcd", "../runs/abc", "*", "a\0", "/"])
def test_a_run_that_is_not_there_is_named_with_the_cure(ref: str, tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    run(workspace, "abc")
    with pytest.raises(NotFoundError, match=r"No run .*`ds list` shows"):
        workspace.run_folder(ref)


def test_a_beginning_of_several_runs_is_named_with_them(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    for run_id in ("ab1", "ab2"):
        run(workspace, run_id)
    with pytest.raises(AmbiguousError, match=r"'ab' fits 2 runs.*ab1, ab2.*Give more characters"):
        workspace.run_folder("ab")


def test_files_and_hidden_folders_are_no_runs(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    run(workspace, "abc")
    run(workspace, ".hidden")
    (tmp_path / ".dotscience/runs/file").touch()
    assert [folder.id for folder in workspace.run_folders()] == ["abc"]


def assert_spills(workspace: Workspace) -> None:
    place = workspace.prepare()
    assert place == workspace.spill
    assert place.startswith(os.path.join(os.environ["XDG_STATE_HOME"], "dotscience", "spill"))
    run(workspace, "abc")
    assert [folder.id for folder in workspace.run_folders()] == ["abc"]
    assert known_workspaces() == [workspace.root]


def test_a_file_in_place_of_the_folder_sends_runs_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".dotscience").touch()
    assert_spills(Workspace(str(tmp_path)))


@pytest.mark.skipif(not os.path.isdir("/proc/sys"), reason="needs a folder that nobody can write to")
def test_a_read_only_file_system_sends_runs_elsewhere() -> None:
    assert_spills(Workspace("/proc/sys"))


def test_a_folder_without_permission_sends_runs_elsewhere(
    unprivileged: Callable[[], AbstractContextManager[None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # which others may enter, unlike tmp_path
        os.chmod(folder, 0o755)
        (Path(folder) / "work/.dotscience/runs").mkdir(parents=True)
        (Path(folder) / "work/.dotscience/runs").chmod(0o555)
        (Path(folder) / "state").mkdir()
        (Path(folder) / "state").chmod(0o777)
        workspace = Workspace(f"{folder}/work", {"XDG_STATE_HOME": f"{folder}/state"})
        with unprivileged():
            assert workspace.prepare() == workspace.spill


def test_where_nothing_can_be_written_the_error_names_both_places(tmp_path: Path) -> None:
    (tmp_path / ".dotscience").touch()
    (tmp_path / "state").touch()
    workspace = Workspace(str(tmp_path), {"XDG_STATE_HOME": str(tmp_path / "state")})
    with pytest.raises(UnwritableError) as caught:
        workspace.prepare()
    assert workspace.home in str(caught.value) and workspace.spill in str(caught.value)


def test_blobs_are_found_in_the_place_that_holds_them(tmp_path: Path) -> None:
    (tmp_path / ".dotscience").touch()
    workspace = Workspace(str(tmp_path))
    workspace.prepare()
    digest = workspace.blobs().put_bytes(b"spilled")
    (tmp_path / ".dotscience").unlink()
    workspace.prepare()
    other = workspace.blobs().put_bytes(b"at home")
    assert workspace.blobs(digest).has(digest) and workspace.blobs(other).has(other)


def test_an_execution_holds_the_runs_that_were_noted_and_are_there(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    place = Path(workspace.prepare())
    workspace.note_held("none-here", "a-run")
    assert workspace.held_by("none-here") is None and not (place / "executions").exists()
    (place / "executions" / "one").mkdir(parents=True)
    assert workspace.held_by("one") is None
    for run in ("kept", "gone"):
        workspace.note_held("one", run)
    (place / "runs" / "kept").mkdir()
    (place / "runs" / "kept" / "journal.jsonl").touch()
    held = workspace.held_by("one")
    assert held is not None and [folder.id for folder in held] == ["kept"]
