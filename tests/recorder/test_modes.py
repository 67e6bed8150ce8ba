"""The mode is what the user chose, else what the environment says, else what this process really is."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.records.block import block_metadata
from dotscience.records.record import Record
from dotscience.storage.runs import RunFolder
from dotscience.testing import fresh_recorder

Script = Callable[..., "subprocess.CompletedProcess[str]"]
Only = Callable[[], RunFolder]
PUBLISH = "import dotscience as ds; ds.publish()"


def python(*arguments: str, **options: str | None) -> None:
    environ = {**os.environ, **{name: value for name, value in options.items() if name.isupper() and value}}
    subprocess.run(
        [sys.executable, *arguments],
        env=environ,
        input=options.get("typed"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def mode_of(record: Record) -> tuple[str | None, str | None]:
    return record.mode, record.workload_file


def test_a_script_is_a_script(script: Script, only_run: Only) -> None:
    script(PUBLISH)
    assert mode_of(only_run().read_record()) == ("script", "script.py")


def test_the_script_is_found_after_a_change_of_directory(script: Script, only_run: Only) -> None:
    script(
        "import os; os.mkdir('below'); os.chdir('below'); os.environ['DOTSCIENCE_PROJECT_DOT_ROOT'] = '..'\n"
        + PUBLISH
    )
    assert mode_of(only_run().read_record()) == ("script", "script.py")


def test_the_script_stays_the_same_when_the_directory_changes_during_the_run(
    script: Script, only_run: Only
) -> None:
    script("import os, dotscience as ds; ds.start(); os.mkdir('below'); os.chdir('below')\nds.publish()")
    assert mode_of(only_run().read_record()) == ("script", "script.py")


@pytest.mark.parametrize(
    "change", ["sys.argv = ['prog', '--flag']", "sys.argv[0] = 'other.py'", "del sys.argv", "sys.argv = [3]"]
)
@pytest.mark.parametrize("early", [True, False])
def test_the_script_stays_the_same_whatever_it_writes_into_its_arguments(
    change: str, early: bool, script: Script, only_run: Only, tmp_path: Path
) -> None:
    (tmp_path / "other.py").touch()
    lines = ["import sys, dotscience as ds", "ds.start()", "ds.publish()"]
    lines.insert(1 if early else 2, change)
    assert script("\n".join(lines)).returncode == 0
    record = only_run().read_record()
    assert mode_of(record) == ("script", "script.py")
    assert record.code["workload"]["path"] == "script.py"


@pytest.mark.parametrize("tool", ["cProfile", "pdb"])
def test_a_script_under_a_tool_of_pythons_is_the_script(tool: str, tmp_path: Path, only_run: Only) -> None:
    (tmp_path / "train.py").write_text(PUBLISH)
    python("-m", tool, "train.py", typed="continue\nquit\n")
    record = only_run().read_record()
    assert mode_of(record) == ("script", "train.py") and record.code["workload"]["path"] == "train.py"


def test_a_module_is_a_script_too(tmp_path: Path, only_run: Only) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/train.py").write_text(PUBLISH)
    python("-m", "pack.train")
    assert mode_of(only_run().read_record()) == ("script", "pack/train.py")


def test_code_on_the_command_line_is_a_script_without_a_file(only_run: Only) -> None:
    python("-c", PUBLISH)
    assert mode_of(only_run().read_record()) == ("script", None)


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_code_on_standard_input_is_a_script_without_a_file(
    arguments: tuple[str, ...], only_run: Only
) -> None:
    python(*arguments, typed=PUBLISH)
    assert mode_of(only_run().read_record()) == ("script", None)


def test_a_prompt_is_interactive(only_run: Only) -> None:
    python("-i", "-q", typed=PUBLISH + "\n")
    assert mode_of(only_run().read_record()) == ("interactive", None)


def test_the_choice_of_the_user_wins_over_the_environment(
    script: Script, run_folders: Callable[[], list[RunFolder]]
) -> None:
    script("import dotscience as ds; ds.interactive(); ds.publish()", DOTSCIENCE_WORKLOAD_TYPE="command")
    script("import dotscience as ds; ds.script('named.py'); ds.publish()", DOTSCIENCE_WORKLOAD_TYPE="jupyter")
    interactive, named = (folder.read_record() for folder in run_folders())
    assert interactive.mode == "interactive" and "workload-file" not in block_metadata(interactive)
    assert mode_of(named) == ("script", "named.py")


def test_the_environment_wins_over_the_guess(script: Script, only_run: Only) -> None:
    script(PUBLISH, DOTSCIENCE_WORKLOAD_TYPE="jupyter")
    assert only_run().read_record().mode == "interactive"


def test_a_word_that_is_no_type_of_workload_is_passed_over(script: Script, only_run: Only) -> None:
    script(PUBLISH, DOTSCIENCE_WORKLOAD_TYPE="spaceship")
    assert mode_of(only_run().read_record()) == ("script", "script.py")


@pytest.mark.parametrize("inherited", ["JPY_PARENT_PID", "JUPYTER_SERVER_ROOT"])
def test_a_script_started_from_a_notebook_or_its_terminal_is_a_script(
    inherited: str, script: Script, only_run: Only
) -> None:
    script(PUBLISH, DOTSCIENCE_WORKLOAD_TYPE="jupyter", **{inherited: "1"})
    assert mode_of(only_run().read_record()) == ("script", "script.py")


def test_a_script_that_merely_imports_ipython_is_a_script(script: Script, only_run: Only) -> None:
    script("import IPython, IPython.display\n" + PUBLISH)
    assert mode_of(only_run().read_record()) == ("script", "script.py")


def test_this_test_is_a_script_run_by_pytest(tmp_path: Path) -> None:
    with fresh_recorder(tmp_path) as recorder:
        record = recorder.publish().record
    assert record.mode == "script" and record.workload_file is not None and "pytest" in record.workload_file


def test_a_script_outside_the_workspace_is_named_from_it(
    tmp_path: Path, only_run: Only, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "train.py"
    other.write_text(PUBLISH)
    python(str(other))
    assert mode_of(only_run().read_record()) == ("script", os.path.relpath(other, tmp_path))


def test_a_zipped_program_is_a_script(tmp_path: Path, only_run: Only) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__main__.py").write_text(PUBLISH)
    python("app")
    record = only_run().read_record()
    assert mode_of(record) == ("script", "app")
    assert record.code["workload"]["path"] == "app/__main__.py"


def test_the_type_of_workload_may_stand_in_the_workspace(
    script: Script, only_run: Only, tmp_path: Path
) -> None:
    (tmp_path / ".dotscience").mkdir()
    (tmp_path / ".dotscience/config.json").write_text('{"workload_type": "jupyter"}')
    script(PUBLISH)
    assert only_run().read_record().mode == "interactive"
