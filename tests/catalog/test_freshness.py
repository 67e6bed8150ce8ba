"""How the files on disk stand to what the runs say."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dotscience.catalog.freshness import Status, status
from dotscience.records.files import FileVersion

if TYPE_CHECKING:
    from conftest import Study


def chain(study: Study) -> list[str]:
    """raw.csv → clean.csv → model.pkl → plot.png, all on disk."""
    study.write("raw.csv", b"raw")
    steps = ["raw.csv", "clean.csv", "model.pkl", "plot.png"]
    return [
        study.publish(
            inputs={source: source[:-4].encode()},
            outputs={target: target[:-4].encode()},
            on_disk=True,
            workload_file="study.py",
        )
        for source, target in pairwise(steps)
    ]


def stale(found: Status) -> dict[str, tuple[str, ...]]:
    return {one.path: one.because for one in found.stale}


def missing(found: Status) -> list[tuple[str, str, str]]:
    assert {one.state for one in found.changed} <= {"missing"}
    return [(one.path, one.role, one.run) for one in found.changed]


def test_nothing_is_amiss_right_after_the_runs(study: Study) -> None:
    chain(study)
    study.write("study.py", b"print()")
    assert status(study.workspace) == Status(str(study.root), (), (), (), False)


def test_an_input_that_changed_makes_everything_after_it_stale(study: Study) -> None:
    prepare, train, score = chain(study)
    study.write("raw.csv", b"new")
    found = status(study.workspace)
    assert stale(found) == {
        "clean.csv": ("raw.csv changed since",),
        "model.pkl": ("clean.csv is stale",),
        "plot.png": ("model.pkl is stale",),
    }
    assert {one.path: one.run for one in found.stale} == {
        "clean.csv": prepare,
        "model.pkl": train,
        "plot.png": score,
    }
    assert [(one.path, one.role, one.run, one.state) for one in found.changed] == [
        ("raw.csv", "input", prepare, "changed since")
    ]


def test_an_input_that_was_made_again_names_the_run(study: Study) -> None:
    chain(study)
    again = study.publish(inputs={"raw.csv": b"raw"}, outputs={"clean.csv": b"cleaner"}, on_disk=True)
    found = status(study.workspace)
    assert stale(found) == {
        "model.pkl": (f"clean.csv was made again by run {again[:8]}",),
        "plot.png": ("model.pkl is stale",),
    }
    assert found.changed == ()


def test_a_newer_version_counts_though_the_input_is_gone_from_disk(study: Study) -> None:
    chain(study)
    again = study.publish(outputs={"clean.csv": b"cleaner"})
    (study.root / "clean.csv").unlink()
    found = status(study.workspace)
    assert stale(found)["model.pkl"] == (f"clean.csv was made again by run {again[:8]}",)
    assert missing(found) == [("clean.csv", "output", again)]


@pytest.mark.parametrize(("gone", "role", "step"), [("plot.png", "output", 2), ("clean.csv", "input", 1)])
def test_an_output_that_was_deleted_is_missing_by_its_latest_use(
    gone: str, role: str, step: int, study: Study
) -> None:
    runs = chain(study)
    (study.root / gone).unlink()
    found = status(study.workspace)
    assert found.stale == ()
    assert missing(found) == [(gone, role, runs[step])]


def test_only_the_latest_version_of_an_output_can_be_missing(study: Study) -> None:
    study.publish(outputs={"model.pkl": b"old", "scratch.bin": b"x"}, on_disk=True)
    study.publish(
        outputs={"model.pkl": b"new"},
        on_disk=True,
        versions_written=(FileVersion("scratch.bin", unseen="missing"),),
    )
    (study.root / "scratch.bin").unlink()
    assert status(study.workspace).changed == ()


@pytest.mark.parametrize("declared", [True, False])
def test_an_output_that_a_later_run_moved_is_not_missing(declared: bool, study: Study) -> None:
    draft = {"draft.csv": b"rows"}
    study.publish(outputs=draft, on_disk=True)
    moved = study.publish(
        inputs=draft if declared else {}, outputs={"final/table.csv": b"rows"}, on_disk=True
    )
    (study.root / "draft.csv").unlink()
    assert status(study.workspace).changed == ()
    (study.root / "final/table.csv").unlink()
    assert missing(status(study.workspace)) == [("final/table.csv", "output", moved)]


def test_another_empty_file_is_no_moved_one(study: Study) -> None:
    made = study.publish(outputs={"done.flag": b""}, on_disk=True)
    study.publish(outputs={"other.flag": b""}, on_disk=True)
    (study.root / "done.flag").unlink()
    assert missing(status(study.workspace)) == [("done.flag", "output", made)]


def test_outputs_that_are_not_listed_in_the_workspace_are_not_missing_while_they_are_there(
    study: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = Path(os.path.relpath(tmp_path_factory.mktemp("shared"), study.root)).as_posix()
    study.publish(outputs={".cache/made": b"a", f"{outside}/made": b"b"}, on_disk=True)
    assert status(study.workspace).changed == ()
    (study.root / outside / "made").unlink()
    assert [path for path, _, _ in missing(status(study.workspace))] == [f"{outside}/made"]


def test_an_input_that_is_only_gone_makes_nothing_stale(study: Study) -> None:
    prepare, *_ = chain(study)
    (study.root / "raw.csv").unlink()
    found = status(study.workspace)
    assert found.stale == ()
    assert [(one.path, one.run, one.state) for one in found.changed] == [("raw.csv", prepare, "missing")]


def test_an_output_that_was_edited_is_changed_not_stale(study: Study) -> None:
    *_, score = chain(study)
    study.write("plot.png", b"touched up")
    found = status(study.workspace)
    assert found.stale == ()
    assert [(one.path, one.role, one.run) for one in found.changed] == [("plot.png", "output", score)]


def test_running_everything_again_makes_it_fresh(study: Study) -> None:
    chain(study)
    study.write("raw.csv", b"new")
    study.publish(inputs={"raw.csv": b"new"}, outputs={"clean.csv": b"clean 2"}, on_disk=True)
    study.publish(inputs={"clean.csv": b"clean 2"}, outputs={"model.pkl": b"model 2"}, on_disk=True)
    assert set(stale(status(study.workspace))) == {"plot.png"}
    study.publish(inputs={"model.pkl": b"model 2"}, outputs={"plot.png": b"plot 2"}, on_disk=True)
    assert stale(status(study.workspace)) == {}


def test_a_file_that_a_run_changes_in_place_does_not_make_it_stale(study: Study) -> None:
    study.publish(inputs={"log": b"a"}, outputs={"log": b"ab", "report": b"r"}, on_disk=True)
    assert status(study.workspace).stale == ()


def test_files_that_no_run_knows_are_listed(study: Study) -> None:
    chain(study)
    study.write("notes.txt", b"by hand")
    study.write("sub/dir/more.txt", b"by hand too")
    for hidden in (
        ".git/config",
        ".venv/x.py",
        "__pycache__/a.pyc",
        "env/pyvenv.cfg",
        "env/lib/a.py",
        ".hidden",
    ):
        study.write(hidden, b"not data")
    os.symlink(study.root, study.root / "loop")
    os.symlink("nowhere", study.root / "broken")
    assert status(study.workspace).unrecorded == ("notes.txt", "sub/dir/more.txt")


def test_a_copy_of_a_known_file_is_known(study: Study) -> None:
    chain(study)
    study.write("backup/model.pkl", b"model")
    study.write("empty", b"")
    assert status(study.workspace).unrecorded == ("empty",)


def test_only_so_many_files_are_looked_at(study: Study) -> None:
    for number in range(5):
        study.write(f"{number}", b"x")
    found = status(study.workspace, limit=3)
    assert (len(found.unrecorded), found.truncated) == (3, True)


def test_inputs_outside_the_workspace_are_compared_too(
    study: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.mktemp("shared") / "raw.csv"
    shared.write_bytes(b"raw")
    path = Path(os.path.relpath(shared, study.root)).as_posix()
    run = study.publish(inputs={path: b"raw"}, outputs={"clean.csv": b"clean"}, on_disk=True)
    assert status(study.workspace).stale == ()
    shared.write_bytes(b"new")
    found = status(study.workspace)
    assert stale(found) == {"clean.csv": (f"{path} changed since",)}
    assert [(one.path, one.run) for one in found.changed] == [(path, run)]


def test_a_later_reader_of_the_changed_bytes_is_no_change(study: Study) -> None:
    chain(study)
    study.write("raw.csv", b"new")
    study.publish(inputs={"raw.csv": b"new"})
    found = status(study.workspace)
    assert found.changed == ()
    assert "clean.csv" in stale(found)


def test_a_folder_without_runs(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert status(tmp_path).unrecorded == ("a.txt",)


def test_a_long_chain_is_followed_to_its_end(study: Study) -> None:
    study.write("0", b"raw")
    contents = [b"raw", *(b"%d" % number for number in range(1, 60))]
    for number in range(1, 60):
        study.publish(
            inputs={str(number - 1): contents[number - 1]},
            outputs={str(number): contents[number]},
            on_disk=True,
        )
    study.write("0", b"new")
    assert len(status(study.workspace).stale) == 59


def test_status_as_json(study: Study) -> None:
    chain(study)
    study.write("raw.csv", b"new")
    wire = json.loads(json.dumps(status(study.workspace).to_json()))
    assert wire["stale"][0]["because"] == ["raw.csv changed since"]


def test_it_is_told_how_much_has_been_read(study: Study) -> None:
    large = b"x" * 3_000_000
    study.publish(inputs={"raw.bin": large}, outputs={"small.txt": b"small"}, on_disk=True)
    study.write("raw.bin", large)
    steps: list[tuple[int, int]] = []
    assert not status(study.workspace, progress=lambda done, total: steps.append((done, total))).changed
    assert steps == sorted(steps) and len(steps) > 1
    assert {total for _, total in steps} == {3_000_005}
    assert steps[-1][0] == 3_000_005
