"""A small study that the real library recorded, and two ways to call `ds` in it."""

import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dotscience.cli.main import commands

Ds = Callable[..., Result]

PREPARE = """
import dotscience as ds
ds.start("prepared")
rows = open(ds.input("data/raw.csv")).read().splitlines()
open(ds.output("data/clean.csv"), "w").write("\\n".join(rows[:ds.parameter("rows", 2)]))
ds.publish()
"""

TRAIN = """
import sys, types
import dotscience as ds
sklearn = types.ModuleType("sklearn")
sklearn.__version__ = "1.5"
ds.start("trained")
open(ds.input("data/clean.csv")).read()
trees = ds.parameter("trees", int(sys.argv[1]))
for step in range(3):
    ds.log({"loss": 1 / (step + 1)}, step=step)
ds.metric("accuracy", trees / 10)
ds.label("mode", "test")
open(ds.model(sklearn, "forest", "models/forest.joblib"), "w").write(f"forest of {trees}")
ds.publish()
"""

CRASH = """
import dotscience as ds
ds.start("tuned")
ds.metric("accuracy", 0.1)
raise ValueError("no more trees")
"""

LEFT = """
import dotscience as ds
ds.start("explored")
ds.parameter("trees", 7)
open(ds.output("sketch.txt"), "w").write("idea")
"""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as it was recorded, once for all tests; nobody changes it."""
    root = tmp_path_factory.mktemp("recorded") / "study"
    for folder in ("data", "models"):
        (root / folder).mkdir(parents=True)
    (root / "data" / "raw.csv").write_text("a,b\n1,2\n3,4\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DOTSCIENCE_")}
    environ |= {"XDG_STATE_HOME": str(root.parent / "state"), "DOTSCIENCE_PROJECT_DOT_ROOT": str(root)}
    for script, code, *arguments in (
        ("prepare.py", PREPARE),
        ("train.py", TRAIN, "5"),
        ("train.py", TRAIN, "9"),
        ("crash.py", CRASH),
        ("left.py", LEFT),
    ):
        (root / script).write_text(code)
        done = subprocess.run(
            [sys.executable, script, *arguments], cwd=root, env=environ, capture_output=True, check=False
        )
        assert (done.returncode != 0) == (script == "crash.py"), done.stderr
    return root


@pytest.fixture
def study(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study; the current directory is its root."""
    root = tmp_path / "study"
    shutil.copytree(recorded, root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def ds() -> Ds:
    """`ds("list", "--json")` calls the command in this process."""

    def call(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(commands, arguments, prog_name="ds", input=input, catch_exceptions=False)

    return call


@pytest.fixture
def ds_json(ds: Ds) -> Callable[..., Any]:
    """`ds_json("list")` is what `ds list --json` prints, read; nothing else is printed."""

    def call(*arguments: str, code: int = 0) -> Any:
        result = ds(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return call


@pytest.fixture
def ids(study: Path) -> Mapping[str, str]:
    """Ids of the study's runs by their description; the two trained ones by `trained 5` and `trained 9`."""
    found = {}
    for folder in (study / ".dotscience" / "runs").iterdir():
        record, journal = folder / "record.json", folder / "journal.jsonl"
        text = (record if record.exists() else journal).read_text()
        for name in ("prepared", "tuned", "explored"):
            if f'"{name}"' in text:
                found[name] = folder.name
        for trees in (5, 9):
            if f'"trees":{trees}' in text:
                found[f"trained {trees}"] = folder.name
    return found


@pytest.fixture
def on_terminal() -> Callable[..., str]:
    """`on_terminal("list", columns=80)` is what `ds list` shows on a terminal."""

    def show(*arguments: str, environ: Mapping[str, str] = os.environ, columns: int = 100) -> str:
        command = [sys.executable, "-m", "dotscience", *arguments]
        process, terminal = pty.fork()
        if process == 0:
            os.execvpe(command[0], command, {**environ, "COLUMNS": str(columns), "TERM": "xterm"})
        shown = b""
        while select.select([terminal], [], [], 60)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            shown += data
        os.waitpid(process, 0)
        os.close(terminal)
        return shown.decode().replace("\r\n", "\n")

    return show


@pytest.fixture
def nowhere() -> str:
    """The address of a Hub that is away."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
