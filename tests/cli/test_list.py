"""`ds list`."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dotscience.recorder.recorder import Recorder
from dotscience.testing import fresh_recorder

Ds = Callable[..., Result]


def test_every_run_is_listed_with_its_true_status(study: Path, ds_json: Callable[..., Any]) -> None:
    rows = {row["description"]: row for row in ds_json("list", "--sort", "metric.accuracy")}
    statuses = {name: (row["status"], row["published"] is not None) for name, row in rows.items()}
    assert statuses == {
        "prepared": ("completed", True),
        "trained": ("completed", True),
        "tuned": ("crashed", False),
        "explored": ("unpublished", False),
    }


def test_the_table_is_whole_when_it_is_piped(study: Path, ids: Mapping[str, str], ds: Ds) -> None:
    lines = ds("list").stdout.splitlines()
    assert lines[0].split() == [
        "id",
        "status",
        "started",
        "workload",
        "description",
        "trees",
        "rows",
        "accuracy",
        "loss",
    ]
    assert {line.split()[0] for line in lines[1:]} == set(ids.values())
    (tuned,) = (line for line in lines if "tuned" in line)
    assert "✗ crashed, unpublished" in tuned


def test_a_query_chooses(study: Path, ids: Mapping[str, str], ds_json: Callable[..., Any]) -> None:
    rows = ds_json("list", 'metric.accuracy > 0.6 and label.mode == "test"')
    assert [row["id"] for row in rows] == [ids["trained 9"]]


def test_sorting_and_limit(study: Path, ids: Mapping[str, str], ds: Ds, ds_json: Callable[..., Any]) -> None:
    assert [row["id"] for row in ds_json("list", "--sort", "-metric.accuracy", "--limit", "2")] == [
        ids["trained 9"],
        ids["trained 5"],
    ]
    cut = ds("list", "--limit", "1")
    assert len(cut.stdout.splitlines()) == 2
    assert "these are the first 1" in cut.stderr
    assert len(ds("list", "--limit", "0").stdout.splitlines()) == 6


def test_columns_can_be_chosen(study: Path, ids: Mapping[str, str], ds: Ds) -> None:
    shown = ds("list", "metric.accuracy == 0.9", "--columns", "id,label.mode, metric.accuracy,models").stdout
    assert [line.split() for line in shown.splitlines()] == [
        ["id", "label.mode", "metric.accuracy", "models"],
        [ids["trained 9"], "test", "0.9", "forest"],
    ]


@pytest.mark.parametrize("column", ["colour", "metric.", "metric"])
def test_a_column_that_there_is_not_is_named(study: Path, ds: Ds, column: str) -> None:
    result = ds("list", "--columns", column)
    assert result.exit_code == 2
    assert f"there is no column '{column}'" in result.stderr


def test_a_wrong_query_is_pointed_at(study: Path, ds: Ds) -> None:
    result = ds("list", "metric.accuracy > ")
    assert result.exit_code == 2
    assert result.stdout == ""
    query, caret = result.stderr.splitlines()[-2:]
    assert "metric.accuracy >" in query
    assert caret.strip() == "^"


def test_no_runs_is_no_error(ds: Ds, ds_json: Callable[..., Any]) -> None:
    assert ds_json("list") == []
    assert ds("list").exit_code == 0


def test_a_damaged_record_is_named_and_the_others_are_listed(
    study: Path, ids: Mapping[str, str], ds: Ds
) -> None:
    record = study / ".dotscience" / "runs" / ids["prepared"] / "record.json"
    record.write_text("{}")
    result = ds("list")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 5
    assert "record.json" in result.stderr


def test_runs_of_every_workspace(
    study: Path, tmp_path: Path, ds: Ds, ds_json: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ds("init", str(study))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert ds_json("list") == []
    rows = ds_json("list", "--everywhere")
    assert {row["workspace"] for row in rows} == {str(study)}


def test_values_of_any_name_are_columns(study: Path, ds: Ds) -> None:
    with fresh_recorder(study) as recorder:
        recorder.start("odd")
        for name in ("", "id", "a.b c", "loss"):
            recorder.parameter(name, 1)
    header = ds("list", 'description == "odd"').stdout.splitlines()[0]
    assert header.split("  ")[0] == "id"
    assert "parameter." in header and "parameter.id" in header and "a.b c" in header


def test_what_would_command_the_terminal_is_escaped(study: Path, ds: Ds) -> None:
    with fresh_recorder(study) as recorder:
        recorder.start("\x1b[31mred\x07")
    shown = ds("list").stdout
    assert "\x1b" not in shown and "\x07" not in shown
    assert "\\x1b[31mred\\x07" in shown


def sweep(study: Path) -> None:
    """Three runs that differ in their depth and loss, among values that are the same in all."""
    with fresh_recorder(study) as recorder:
        for depth in (1, 2, 3):
            recorder.start("a sweep over the depth of the trees")
            for name, value in (
                ("batch", 32),
                ("columns", ["alcohol", "ash", "magnesium", "hue"]),
                ("huge", 10**40),
                ("max_depth", depth),
            ):
                recorder.parameter(name, value)
            recorder.metric("features", 13)
            recorder.metric("test_accuracy", 0.912345678 + depth / 100)
            recorder.publish()


def test_values_that_differ_between_the_runs_come_first(study: Path, ds: Ds) -> None:
    sweep(study)
    header = ds("list", 'like(description, "a sweep%")').stdout.splitlines()[0].split()
    assert header[5:] == ["max_depth", "batch", "columns", "test_accuracy", "features"]


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_no_number_status_or_time_is_cut_on_a_terminal(
    study: Path, on_terminal: Callable[..., str], columns: int
) -> None:
    sweep(study)
    shown = on_terminal("list", environ={**os.environ, "NO_COLOR": "1"}, columns=columns)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    assert max(map(len, lines)) <= columns
    swept = [line for line in lines if "a sweep" in line]
    assert len(swept) == 3
    assert all("✓ completed" in line and " ago" in line for line in swept)
    assert [figure for line in swept for figure in re.findall(r"0\.9\d+\b", line)] == [
        "0.942346",
        "0.932346",
        "0.922346",
    ]
    assert any("✗ crashed, unpublished" in line for line in lines)


def test_no_line_of_a_piped_table_ends_in_blanks(study: Path, ds: Ds) -> None:
    for columns in ("id", "description,id,error"):
        lines = ds("list", "--columns", columns).stdout.splitlines()
        assert [line.rstrip() for line in lines] == lines


def test_a_name_of_several_lines_stays_on_one(study: Path, ds: Ds) -> None:
    (study / "two\nlines.csv").write_text("1")
    with fresh_recorder(study) as recorder:
        recorder.start("odd")
        recorder.parameter("learning\nrate", 1)
        recorder.output("two\nlines.csv")
        recorder.publish()
    assert "learning\\nrate" in ds("list", 'description == "odd"').stdout.splitlines()[0]
    shown = ds("show", "@latest").stdout
    assert "  learning\\nrate  1\n" in shown
    assert "  two\\nlines.csv  " in shown
    assert "two\\nlines.csv  " in ds("why", "two\nlines.csv").stdout.splitlines()[0]


@pytest.fixture
def executed(study: Path) -> list[str]:
    """Ids of two executions of `ds run`, the newer first; the older one held two runs."""
    train = "import dotscience as ds\nfor _ in range(2):\n    ds.start(); ds.publish()"
    found: list[str] = []
    for command in (["python", "-c", train], ["sh", "-c", "exit 4"]):
        words = [sys.executable, *command[1:]] if command[0] == "python" else command
        run = [sys.executable, "-m", "dotscience", "run", "--", *words]
        subprocess.run(run, check=False, capture_output=True)
        (new,) = {folder.name for folder in (study / ".dotscience/executions").iterdir()} - set(found)
        found.insert(0, new)
    return found


def test_executions_are_listed_the_newest_first(
    executed: list[str], ds: Ds, ds_json: Callable[..., Any]
) -> None:
    newer, older = ds_json("list", "--executions")
    assert [newer["id"], older["id"]] == executed
    assert (newer["exit_code"], newer["state"], newer["command"][0]) == (4, "ended", "sh")
    assert len(older["runs"]) == 2 and os.path.isfile(f"{older['folder']}/execution.json")
    header, first, second = ds("list", "--executions").stdout.splitlines()
    assert header.split() == ["id", "state", "started", "wall", "exit", "code", "runs", "command"]
    assert first.startswith(f"{executed[0]}  ✗ ended") and first.endswith("  4     1  sh -c 'exit 4'")
    assert second.startswith(f"{executed[1]}  ✓ ended") and "  0     2  " in second


def test_only_so_many_executions_are_listed(executed: list[str], ds: Ds) -> None:
    done = ds("list", "--executions", "--limit", "1")
    assert len(done.stdout.splitlines()) == 2
    assert "these are the first 1; --limit 0 shows all" in done.stderr
    assert len(ds("list", "--executions", "--limit", "0").stdout.splitlines()) == 3


def test_without_executions_there_is_nothing_to_list(
    study: Path, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    assert ds_json("list", "--executions") == []
    assert ds("list", "--executions").stdout == ""


def test_an_execution_that_cannot_be_read_is_said_and_passed_over(
    executed: list[str], study: Path, ds: Ds
) -> None:
    executions = study / ".dotscience" / "executions"
    (executions / executed[0] / "execution.json").write_text('{"execution": 1, "id": 7}')
    (executions / "empty").mkdir()
    (executions / "stray").write_text("no folder")
    done = ds("list", "--executions")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["id", executed[1]]
    assert executed[0] in done.stderr and "empty" not in done.stderr and "stray" not in done.stderr


@pytest.mark.parametrize("more", [["id == 1"], ["--sort", "started"], ["--columns", "id"], ["--everywhere"]])
def test_what_chooses_runs_does_not_go_with_executions(more: list[str], study: Path, ds: Ds) -> None:
    done = ds("list", "--executions", *more)
    assert done.exit_code == 2 and "--executions" in done.stderr


@pytest.fixture
def long_value(recorder: Recorder) -> str:
    """A parameter of half a million letters, beside a run that has a short one."""
    value = "x" * 500_000
    for each in ("short", value):
        recorder.start("long")
        recorder.parameter("p", each)
        recorder.publish(stream=io.StringIO())
    return value


def test_one_long_value_does_not_fill_up_the_other_lines_in_a_pipe(long_value: str, ds: Ds) -> None:
    longest, *others = sorted(
        ds("list", "--columns", "parameter.p,id").stdout.splitlines(), key=len, reverse=True
    )
    assert long_value in longest
    assert max(map(len, others)) < 300


def test_one_long_value_is_cut_to_a_terminal(long_value: str, on_terminal: Callable[..., str]) -> None:
    shown = on_terminal(
        "list", "--columns", "id,parameter.p", environ={**os.environ, "NO_COLOR": "1"}, columns=80
    )
    assert shown.count("…") == 1
    assert max(map(len, shown.splitlines())) == 80
