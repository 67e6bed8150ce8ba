"""What the tests of the runner share: a workspace, and a way to execute a command in it."""

import os
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dotscience.runner.execution import Execution
from dotscience.runner.running import execute, prepare
from dotscience.storage.workspace import Workspace

Run = Callable[..., Execution]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


@pytest.fixture
def run(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> Run:
    """`run("sh", "-c", "exit 3")` executes that; `run(code="print(1)")` executes a Python script `script.py`."""

    def go(*command: str, code: str | None = None, environ: Mapping[str, str] = os.environ) -> Execution:
        if code is not None:
            Path("script.py").write_text(code)
            command = (sys.executable, "script.py")
        return execute(command, prepare(str(uuid.uuid4()), workspace), workspace, environ=environ)

    return go
