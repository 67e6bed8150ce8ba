"""`ds show`, `ds export`, `ds diff`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dotscience.catalog.runs import runs
from dotscience.records.block import find_blocks
from dotscience.records.record import Record
from dotscience.testing import fresh_recorder

Ds = Callable[..., Result]
Ids = Mapping[str, str]


def test_everything_of_a_run_is_shown(study: Path, ids: Ids, ds: Ds) -> None:
    shown = ds("show", ids["trained 9"]).stdout
    for words in (
        f"{ids['trained 9']}  ✓ completed  trained",
        "trees  9",
        "accuracy  0.9",
        "3 points, last 0.333333, min 0.333333, max 1",
        "sklearn-model 1.5: models/forest.joblib",
        "data/clean.csv",
        "fingerprint only",
        "models/forest.joblib",
        "train.py",
        f"made from  {ids['prepared']}",
        "command   train.py 9",
    ):
        assert words in shown
    assert "artefact:" not in shown


def test_the_json_is_the_record_with_what_stands_beside_it(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    ds("tag", ids["prepared"], "baseline")
    shown = ds_json("show", ids["prepared"][:8])
    exported = json.loads(ds("export", ids["prepared"]).stdout)
    seal = exported.pop("seal")
    assert Record.from_json(exported).seal is None and len(seal) == 64
    beside = {name: shown.pop(name) for name in shown.keys() - exported.keys()}
    assert shown == exported
    assert (beside["is_published"], beside["tags"]) == (True, ["baseline"])
    assert beside["used_by"] == [ids["trained 9"], ids["trained 5"]]


def test_an_unpublished_run_shows_its_journal_and_the_cure(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    shown = ds("show", ids["tuned"]).stdout
    assert "✗ crashed, not published  tuned" in shown
    assert f"`ds publish {ids['tuned'][:8]}`" in shown
    assert "ValueError: no more trees" in shown
    assert "○ unpublished  explored" in ds("show", ids["explored"]).stdout
    document = ds_json("show", ids["explored"])
    assert (document["status"], document["is_published"]) == ("unpublished", False)
    assert "published" not in document
    assert document["outputs"] == [{"path": "sketch.txt"}]


def test_the_series_of_a_run_in_progress_are_shown(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    with fresh_recorder(study) as recorder:
        recorder.start("under way")
        for step in range(3):
            recorder.log({"loss": 1 / (step + 1), "best": float("nan")}, step=step)
        recorder._recording._writer.flush()  # type: ignore[union-attr]
        shown = ds("show", "@latest").stdout
        document = ds_json("show", "@latest")
    assert "▶ running" in shown
    assert "3 points, last 0.333333, min 0.333333, max 1" in shown.partition("\nSeries\n")[2]
    assert document["series"]["names"]["loss"] == {"count": 3, "last": 1 / 3, "min": 1 / 3, "max": 1.0}
    assert document["metrics"]["loss"] == 1 / 3  # as the record will have it


def test_damaged_points_of_a_run_in_progress_are_said_to_be_damaged(study: Path, ds: Ds) -> None:
    with fresh_recorder(study) as recorder:
        recorder.start("under way")
        recorder.log({"loss": 1.0}, step=0)
        writer = recorder._recording._writer  # type: ignore[union-attr]
        writer.flush()  # type: ignore[union-attr]
        with open(writer.folder.points_path, "r+b") as stream:  # type: ignore[union-attr]
            stream.seek(-1, os.SEEK_END)
            stream.write(b"\xff")
        shown = ds("show", "@latest").stdout
    assert "\nSeries\n" not in shown and "a damaged frame of points was passed over" in shown


def test_of_series_of_which_only_the_last_value_is_known_that_is_shown(study: Path, ds: Ds) -> None:
    record = Record("r1", "completed", datetime.now(timezone.utc), series={"names": {"loss": {"last": 0.5}}})
    folder = study / ".dotscience" / "runs" / "r1"
    folder.mkdir()
    (folder / "record.json").write_bytes(record.to_bytes())
    assert "  loss  last 0.5\n" in ds("show", "r1").stdout


def test_the_latest_run_can_be_named_so(study: Path, ids: Ids, ds_json: Callable[..., Any]) -> None:
    assert ds_json("show", "@latest")["id"] == ids["explored"]


def test_a_run_of_another_workspace_is_found(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ds("init")
    os.chdir(tmp_path_factory.mktemp("other"))
    assert ds_json("show", ids["prepared"])["root"] == str(study)


def test_an_execution_is_shown_with_its_output_and_cost(
    study: Path, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    run = [sys.executable, "-m", "dotscience", "run", "--", "sh", "-c", "echo out; exit 4"]
    subprocess.run(run, check=False, capture_output=True)
    (execution,) = (study / ".dotscience" / "executions").iterdir()
    document = ds_json("show", execution.name)
    assert (document["state"], document["exit_code"], document["stdout"]["size"]) == ("ended", 4, 4)
    shown = ds("show", execution.name[:8]).stdout
    assert "execution, ended" in shown
    assert "exit code  4" in shown
    assert str(execution / "stdout.log") in shown
    assert "stderr" not in shown


def test_the_run_block_is_exported_as_other_tools_read_it(study: Path, ids: Ids, ds: Ds) -> None:
    ((run, block),) = find_blocks(ds("export", ids["trained 5"], "--block").stdout)
    assert run == ids["trained 5"]
    assert block["parameters"] == {"trees": "5"}


def test_an_unpublished_run_cannot_be_exported(study: Path, ids: Ids, ds: Ds) -> None:
    result = ds("export", ids["explored"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"`ds publish {ids['explored']}` makes one" in result.stderr


def test_only_what_differs_is_shown(study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]) -> None:
    document = ds_json("diff", ids["trained 5"], ids["trained 9"])
    assert document["parameters"] == {"trees": [5, 9]}
    assert document["metrics"] == {"accuracy": [0.5, 0.9]}
    assert document["inputs"] == [] and document["packages"] == {} and document["sources"] == []
    assert [file["path"] for file in document["outputs"]] == ["models/forest.joblib"]
    shown = ds("diff", ids["trained 5"], ids["trained 9"]).stdout
    assert "trees  5 → 9" in shown
    assert "Inputs" not in shown


def test_code_that_differs_is_shown_as_lines(study: Path, ids: Ids, ds: Ds) -> None:
    shown = ds("diff", ids["prepared"], ids["trained 9"]).stdout
    assert '-ds.start("prepared")' in shown
    assert '+ds.start("trained")' in shown


def test_a_run_does_not_differ_from_itself(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    assert ds_json("diff", ids["prepared"], ids["prepared"])["same"] is True
    assert "Nothing differs" in ds("diff", ids["prepared"], ids["prepared"]).stdout


def test_no_line_of_a_piped_answer_ends_in_blanks(study: Path, ids: Ids, ds: Ds) -> None:
    for arguments in (["show", ids["explored"]], ["why", "models/forest.joblib"], ["status"]):
        lines = ds(*arguments).stdout.splitlines()
        assert [line.rstrip() for line in lines] == lines


def test_a_file_without_a_digest_leaves_no_hole(study: Path, ds: Ds) -> None:
    with fresh_recorder(study) as recorder:
        recorder.start()
        recorder.input("nothing.csv")
        recorder.publish()
    (line,) = (line for line in ds("show", "@latest").stdout.splitlines() if "nothing.csv" in line)
    assert line == "  nothing.csv  unseen: there was no such file"


def test_a_terminal_shows_some_of_many_files(study: Path, on_terminal: Callable[..., str]) -> None:
    (study / "images").mkdir()
    with fresh_recorder(study) as recorder:
        for count in (30, 0):
            recorder.start()
            for number in range(count):
                (study / "images" / f"{number:02}.png").write_text(f"image {number}")
                recorder.output(f"images/{number:02}.png")
            recorder.publish()
    newest, before = (row.id for row in runs(limit=2))
    for arguments in (["diff", before, newest], ["why", "images"]):
        shown = on_terminal(*arguments)
        assert "images/19.png" in shown and "images/20.png" not in shown
        assert "… and 10 more; in a pipe, or with --json, all are shown." in shown
