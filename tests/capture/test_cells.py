"""The cells that really ran, in the order they ran, in real kernels and in a terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

RunCells = Callable[..., dict[str, Any]]


def _cells(facts: dict[str, Any]) -> list[tuple[int | None, str, bool]]:
    """Number, source and "in the run" of each cell, without the cell that the fixture puts first."""
    return [(cell.get("count"), cell["source"], cell["in_run"]) for cell in facts["code"]["cells"][1:]]


def test_cells_are_recorded_with_the_run_they_belong_to(run_cells: RunCells) -> None:
    facts = run_cells("a = 1", "begin()", "b = 2", "finish()")
    assert _cells(facts) == [
        (2, "a = 1", False),
        (3, "begin()", True),
        (4, "b = 2", True),
        (5, "finish()", True),
    ]


def test_cells_are_recorded_as_they_were_typed(run_cells: RunCells) -> None:
    sources = [
        "%cd -q .",
        "%%capture out\nprint('x')",
        "!true",
        "x = !echo 1",
        "1 +\\\n 1",
        "def f():\n    pass\n\n# end",
    ]
    facts = run_cells("begin()", *sources, "finish()")
    assert [source for _, source, _ in _cells(facts)] == ["begin()", *sources, "finish()"]


def test_a_cell_that_failed_or_ran_twice_is_recorded(run_cells: RunCells) -> None:
    facts = run_cells(
        "begin()",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass",
        "n = 1",
        "n = 1",
        "get_ipython().ask_exit; 0",
        "finish()",
    )
    assert [source for _, source, _ in _cells(facts)].count("n = 1") == 2


def test_cells_that_ran_before_the_history_was_cleared_are_recorded(run_cells: RunCells) -> None:
    facts = run_cells(
        "first = 1",
        "begin()",
        "del In, Out",
        "%reset -f in",
        "from report import begin, finish\nimport report",
        "report._gathering.finish(report._moment)",
        "get_ipython().reset(new_session=True)",
        "from report import finish",
        "finish()",
    )
    assert [source for _, source, _ in _cells(facts)] == [
        "first = 1",
        "begin()",
        "del In, Out",
        "%reset -f in",
        "from report import begin, finish\nimport report",
        "report._gathering.finish(report._moment)",
        "get_ipython().reset(new_session=True)",
        "from report import finish",
        "finish()",
    ]


def test_code_that_a_cell_has_run_for_it_is_part_of_that_cell(run_cells: RunCells) -> None:
    inside = "get_ipython().run_cell('hidden = 1')"
    facts = run_cells("begin()", inside, "finish()")
    assert _cells(facts) == [(2, "begin()", True), (3, inside, True), (4, "finish()", True)]


def test_a_run_that_begins_inside_a_cell_magic_begins_with_its_cell(run_cells: RunCells) -> None:
    facts = run_cells("before = 1", "%%capture\nbegin()", "finish()")
    assert [in_run for _, _, in_run in _cells(facts)] == [False, True, True]


def test_a_history_with_gaps_gives_no_wrong_numbers(run_cells: RunCells) -> None:
    facts = run_cells("del get_ipython().history_manager.input_hist_raw[1]", "begin()", "finish()")
    assert [(count, source) for count, source, _ in _cells(facts)] == [(None, "begin()"), (4, "finish()")]


def test_a_second_run_has_only_its_own_cells_in_it(run_cells: RunCells) -> None:
    facts = run_cells("begin()", "finish()", "between = 1", "begin()", "finish()")
    assert [in_run for _, _, in_run in _cells(facts)] == [False, False, False, True, True]


def test_two_runs_in_one_cell_both_have_it(run_cells: RunCells) -> None:
    facts = run_cells("for i in range(2):\n    begin()\n    finish()")
    assert [in_run for _, _, in_run in _cells(facts)] == [True]


def test_secrets_in_cells_are_redacted(run_cells: RunCells) -> None:
    facts = run_cells("%env API_KEY=abc123", "password = 'hunter2'", "begin()", "finish()")
    assert [source for _, source, _ in _cells(facts)][:2] == [
        "%env API_KEY=[redacted]",
        "password = '[redacted]'",
    ]


def test_the_modules_that_a_notebook_imported_are_recorded(tmp_path: Path, run_cells: RunCells) -> None:
    (tmp_path / "helper.py").write_text("a = 1\n")
    facts = run_cells("begin()", "import helper", "finish()")
    assert [module["path"] for module in facts["code"]["modules"]] == ["helper.py", "report.py"]


def test_a_script_that_a_cell_runs_in_the_kernel_is_recorded(tmp_path: Path, run_cells: RunCells) -> None:
    (tmp_path / "prepare.py").write_text("rows = 3\n")
    facts = run_cells("begin()", "%run prepare.py", "assert rows == 3", "finish()")
    assert [module["path"] for module in facts["code"]["modules"]] == ["prepare.py", "report.py"]


def test_a_script_started_from_a_cell_is_a_script(tmp_path: Path, run_cells: RunCells) -> None:
    (tmp_path / "study.py").write_text("from report import begin, finish\nbegin(); finish()\n")
    facts = run_cells(f"!{sys.executable} study.py")
    assert facts["workload_file"] == "study.py"
    assert "cells" not in facts["code"]
    assert "notebook" not in facts["code"]


def test_what_is_typed_at_an_ipython_prompt_is_recorded(tmp_path: Path, run_cells: RunCells) -> None:
    run_cells("begin()", "finish()")  # leaves report.py here
    typed = "from report import begin, finish\na = 1\nbegin()\nb = 2\nfinish()\nexit\n"
    subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "-i"],
        cwd=tmp_path,
        input=typed,
        text=True,
        check=True,
        capture_output=True,
        env=os.environ | {"IPYTHONDIR": str(tmp_path / "ipython")},
    )
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert _cells(facts) == [
        (2, "a = 1", False),
        (3, "begin()", True),
        (4, "b = 2", True),
        (5, "finish()", True),
    ]
    assert facts["code"]["workload_unknown"] == "the code was typed at a prompt"
