"""`ds why`, `ds impact`, `ds status`."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from click.testing import Result

from dotscience.storage.workspace import Workspace
from dotscience.testing import fresh_recorder

Ds = Callable[..., Result]
Ids = Mapping[str, str]


def test_the_chain_goes_back_to_raw_data(study: Path, ids: Ids, ds: Ds) -> None:
    lines = ds("why", "models/forest.joblib").stdout.splitlines()
    assert lines[0].startswith("models/forest.joblib  ") and lines[0].endswith("made by [1]")
    first, second = (next(line for line in lines if line.startswith(f"[{n}]")) for n in (1, 2))
    assert ids["trained 9"] in first and "trained" in first
    assert ids["prepared"] in second
    shown = "\n".join(lines)
    assert "train.py 9" in shown and "trees=9" in shown and "accuracy=0.9" in shown
    assert any("data/clean.csv" in line and "made by [2]" in line for line in lines)
    (raw,) = (line for line in lines if "data/raw.csv" in line)
    assert raw.endswith("no run is known to have made it")


def test_each_step_of_the_json_has_the_version_of_its_code(
    study: Path, ids: Ids, ds_json: Callable[..., Any]
) -> None:
    document = ds_json("why", "models/forest.joblib")
    assert [step["run"] for step in document["steps"]] == [ids["trained 9"], ids["prepared"]]
    assert [step["code"]["workload"] for step in document["steps"]] == ["train.py", "prepare.py"]
    assert all(len(step["code"]["digest"]) == 64 for step in document["steps"])


def test_a_file_that_was_moved_and_renamed_is_found(study: Path, ids: Ids, ds: Ds) -> None:
    (study / "shipped").mkdir()
    (study / "models" / "forest.joblib").rename(study / "shipped" / "best.bin")
    assert ids["trained 9"] in ds("why", "shipped/best.bin").stdout


def test_what_changed_since_is_said(study: Path, ds: Ds) -> None:
    (study / "data" / "raw.csv").write_text("other rows\n")
    shown = ds("why", "models/forest.joblib").stdout
    (raw,) = (line for line in shown.splitlines() if "data/raw.csv" in line)
    assert "(changed since)" in raw


def test_depth_is_limited_where_that_is_wanted(study: Path, ids: Ids, ds: Ds) -> None:
    shown = ds("why", "models/forest.joblib", "--depth", "1").stdout
    assert f"made by run {ids['prepared']}" in shown
    assert "--depth" in shown
    assert "[2]" not in shown


def test_everything_made_from_a_file_is_told(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    document = ds_json("impact", "data/raw.csv")
    assert {step["run"] for step in document["steps"]} == {
        ids["prepared"],
        ids["trained 5"],
        ids["trained 9"],
    }
    lines = ds("impact", "data/raw.csv").stdout.splitlines()
    assert lines[0].endswith("read by [1]")
    assert any("data/clean.csv" in line and "read by [" in line for line in lines)


def test_a_file_that_no_run_knows_is_not_found(study: Path, ds: Ds) -> None:
    (study / "stray.txt").write_text("?")
    for command in ("why", "impact"):
        result = ds(command, "stray.txt")
        assert (result.exit_code, result.stdout) == (3, "")
        assert "No run has read or written stray.txt" in result.stderr


def test_a_file_that_nobody_saw_is_unknown(study: Path, ds: Ds) -> None:
    block = '{"version": "1", "input": ["lost.csv"], "output": ["made.csv"]}'
    (study / "old.log").write_text(f"[[DOTSCIENCE-RUN:77]]{block}[[/DOTSCIENCE-RUN:77]]")
    assert ds("collect", "old.log").exit_code == 0
    shown = ds("why", "made.csv").stdout
    assert "unknown: only its name is known" in shown


def test_the_cells_of_a_notebook_are_named(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    code = """
import dotscience as ds
from dotscience.recorder.recorder import Recorder
class Around:
    def __init__(self, settings): pass
    def begin(self, moment): pass
    def redact(self, text): return text
    def finish(self, moment, patience=0.0):
        cells = [{"count": n, "source": "x", "in_run": n > 2} for n in (1, 3, 7)]
        return {"code": {"notebook": {"path": "study.ipynb", "found_by": "server"}, "cells": cells}}
recorder = Recorder(surroundings=lambda: Around)
recorder.interactive()
recorder.start("explored in a notebook")
open(recorder.output("plot.png"), "w").write("plot")
recorder.publish()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    shown = ds("why", "plot.png").stdout
    assert "code   study.ipynb" in shown
    assert "cells  In[3], In[7]" in shown
    assert ds_json("why", "plot.png")["steps"][0]["code"]["cells"] == [3, 7]


def test_a_fresh_study_is_up_to_date(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    assert ds_json("status")["stale"] == []
    shown = ds("status")
    assert shown.exit_code == 0
    assert "Nothing is stale or missing, and nothing has changed since it was recorded." in shown.stdout


def test_stale_outputs_and_changed_inputs_are_told(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    (study / "data" / "raw.csv").write_text("a,b\n9,9\n")
    document = ds_json("status", code=1)
    assert {output["path"] for output in document["stale"]} >= {"data/clean.csv"}
    assert [file["path"] for file in document["changed"]] == ["data/raw.csv"]
    shown = ds("status")
    assert shown.exit_code == 1
    assert "data/raw.csv changed since" in shown.stdout


def test_an_output_that_was_deleted_is_told(study: Path, ids: Ids, ds: Ds) -> None:
    (study / "models" / "forest.joblib").unlink()
    shown = ds("status")
    assert shown.exit_code == 1
    (line,) = (line for line in shown.stdout.splitlines() if "forest.joblib" in line)
    assert line.split() == ["models/forest.joblib", "output,", "missing", "run", ids["trained 9"]]


def test_files_of_unknown_origin_are_told(study: Path, ds: Ds) -> None:
    (study / "stray.txt").write_text("?")
    shown = ds("status").stdout
    assert "stray.txt" in shown.partition("Not known to any run")[2]


def test_a_run_of_another_workspace_is_a_step(study: Path, tmp_path: Path, ids: Ids, ds: Ds) -> None:
    other = tmp_path / "other"
    with fresh_recorder(other) as recorder:
        recorder.start("copied from the study")
        recorder.input(study / "models" / "forest.joblib")
        (other / "report.txt").write_text("good")
        recorder.output(other / "report.txt")
        recorder.publish()
    Workspace(str(study)).prepare()
    shown = ds("why", str(other / "report.txt")).stdout
    assert f"workspace  {other}" in shown
    assert ids["trained 9"] in shown
    assert ids["trained 9"] not in ds("why", str(other / "report.txt"), "--here").stdout


def test_files_and_reasons_of_the_status_stand_in_columns(study: Path, ids: Ids, ds: Ds) -> None:
    (study / "data" / "raw.csv").write_text("a,b\n5,6\n7,8\n")
    lines = ds("status").stdout.splitlines()
    (clean,) = (line for line in lines if line.startswith("  data/clean.csv"))
    (forest,) = (line for line in lines if line.startswith("  models/forest.joblib"))
    assert clean.index("data/raw.csv changed since") == forest.index("data/clean.csv is stale")
    assert clean.index("run ") == forest.index("run ")


def test_code_that_cannot_be_told_any_more_is_said_to_be_unknown(study: Path, ids: Ids, ds: Ds) -> None:
    record = study / ".dotscience" / "runs" / ids["trained 9"] / "record.json"
    for path in (record, record.parent, record.parent.parent):
        os.utime(path, (1, 1))
    ds("list")  # the catalog knows the run, and does not look at its folder again
    record.write_bytes(record.read_bytes().replace(b'"trees":9', b'"trees":8'))
    (code,) = (
        line
        for line in ds("why", "models/forest.joblib").stdout.splitlines()
        if "train.py " in line and "code" in line
    )
    assert "train.py of an unknown version: " in code and "altered" in code


def test_a_file_that_there_is_not_is_said_not_to_be_there(study: Path, ds: Ds) -> None:
    (study / "new.csv").write_text("new")
    assert (
        ds("why", "nothing.csv").stderr
        == "ds: No run has read or written nothing.csv, and there is no such file.\n"
    )
    assert "No run has read or written new.csv" in ds("why", "new.csv").stderr
