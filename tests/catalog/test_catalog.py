"""The catalog follows the run folders, whatever happens to them and to its own file."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dotscience.catalog import database
from dotscience.catalog.catalog import Catalog, catalog_of
from dotscience.catalog.runs import get, runs
from dotscience.errors import StorageError
from dotscience.recorder.recorder import Recorder
from dotscience.storage.workspace import Workspace
from dotscience.testing import fresh_recorder

if TYPE_CHECKING:
    from conftest import Study


def ids(study: Study) -> set[str]:
    return {row.id for row in runs(workspace=study.workspace)}


def file_of(study: Study) -> Path:
    return study.place / "catalog.sqlite"


def test_new_runs_appear_and_vanished_ones_disappear(study: Study) -> None:
    first = study.publish()
    assert ids(study) == {first}
    second = study.publish()
    assert ids(study) == {first, second}
    study.folder(first).discard()
    assert ids(study) == {second}


def test_a_settled_run_is_not_read_again(study: Study) -> None:
    run = study.publish(description="as it was")
    study.settle()
    catalog = study.catalog()
    record = Path(study.folder(run).record_path)
    times = os.stat(record.parent)
    record.write_bytes(b"nobody may look here")
    os.utime(record.parent, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.utime(study.place / "runs")
    catalog.refresh()
    assert catalog.problems() == []
    assert [row.description for row in runs(workspace=study.workspace)] == ["as it was"]


def test_tags_and_notes_appear_though_the_record_is_settled(study: Study) -> None:
    run = study.publish()
    study.settle()
    assert get(run, workspace=study.workspace).tags == ()
    folder = study.folder(run)
    folder.annotate("1", {"at": "2026-11-01T09:00:00Z", "author": "ada", "tag": "best"})
    folder.annotate("2", {"at": "2026-11-01T09:01:00Z", "author": "ada", "tag": "wrong"})
    folder.annotate("3", {"at": "2026-11-01T09:02:00Z", "author": "ada", "untag": "wrong"})
    folder.annotate("4", {"at": "2026-11-01T09:03:00Z", "author": "ada", "note": "keep this one"})
    study.workspace.touch(folder)
    row = get(run, workspace=study.workspace)
    assert row.tags == ("best",)
    assert [(note.author, note.text) for note in row.notes] == [("ada", "keep this one")]
    assert ids(study) == {
        row.id for row in runs('"best" in tag and "this" in note', workspace=study.workspace)
    }


def test_a_run_in_progress_is_listed_and_follows_its_journal(recorder: Recorder, tmp_path: Path) -> None:
    recorder.script("train.py")
    recorder.start("a first try")
    recorder.parameter("n", 3)
    deadline = time.monotonic() + 60
    while not runs("parameter.n == 3", workspace=tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    (row,) = runs(workspace=tmp_path)
    assert (row.status, row.published, row.description, row.parameters) == (
        "running",
        None,
        "a first try",
        {"n": 3},
    )
    recorder.publish(stream=io.StringIO())
    (row,) = runs(workspace=tmp_path)
    assert row.status == "completed"
    assert row.published is not None


CRASHING = """
import os, signal, sys
from dotscience.errors import StorageError
from dotscience.recorder.recorder import Recorder
recorder = Recorder(root=sys.argv[1])
recorder.start("cut short")
recorder.metric("loss", 0.5)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_run_stops_being_called_running(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 60
        while not runs("metric.loss == 0.5", workspace=tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [row.status for row in runs(workspace=tmp_path)] == ["running"]
        process.kill()
        process.wait()
        assert [row.status for row in runs(workspace=tmp_path)] == ["killed"]


def test_a_run_left_behind_is_listed_as_unpublished(tmp_path: Path) -> None:
    with fresh_recorder(tmp_path) as recorder:
        recorder.start("left behind")
    assert [row.status for row in runs(workspace=tmp_path)] == ["unpublished"]


@pytest.mark.parametrize(
    "damage, field, reason",
    [
        (b"", "", "not JSON"),
        (b"[]", "", "must be a JSON object"),
        (b'{"record": 1}', "seal", "altered"),
        (None, "seal", "altered"),
    ],
)
def test_a_damaged_record_hides_no_other_and_is_reported(
    study: Study, damage: bytes | None, field: str, reason: str
) -> None:
    good, bad = study.publish(), study.publish(parameters={"n": 3})
    record = Path(study.folder(bad).record_path)
    whole = record.read_bytes()
    record.write_bytes(whole.replace(b'"n":3', b'"n":4') if damage is None else damage)
    catalog = study.catalog()
    assert ids(study) == {good}
    (problem,) = catalog.problems()
    assert (problem.run, problem.file, problem.field) == (bad, str(record), field)
    assert reason in problem.reason
    assert problem.to_json()["run"] == bad
    record.write_bytes(whole)
    catalog.refresh()
    assert ids(study) == {good, bad}
    assert catalog.problems() == []


def test_a_damaged_journal_is_reported(study: Study) -> None:
    good = study.publish()
    folder = study.folder("0c9b0f5e")
    os.makedirs(folder.path)
    Path(folder.journal_path).write_bytes(b"no journal\n")
    catalog = study.catalog()
    assert ids(study) == {good}
    assert [problem.run for problem in catalog.problems()] == ["0c9b0f5e"]


def test_what_else_lies_among_the_run_folders_is_passed_over(study: Study) -> None:
    good = study.publish()
    (study.place / "runs" / ".tmp").mkdir()
    (study.place / "runs" / "empty").mkdir()
    (study.place / "runs" / "file").write_text("")
    catalog = study.catalog()
    assert ids(study) == {good}
    assert catalog.problems() == []


def test_a_copied_run_folder_is_a_problem_and_no_second_run(study: Study) -> None:
    run = study.publish()
    shutil.copytree(study.folder(run).path, study.folder("copy").path)
    catalog = study.catalog()
    assert ids(study) == {run}
    assert [(problem.run, problem.field) for problem in catalog.problems()] == [("copy", "id")]


def test_a_run_that_lies_in_two_places_is_shown_once(study: Study) -> None:
    run = study.publish()
    shutil.copytree(study.folder(run).path, os.path.join(study.workspace.spill, "runs", run))
    catalog = study.catalog()
    assert ids(study) == {run}
    assert [problem.run for problem in catalog.problems()] == [run]


def test_values_that_no_column_takes_do_not_stop_the_rest(study: Study) -> None:
    odd = {"type": "odd", "text": "odd", "value": 10**30}
    names = {
        "\0": 1,
        "\ud800": "\udcff",
        "": None,
        "huge": 10**30,
        "list": [1, {"a": None}],
        "nan": float("nan"),
    }
    run = study.publish(parameters=names, labels={"artefact:broken": odd}, description="\0\ud800")
    other = study.publish()
    catalog = study.catalog()
    assert ids(study) == {run, other}
    assert catalog.problems() == []
    row = get(run, workspace=study.workspace)
    assert str(row.parameters.pop("nan")) == "nan"  # type: ignore[attr-defined]
    assert row.parameters == {
        "\0": 1,
        "\ud800": "\udcff",
        "": None,
        "huge": str(10**30),
        "list": [1, {"a": None}],
    }
    assert row.description == "\0\ud800"


@pytest.mark.parametrize("content", [b"", b"this is no database", b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_no_catalog_is_made_anew(study: Study, content: bytes) -> None:
    run = study.publish()
    file_of(study).write_bytes(content)
    assert ids(study) == {run}
    assert study.catalog().path == str(file_of(study))


def test_a_catalog_that_is_damaged_inside_is_made_anew(study: Study) -> None:
    published = {study.publish(parameters={"text": "x" * 3000}) for _ in range(30)}
    assert ids(study) == published
    catalog_of(study.workspace).close()
    content = bytearray(file_of(study).read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file_of(study).write_bytes(content)
    assert ids(study) == published


def test_a_catalog_of_another_version_is_made_anew(study: Study) -> None:
    run = study.publish()
    with sqlite3.connect(file_of(study)) as connection:
        connection.execute("CREATE TABLE runs (something)")
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert ids(study) == {run}


def test_deleting_the_catalog_loses_nothing_also_while_it_is_open(study: Study) -> None:
    run = study.publish()
    assert ids(study) == {run}
    file_of(study).unlink()
    assert ids(study) == {run}
    assert file_of(study).exists()


def test_a_moved_workspace_says_where_it_is_now(
    study: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = study.publish()
    assert get(run, workspace=study.workspace).workspace == str(study.root)
    new = tmp_path_factory.mktemp("new") / "home"
    shutil.move(study.place, new / ".dotscience")
    row = get(run, workspace=new)
    assert row.workspace == str(new)
    assert row.record.id == run
    assert runs(f"workspace == {str(new)!r}", workspace=new) == [row]


def test_where_the_workspace_takes_no_catalog_the_users_state_folder_does(study: Study) -> None:
    run = study.publish()
    file_of(study).mkdir()
    catalog = study.catalog()
    assert catalog.path == f"{study.workspace.spill}.sqlite"
    assert ids(study) == {run}


def test_where_nothing_takes_a_catalog_it_is_in_memory(study: Study) -> None:
    run = study.publish()
    file_of(study).mkdir()
    Path(f"{study.workspace.spill}.sqlite").mkdir(parents=True)
    assert study.catalog().path is None
    assert ids(study) == {run}


def test_looking_at_a_folder_without_runs_leaves_nothing_behind(
    tmp_path: Path, new_study: Callable[[Path], Study]
) -> None:
    assert runs(workspace=tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    study = new_study(tmp_path)
    run = study.publish()
    assert ids(study) == {run}


def test_reindex_rebuilds_everything_and_says_how_far_it_is(study: Study) -> None:
    published = {study.publish() for _ in range(3)}
    catalog = study.catalog()
    with sqlite3.connect(file_of(study)) as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    said: list[tuple[int, int]] = []
    assert catalog.reindex(lambda done, total: said.append((done, total))) == 3
    assert said[-1] == (3, 3)
    assert ids(study) == published


def test_a_large_import_ends_with_the_same_tables_as_many_small_ones(study: Study) -> None:
    published = [
        study.publish(inputs={"raw.csv": b"%d" % (n % 7)}, outputs={f"{n}": b"%d" % n}) for n in range(1100)
    ]
    study.settle()
    at_once = Catalog(study.workspace, str(study.root / "once.sqlite"))
    at_once.refresh()
    one_by_one = Catalog(study.workspace, str(study.root / "steps.sqlite"))
    hidden = study.root / "hidden"
    (study.place / "runs").rename(hidden)
    (study.place / "runs").mkdir()
    for start in range(0, len(published), 400):
        for run in published[start : start + 400]:
            (hidden / run).rename(study.place / "runs" / run)
        one_by_one.refresh()
    counts = (
        "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM uses), (SELECT count(*) FROM versions)"
    )
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    for question in (counts, schema):
        answers = [c.read(lambda o, q=question: o.exec_driver_sql(q).all()) for c in (at_once, one_by_one)]  # type: ignore[misc]
        assert answers[0] == answers[1]
    assert at_once.read(lambda o: o.exec_driver_sql(counts).one()) == (1100, 2200, 1107)
    at_once.close()
    one_by_one.close()


INDEXING = """
import sys
from dotscience.catalog.catalog import Catalog
from dotscience.storage.workspace import Workspace
for _ in range(3):
    catalog = Catalog(Workspace(sys.argv[1]))
    catalog.refresh()
    count = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM uses), (SELECT count(*) FROM folders)"
    print(*catalog.read(lambda connection: connection.exec_driver_sql(count).one()))
"""


def test_several_processes_index_at_once(study: Study) -> None:
    for number in range(1200):
        study.publish(inputs={"raw.csv": b"raw"}, outputs={f"out/{number}": b"%d" % number})
    processes = [
        subprocess.Popen([sys.executable, "-c", INDEXING, str(study.root)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = {line for process in processes for line in process.communicate()[0].splitlines()}
    assert [process.returncode for process in processes] == [0] * 4
    assert said == {"1200 2400 1200"}


def test_a_locked_catalog_is_waited_for_and_then_done_without(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = study.publish()
    assert ids(study) == {run}
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    blocker = sqlite3.connect(file_of(study), isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    catalog = Catalog(study.workspace)
    catalog.refresh()
    assert catalog.path != str(file_of(study))
    assert catalog.read(lambda connection: connection.exec_driver_sql("SELECT id FROM runs").scalar()) == run
    blocker.close()


def test_the_catalog_of_a_forked_process_is_its_own(study: Study) -> None:
    study.publish()
    mine = catalog_of(study.workspace)
    assert catalog_of(Workspace(str(study.root))) is mine
    child = os.fork() if hasattr(os, "fork") else None
    if child == 0:
        os._exit(0 if catalog_of(study.workspace) is not mine else 1)
    if child is not None:
        assert os.waitpid(child, 0)[1] == 0


def test_series_and_models_have_tables_of_their_own(study: Study) -> None:
    declared = {"files": {"model": "m.pkl", "classes": "c.json"}, "type": "sklearn-model", "version": "1.3"}
    study.publish(
        labels={"artefact:forest": json.dumps(declared)},
        series={
            "blob": {},
            "names": {"loss": {"count": 3, "last": 0.1, "min": 0.1, "max": 0.9}, "odd": None},
        },
    )

    def rows(table: str) -> list[tuple[object, ...]]:
        question = f"SELECT * FROM {table} ORDER BY name"
        return study.catalog().read(
            lambda connection: [tuple(row) for row in connection.exec_driver_sql(question)]
        )

    assert rows("models") == [(1, "forest", "sklearn-model", "1.3", "m.pkl", "c.json")]
    assert rows("series") == [(1, "loss", 3, 0.1, 0.1, 0.9), (1, "odd", None, None, None, None)]


def test_threads_share_a_catalog_also_in_memory(study: Study) -> None:
    published = {study.publish() for _ in range(20)}
    file_of(study).mkdir()
    Path(f"{study.workspace.spill}.sqlite").mkdir(parents=True)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: ids(study), range(12)))
    assert found == [published] * 12


def test_a_workspace_that_cannot_be_listed_says_so(study: Study) -> None:
    study.publish()
    catalog = study.catalog()
    (study.place / "runs").rename(study.place / "away")
    os.symlink("runs", study.place / "runs")  # a link to itself
    with pytest.raises(StorageError, match=r"Cannot read .*runs"):
        catalog.refresh()


def test_annotations_that_are_no_json_are_passed_over(study: Study) -> None:
    run = study.publish()
    folder = Path(study.folder(run).path, "annotations")
    folder.mkdir()
    (folder / "1.json").write_text("{")
    (folder / "2.json").write_text(json.dumps({"at": "x", "tag": 5}))
    assert get(run, workspace=study.workspace).tags == ()
