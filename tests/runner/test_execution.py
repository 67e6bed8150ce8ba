"""The document of an execution."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.errors import AmbiguousError, CorruptError, NotFoundError
from dotscience.runner.execution import Execution, ExecutionFolder, find_execution
from dotscience.storage.processes import this_process
from dotscience.storage.workspace import Workspace

MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(timezone.utc)
)
EXECUTIONS = st.builds(
    Execution,
    id=st.uuids().map(str),
    command=st.lists(st.text(), min_size=1).map(tuple),
    directory=st.text(),
    started=MOMENTS,
    ended=st.none() | MOMENTS,
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.just("SIGKILL"),
    wall=st.none() | st.floats(0, 1e9),
    runs=st.lists(st.uuids().map(str)).map(tuple),
)


@given(EXECUTIONS)
def test_a_document_reads_back_as_it_was_written(execution: Execution) -> None:
    assert Execution.from_json(json.loads(json.dumps(execution.to_json()))) == execution


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"execution": 2}, "execution"),
        ({"command": "ls"}, "command"),
        ({"started": 5}, "started"),
        ({"ended": "yesterday"}, "ended"),
        ({"runs": [1]}, "runs"),
        ({"id": 1}, "id"),
        ({"directory": None}, "directory"),
        ({"exit_code": "0"}, "exit_code"),
        ({"wall": "long"}, "wall"),
        ({"cpu_user": True}, "cpu_user"),
        ({"peak_memory": 0.5}, "peak_memory"),
        ({"signal": 9}, "signal"),
        ({"host": []}, "host"),
        ({"process": 1}, "process"),
        ({"stdout": "out"}, "stdout"),
    ],
)
def test_a_wrong_document_names_the_field(change: dict[str, object], field: str) -> None:
    wire = Execution("1", ("ls",), "/", datetime(2026, 1, 1, tzinfo=timezone.utc)).to_json()
    with pytest.raises(CorruptError) as raised:
        Execution.from_json({**wire, **change}, "execution.json")
    assert (raised.value.file, raised.value.field) == ("execution.json", field)


def test_a_document_without_a_needed_field_is_refused() -> None:
    with pytest.raises(CorruptError, match="directory"):
        Execution.from_json({"execution": 1, "id": "1", "command": [], "started": "2026-01-01T00:00:00Z"})


def test_an_execution_is_in_progress_while_its_runner_lives(tmp_path: Path) -> None:
    folder = ExecutionFolder(str(tmp_path / "1"))
    execution = Execution("1", ("ls",), "/", datetime.now(timezone.utc), process=this_process())
    folder.write_start(execution)
    assert folder.read() == (execution, "running")


def test_an_execution_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    executions = Path(workspace.prepare(), "executions")
    for name in ("aa1", "aa2", "b"):
        (executions / name).mkdir(parents=True)
    assert find_execution("b", workspace).id == "b"
    with pytest.raises(AmbiguousError, match="aa1, aa2"):
        find_execution("aa", workspace)
    with pytest.raises(NotFoundError, match="No execution 'c'"):
        find_execution("c", workspace)
    with pytest.raises(NotFoundError, match="no document"):
        find_execution("b", workspace).read()


def test_a_document_that_is_not_json_is_named(tmp_path: Path) -> None:
    folder = ExecutionFolder(str(tmp_path / "1"))
    Path(folder.path).mkdir()
    Path(folder.document_path).write_text("{")
    with pytest.raises(CorruptError, match=r"execution\.json: not JSON"):
        folder.read()
