"""Whole programs and whole notebooks, as a user would run them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace


@pytest.fixture
def run_folders(tmp_path: Path) -> Callable[[], list[RunFolder]]:
    """Every run that the workspace holds, oldest first."""
    return lambda: sorted(
        Workspace(str(tmp_path)).run_folders(), key=lambda folder: os.stat(folder.path).st_ctime_ns
    )


@pytest.fixture
def execute(tmp_path: Path, require: Callable[..., None]) -> Callable[..., Any]:
    """`execute("first cell", "second cell")` runs a notebook with a real kernel and gives it back as it was saved."""
    require("nbclient", "ipykernel", "nbformat")
    import nbformat

    def run(*cells: str, **environ: str) -> Any:
        path = tmp_path / "study.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbformat.write(notebook, path)
        done = subprocess.run(
            [sys.executable, "-m", "jupyter", "execute", "--inplace", "--allow-errors", str(path)],
            env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return nbformat.read(path, as_version=4)

    return run
