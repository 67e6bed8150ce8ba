"""A store of bytes in memory, git repositories, and notebooks run by real kernels."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from dotscience.records.surroundings import Moment

REPORT = """
import json as _json, os as _os, hashlib as _hashlib
from dotscience.capture import surroundings as _surroundings
from dotscience.records.surroundings import Moment as _Moment
from dotscience.settings import Settings as _Settings

def _keep(data):
    return {"sha256": _hashlib.sha256(data).hexdigest(), "size": len(data)}

def begin(root=None, **known):
    global _moment, _gathering
    _moment = _Moment(root or _os.getcwd(), _keep, **known)
    _gathering = _surroundings(_Settings(_moment.root))
    _gathering.begin(_moment)

def finish(file="facts.json"):
    facts = _gathering.finish(_moment)
    with open(file, "w") as stream:
        _json.dump(facts, stream)
"""
"""What the code of a script or notebook under test is preceded by: `begin()` and `finish()`, which writes the facts."""


class Store:
    """Keeps bytes as the recorder would."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def keep(self, data: bytes) -> Mapping[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"sha256": digest, "size": len(data)}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def moment(tmp_path: Path, store: Store) -> Moment:
    """A run that begins in `tmp_path`."""
    return Moment(str(tmp_path), store.keep)


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """`git("commit", "-m", "x")` in `tmp_path`, or elsewhere with `at=`; gives what it printed."""

    def run(*arguments: str, at: Path = tmp_path) -> str:
        done = subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository in `tmp_path` with one commit of one file, `train.py`."""
    git("init", "--quiet")
    (tmp_path / "train.py").write_text("rate = 0.1\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    return tmp_path


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs a script that calls `begin()` and `finish()`, and gives the facts that it wrote."""

    def run(source: str, name: str = "study.py", arguments: tuple[str, ...] = ()) -> dict[str, Any]:
        (tmp_path / "report.py").write_text(REPORT)
        script = tmp_path / name
        script.write_text(f"from report import begin, finish\n{source}")
        subprocess.run([sys.executable, name, *arguments], cwd=tmp_path, check=True)
        return json.loads((tmp_path / "facts.json").read_text())

    return run


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook of some cells, the first of which defines `begin()` and `finish()`."""

    def write(*cells: str, name: str = "study.ipynb") -> Path:
        (tmp_path / "report.py").write_text(REPORT)
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in ("from report import begin, finish", *cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(made, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def run_cells(tmp_path: Path, write_notebook: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Runs cells in a kernel that knows of no notebook file, and gives the facts that they wrote."""

    def run(*cells: str) -> dict[str, Any]:
        notebook = nbformat.read(write_notebook(*cells), as_version=4)
        client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
        client.execute()
        return json.loads((tmp_path / "facts.json").read_text())

    return run
