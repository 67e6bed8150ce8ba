"""A notebook carries its runs: each publish leaves one card and one block in the cell that made it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dotscience.recorder.published import MIME
from dotscience.records.block import find_blocks
from dotscience.storage.runs import RunFolder

CELLS = [
    "import io, sys\nimport dotscience as ds\nds.start('first')\nds.metric('acc', 0.9);",
    "open('in.csv', 'w').write('1')\nds.input('in.csv')\np = ds.publish()\nprint('printed')",
    "ds.publish('second')",
    "p",
    "p; None",
    f"!{sys.executable} child.py",
    "ds.start('<script>alert(1)</script>\\ud800')\nds.label('<b>\\ud800', '<img src=x onerror=alert(1)>')\nds.publish()",
    "ds.publish('to a stream', stream=io.StringIO())",
    "for number in range(3):\n    with ds.run(f'loop {number}') as run:\n        run.metric('number', number)",
    "with ds.run('broken'):\n    raise ValueError('no rows')",
    "import subprocess\nprint(subprocess.run([sys.executable, 'child.py'], capture_output=True, text=True).stdout)",
    "import threading\nthread = threading.Thread(target=lambda: ds.metric('thread', 1))\nthread.start(); thread.join()\nds.publish('last')",
]


def cards(cell: Any) -> list[Any]:
    return [output for output in cell.outputs if output.output_type in ("display_data", "execute_result")]


def printed(cell: Any) -> str:
    return "".join(
        output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout"
    )


def test_a_notebook_carries_its_runs(
    execute: Callable[..., Any], run_folders: Callable[[], list[RunFolder]], tmp_path: Path
) -> None:
    (tmp_path / "child.py").write_text("import dotscience as ds\nds.start('child')\nds.publish()")
    cells = execute(*CELLS, DOTSCIENCE_WORKLOAD_TYPE="jupyter").cells
    records = {record.description: record for record in (folder.read_record() for folder in run_folders())}

    for cell in cells:
        for card in cards(cell):
            assert set(card.data) == {"text/html", "text/plain", MIME}
            ((run_id, block),) = find_blocks(card.data["text/plain"])
            assert card.data[MIME]["id"] == run_id
            assert "<script" not in card.data["text/html"] and "<img" not in card.data["text/html"]
            assert "workload-file" not in block
    shown = [[card.data[MIME]["id"] for card in cards(cell)] for cell in cells]
    first, second = records["first"].id, records["second"].id
    assert shown[1] == [first] and printed(cells[1]) == "printed\n"
    assert shown[2] == [second]  # once, though the call is the cell's last expression
    assert shown[3] == [first] and shown[4] == []
    assert len(shown[6]) == 1
    assert shown[7] == [records["to a stream"].id]
    assert shown[8] == [records[f"loop {number}"].id for number in range(3)]
    assert shown[9] == [records["broken"].id] and cells[9].outputs[-1].ename == "ValueError"
    assert shown[11] == [records["last"].id] and records["last"].metrics["thread"] == 1

    # A script that was started from a cell is a script, and prints its block as scripts do.
    for place in (5, 10):
        ((_, block),) = find_blocks(printed(cells[place]))
        assert (block["description"], block["workload-file"], shown[place]) == ("child", "child.py", [])
    assert records["child"].mode == "script"
    assert {record.mode for name, record in records.items() if name != "child"} == {"interactive"}

    # The record names the cells that really ran, in order, up to the publish.
    ran = [cell["source"] for cell in records["second"].code["cells"]]
    assert ran == CELLS[:3]
    assert records["second"].continues == first
    assert records["first"].inputs[0].path == "in.csv"
    assert records["broken"].status == "failed" and "no rows" in str(records["broken"].error)


START = "import dotscience as ds\nds.metric('acc', 0.9)"
FAILS = "def load():\n    raise ValueError('no rows')\npassword = 'hunter2'; load()"


def test_a_kernel_that_ends_without_a_publish_leaves_its_run(
    execute: Callable[..., Any], run_folders: Callable[[], list[RunFolder]]
) -> None:
    execute(START, "1 + 1")
    (folder,) = run_folders()
    state = folder.state()
    assert state.metrics == {"acc": 0.9} and state.mode == "interactive"
    assert (state.status, state.error, state.traceback) == ("unpublished", None, None)


@pytest.mark.parametrize("capture", ["yes", "no"])
def test_a_run_whose_last_cell_raised_is_a_crash(
    capture: str, execute: Callable[..., Any], run_folders: Callable[[], list[RunFolder]]
) -> None:
    execute(START, FAILS, DOTSCIENCE_CAPTURE_CODE=capture)
    state = run_folders()[0].state()
    assert (state.status, state.error) == ("crashed", "ValueError: no rows")
    first, *_, last = str(state.traceback).splitlines()[1:]
    assert "<module>" in first and last == "ValueError: no rows"  # it begins in the cell, not in IPython
    assert "in load" in str(state.traceback) and "hunter2" not in str(state.traceback)


def test_a_last_cell_that_cannot_be_compiled_is_a_crash(
    execute: Callable[..., Any], run_folders: Callable[[], list[RunFolder]]
) -> None:
    execute(START, "for")
    state = run_folders()[0].state()
    assert state.status == "crashed" and str(state.error).endswith("SyntaxError: invalid syntax")
    assert "IPython" not in str(state.traceback)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param((START, FAILS, "fine = 1"), id="and a later one ran well"),
        pytest.param(("import dotscience as ds; ds.script()", START, FAILS, "fine = 1"), id="in script mode"),
        pytest.param((START, "import sys; sys.exit()"), id="to leave"),
        pytest.param((START + "\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    pass",), id="and caught it"),
    ],
)
def test_a_cell_that_raised_is_no_crash_where_it_did_not_end_the_run(
    cells: tuple[str, ...], execute: Callable[..., Any], run_folders: Callable[[], list[RunFolder]]
) -> None:
    execute(*cells)
    state = run_folders()[0].state()
    assert (state.status, state.error, state.traceback) == ("unpublished", None, None)


def test_a_cell_that_raised_before_the_run_began_is_none_of_it(
    execute: Callable[..., Any], run_folders: Callable[[], list[RunFolder]]
) -> None:
    early = "import dotscience as ds, threading\nds.start()\nds.publish()\nended = threading.Event()"
    watch = "get_ipython().events.register('post_run_cell', lambda result: ended.set())"
    later = "def later():\n    ended.wait()\n    ds.start()"
    execute("\n".join((early, watch, later)), "ended.clear()\nthreading.Thread(target=later).start()\n1 / 0")
    (left,) = [folder.state() for folder in run_folders() if not folder.is_published()]
    assert (left.status, left.error) == ("unpublished", None)
