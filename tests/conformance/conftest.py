"""The original client, in an environment of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("driver.py")
PACKAGES = (
    ["setuptools<81", "datadots-api==0.2.4", "requests", "joblib", "scikit-learn"],
    ["--no-deps", "--no-build-isolation", "dotscience==0.8.7"],
)

Driver = Callable[[str, list[Any]], list[Any]]


@pytest.fixture(scope="session")
def original_python(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has dotscience 0.8.7; installed once and kept in pytest's cache, where there is one."""
    cache = getattr(pytestconfig, "cache", None)
    kept = cache.mkdir("original-client") if cache else tmp_path_factory.mktemp("original-client")
    folder = kept / f"{sys.version_info[0]}.{sys.version_info[1]}"
    python, ready, wanted = folder / "bin/python", folder / "ready", json.dumps(PACKAGES)
    with _alone(kept / "lock"):
        _install(folder, python, ready, wanted)
    return str(python)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Tests may run in several processes, and one of them installs."""
    import fcntl

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder: Path, python: Path, ready: Path, wanted: str) -> None:
    if not ready.exists() or ready.read_text() != wanted:
        environ = {**os.environ, "UV_HTTP_TIMEOUT": "20"}
        steps = [["venv", "--clear", "--python", sys.executable, str(folder)]]
        # Named outright: uv would else install into the environment that it runs in itself.
        steps += [["pip", "install", "--python", str(python), *packages] for packages in PACKAGES]
        for step in steps:
            done = subprocess.run(
                [sys.executable, "-m", "uv", *step], env=environ, capture_output=True, text=True, check=False
            )
            if done.returncode:
                fail = pytest.fail if os.environ.get("DOTSCIENCE_TEST_REQUIRE") == "all" else pytest.skip
                fail(f"dotscience 0.8.7 cannot be installed here: {done.stderr[-500:]}")
        ready.write_text(wanted)


def _driver(python: str, folder: Path) -> Iterator[Driver]:
    # The setuptools that the original needs warns of its own end.
    command = [python, "-W", "ignore", str(DRIVER)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DOTSCIENCE_")}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**environ, "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
    ) as process:
        assert process.stdin is not None and process.stdout is not None

        def drive(workspace: str, calls: list[Any]) -> list[Any]:
            assert process.stdin is not None and process.stdout is not None
            print(json.dumps({"folder": workspace, "calls": calls}), file=process.stdin, flush=True)
            answer: list[Any] = json.loads(process.stdout.readline())
            return answer

        yield drive
        process.stdin.close()


@pytest.fixture(scope="session")
def original(original_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """Runs a script of calls against dotscience 0.8.7."""
    yield from _driver(original_python, tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """Runs a script of calls against this dotscience."""
    yield from _driver(sys.executable, tmp_path_factory.mktemp("state"))
