"""Records out of run blocks."""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from dotscience.catalog.block_stream import Found
from dotscience.catalog.collect import OUTCOMES, Collected, Source, collect, take_block
from dotscience.catalog.find import folder_of
from dotscience.errors import CorruptError, NotFoundError
from dotscience.recorder.recorder import Recorder
from dotscience.records.block import block_metadata, block_text
from dotscience.storage.workspace import Workspace

BLOCK = {
    "version": "1",
    "input": ["raw.csv", "s3://bucket/more.csv"],
    "output": ["model.bin"],
    "labels": {"mode": "test"},
    "parameters": {"C": "2"},
    "summary": {"accuracy": "0.9"},
    "description": "trained",
    "start": "20261101T083000.000000",
    "end": "20261101T083100.5",
    "workload-file": "train.py",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def log(*blocks: tuple[str, dict[str, Any]]) -> str:
    Path("train.log").write_text(
        "epoch 1\n" + "\n".join(block_text(run, block) for run, block in blocks) + "\nbye\n"
    )
    return "train.log"


def test_a_log_gives_a_record_of_each_block(workspace: Workspace) -> None:
    collected = list(collect(log(("a1", BLOCK), ("b2", {**BLOCK, "error": "no data"})), workspace))
    assert [(block.run, block.outcome) for block in collected] == [("a1", "recorded"), ("b2", "recorded")]
    record = folder_of("a1", workspace).read_record()
    assert block_metadata(record) == {**BLOCK, "end": "20261101T083100.500000"}
    assert (record.status, record.mode, record.workload_file) == ("completed", "script", "train.py")
    assert folder_of("b2", workspace).read_record().status == "failed"


def test_the_record_says_that_nobody_looked_at_the_files(workspace: Workspace) -> None:
    Path("raw.csv").write_text("there, but nobody knows whether it was so then")
    list(collect(log(("a1", BLOCK)), workspace))
    record = folder_of("a1", workspace).read_record()
    seen = {version.path: (version.digest, version.unseen) for version in record.inputs + record.outputs}
    assert seen == {
        "raw.csv": (None, "named"),
        "s3://bucket/more.csv": (None, "reference"),
        "model.bin": (None, "named"),
    }
    assert "train.log" in record.notices[0]


def test_collecting_twice_changes_nothing(workspace: Workspace) -> None:
    file = log(("a1", BLOCK))
    list(collect(file, workspace))
    before = Path(folder_of("a1", workspace).record_path).read_bytes()
    assert [block.outcome for block in collect(file, workspace)] == ["known"]
    assert Path(folder_of("a1", workspace).record_path).read_bytes() == before


def test_a_run_that_was_recorded_here_is_left_alone(recorder: Recorder, workspace: Workspace) -> None:
    recorder.start()
    recorder.metric("accuracy", 0.5)
    published = recorder.publish()
    Path("train.log").write_text(published.block)
    assert [block.outcome for block in collect("train.log", workspace)] == ["known"]


def test_a_run_in_progress_is_left_alone(recorder: Recorder, workspace: Workspace) -> None:
    recorder.start()
    (folder,) = workspace.run_folders()
    assert [block.outcome for block in collect(log((folder.id, BLOCK)), workspace)] == ["known"]
    assert not folder.is_published()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "2"}, "version: '2' is not known here"),
        ({"input": "raw.csv"}, "input: must be a list of paths"),
        ({"output": [1]}, "output: must be a list of paths"),
        ({"summary": []}, "summary: must be an object"),
        ({"start": "yesterday"}, "start: "),
        ({"description": 5}, "description: must be a text, not 5"),
    ],
)
def test_a_wrong_block_is_named_with_its_field(
    workspace: Workspace, change: dict[str, Any], reason: str
) -> None:
    (block,) = collect(log(("a1", {**BLOCK, **change})), workspace)
    assert block.outcome == "unusable"
    assert block.reason.startswith(reason)
    assert list(workspace.run_folders()) == []


@pytest.mark.parametrize("run", ["../../elsewhere", "a/b", "..", "None", "a b", "-rf", "é"])
def test_an_id_that_is_no_name_of_a_run_is_refused(workspace: Workspace, run: str) -> None:
    block = take_block(Found(run, BLOCK), Source("log"), workspace)
    assert (block.outcome, os.listdir(workspace.root)) == ("unusable", [])


def test_a_notebook_gives_the_blocks_of_its_cells_once(workspace: Workspace) -> None:
    text = block_text("a1", {name: value for name, value in BLOCK.items() if name != "workload-file"})
    half = len(text) // 2
    notebook = new_notebook(
        cells=[
            new_code_cell(
                outputs=[
                    new_output("stream", name="stdout", text=text[:half]),
                    new_output("stream", name="stdout", text=text[half:]),
                    new_output("display_data", {"text/plain": text, "text/html": "<p>card</p>"}),
                ]
            ),
            new_code_cell(outputs=[new_output("display_data", {"text/plain": block_text("b2", BLOCK)})]),
        ]
    )
    Path("notebooks").mkdir()
    nbformat.write(notebook, "notebooks/train.ipynb")
    collected = list(collect("notebooks/train.ipynb", workspace))
    assert collected == [Collected(run, "notebooks/train.ipynb", "recorded") for run in ("a1", "b2")]
    record = folder_of("a1", workspace).read_record()
    assert record.mode == "interactive"
    assert record.code == {"notebook": {"path": "notebooks/train.ipynb", "found_by": "collected"}}


def test_an_old_notebook_is_read_too(workspace: Workspace) -> None:
    cell = {
        "cell_type": "code",
        "language": "python",
        "input": "",
        "outputs": [{"output_type": "stream", "stream": "stdout", "text": block_text("a1", BLOCK)}],
    }
    Path("old.ipynb").write_text(
        json.dumps(
            {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [cell]}]}
        )
    )
    assert [block.outcome for block in collect("old.ipynb", workspace)] == ["recorded"]


def test_a_notebook_that_is_not_json_is_said_to_be_none(workspace: Workspace) -> None:
    Path("broken.ipynb").write_text("not a notebook")
    with pytest.raises(CorruptError, match=r"broken\.ipynb: is no notebook"):
        list(collect("broken.ipynb", workspace))


def test_a_file_that_is_not_there_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file gone\.log"):
        list(collect("gone.log", workspace))


def test_every_outcome_has_a_meaning(workspace: Workspace) -> None:
    file = log(("a1", BLOCK), ("a1", BLOCK), ("b2", {}))
    assert {block.outcome for block in collect(file, workspace)} == set(OUTCOMES)
