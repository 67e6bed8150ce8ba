"""`ds config`, `ds init`, `ds doctor`, `ds collect`, `ds completion`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import Result
from nbformat.v4 import new_code_cell, new_notebook, new_output

from dotscience.settings import SETTINGS

Ds = Callable[..., Result]
BLOCK = '[[DOTSCIENCE-RUN:77]]{"version": "1", "output": ["a.bin"]}[[/DOTSCIENCE-RUN:77]]'


def test_every_setting_is_listed_with_its_value_and_where_it_came_from(
    ds: Ds, ds_json: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTSCIENCE_KEEP_INPUTS", "yes")
    listed = {entry["name"]: entry for entry in ds_json("config")}
    assert listed.keys() == SETTINGS.keys()
    assert (listed["keep_inputs"]["value"], listed["keep_inputs"]["from"]) == (True, "DOTSCIENCE_KEEP_INPUTS")
    assert listed["keep_code"]["from"] == "default"
    shown = ds("config").stdout
    assert all(name in shown for name in SETTINGS)
    assert "keep_file_limit = 1.0 GiB" in shown


def test_a_setting_is_changed_for_the_workspace_or_for_the_user(
    tmp_path: Path, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    assert ds("config", "keep_file_limit", "2GiB").stdout == "2147483648\n"
    assert json.loads((tmp_path / ".dotscience" / "config.json").read_text()) == {
        "keep_file_limit": 2147483648
    }
    ds("config", "capture_variables", "A,B_*", "--user")
    document = ds_json("config", "capture_variables")
    assert document["value"] == ["A", "B_*"]
    assert document["from"] == os.path.join(os.environ["XDG_CONFIG_HOME"], "dotscience", "config.json")
    assert ds("config", "keep_file_limit", "--unset").stdout == f"{1024**3}\n"


def test_a_variable_that_decides_is_named(ds: Ds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOTSCIENCE_KEEP_CODE", "true")
    result = ds("config", "keep_code", "false")
    assert result.stdout == "true\n"
    assert "DOTSCIENCE_KEEP_CODE is set" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("keep_file", "1"), 3, "There is no setting 'keep_file'"),
        (("keep_code", "perhaps"), 2, "say true or false"),
        (("publish_to", "paper"), 2, "say one of auto, stdout"),
        (("timeout", "0"), 2, "say a whole number above zero"),
        (("project_dot_root", "/study"), 2, "set the variable DOTSCIENCE_PROJECT_DOT_ROOT"),
        (("workload_type", "jupyter"), 2, "set the variable DOTSCIENCE_WORKLOAD_TYPE"),
        (("keep_code", "true", "--unset"), 2, "--unset takes no VALUE"),
        (("--unset",), 2, "NAME"),
        (("--user",), 2, "NAME"),
        (("keep_code", "--user"), 2, "VALUE"),
    ],
)
def test_a_wrong_setting_is_refused(
    tmp_path: Path, ds: Ds, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = ds("config", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert not (tmp_path / ".dotscience" / "config.json").exists()


def test_a_setting_that_cannot_be_kept_is_no_success(tmp_path: Path, ds: Ds) -> None:
    (tmp_path / ".dotscience").write_text("in the way")
    result = ds("config", "keep_inputs", "yes")
    assert (result.exit_code, result.stdout) == (4, "")
    assert f"Cannot write to {tmp_path / '.dotscience'}" in result.stderr


def test_a_file_of_settings_that_is_damaged_is_named_and_kept(tmp_path: Path, ds: Ds) -> None:
    ds("init")
    file = tmp_path / ".dotscience" / "config.json"
    file.write_text("{")
    for arguments in (("config",), ("config", "keep_code", "false")):
        result = ds(*arguments)
        assert result.exit_code == 4
        assert str(file) in result.stderr
    assert file.read_text() == "{"


def test_a_folder_becomes_a_workspace(tmp_path: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    document = ds_json("init", "study")
    assert document == {
        "root": str(tmp_path / "study"),
        "home": str(tmp_path / "study" / ".dotscience"),
        "is_new": True,
    }
    assert "already a workspace" in ds("init", "study").stdout
    assert (tmp_path / "study" / ".dotscience" / ".gitignore").read_text() == "*\n"


def test_a_workspace_inside_another_is_said_to_be(tmp_path: Path, ds: Ds) -> None:
    ds("init")
    assert f"inside the workspace {tmp_path}" in ds("init", "inner").stdout


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, ds: Ds) -> None:
    (tmp_path / ".dotscience").write_text("in the way")
    result = ds("init")
    assert result.exit_code == 4
    assert "Cannot write to" in result.stderr


def test_the_doctor_finds_a_sound_workspace_sound(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    checks = ds_json("doctor")
    assert {check["verdict"] for check in checks} <= {"ok", "warn"}
    names = {check["name"] for check in checks}
    assert names >= {
        "versions",
        "workspace",
        "writing",
        "settings",
        "catalog",
        "runs",
        "git",
        "space",
        "clock",
        "notebooks",
    }
    assert "2 unpublished" not in ds("doctor").stdout
    assert "1 crashed, 1 unpublished" in ds("doctor").stdout
    assert "`ds verify` reads them all" in ds("doctor").stdout


def test_the_doctor_names_what_is_damaged_and_the_cure(
    study: Path, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    run = next(path for path in (study / ".dotscience" / "runs").iterdir() if (path / "record.json").exists())
    (run / "record.json").write_text("{")
    (study / ".dotscience" / "config.json").write_text('{"keep_code": "perhaps"}')
    failed = {check["name"]: check for check in ds_json("doctor", code=1) if check["verdict"] == "fail"}
    assert failed.keys() == {"runs", "settings"}
    assert "record.json" in failed["runs"]["said"]
    assert failed["runs"]["cure"] == f"`ds verify {run.name}` tells more; nothing else depends on it."


def test_the_doctor_says_where_no_workspace_was_made(ds: Ds) -> None:
    assert "`ds init`" in ds("doctor").stdout


def test_blocks_are_collected_from_notebooks_and_logs(
    tmp_path: Path, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    cell = new_code_cell(outputs=[new_output("stream", name="stdout", text=BLOCK)])
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "study.ipynb")
    (tmp_path / "train.log").write_text(BLOCK.replace("77", "78"))
    document = ds_json("collect", "study.ipynb", "train.log")
    assert [(block["run"], block["outcome"]) for block in document] == [
        ("77", "recorded"),
        ("78", "recorded"),
    ]
    assert ds("collect", "train.log").stdout == "78  known  train.log\n"
    assert {row["id"] for row in ds_json("list")} == {"77", "78"}
    assert "unseen: only its name is known" in ds("show", "77").stdout


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("broken.ipynb", "no notebook", 4, "broken.ipynb: is no notebook"),
        ("wrong.log", BLOCK.replace('"1"', '"9"'), 1, "version: '9' is not known here"),
        ("empty.log", "nothing", 0, "No run blocks in 1 file"),
    ],
)
def test_what_cannot_be_collected_is_named(ds: Ds, name: str, content: str, code: int, message: str) -> None:
    Path(name).write_text(content)
    result = ds("collect", name)
    assert result.exit_code == code
    assert message in result.output
    assert ds("collect", "gone.log").exit_code == 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_taught(ds: Ds, shell: str) -> None:
    assert f"_DS_COMPLETE={shell}_complete" in ds("completion", shell).stdout


def test_run_ids_are_completed(study: Path) -> None:
    runs = sorted(path.name for path in (study / ".dotscience" / "runs").iterdir())
    environ = {
        **os.environ,
        "_DS_COMPLETE": "bash_complete",
        "COMP_WORDS": f"ds show {runs[0][:6]}",
        "COMP_CWORD": "2",
    }
    code = "from dotscience.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, check=False, capture_output=True, text=True
    )
    assert done.stdout.split() == [f"plain,{runs[0]}"]
