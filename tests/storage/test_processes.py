"""Whether the writer of a journal still lives is the truth, also when its process id was taken by another."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dotscience
from dotscience.storage.processes import HEARTBEAT, is_alive, this_process

NOW = time.time()
HERE = this_process()


def test_this_process_lives() -> None:
    assert is_alive(HERE, 0.0)


def test_a_process_is_known_until_it_ends(python: Callable[..., "subprocess.Popen[str]"]) -> None:
    script = "from dotscience.storage.processes import this_process as p; print(p(), flush=True); input()"
    with python(script) as other:
        assert other.stdout is not None and other.stdin is not None
        process = eval(other.stdout.readline())
        assert is_alive(process, 0.0)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(process, NOW)  # also as a zombie that nobody has waited for
        other.wait()
        assert not is_alive(process, NOW)


def test_a_process_id_that_was_taken_by_another_is_not_the_writer() -> None:
    assert not is_alive({**HERE, "born": HERE["born"] - 1}, NOW)


def test_nothing_outlives_a_restart_of_its_machine() -> None:
    with open("/proc/stat", encoding="ascii") as stream:
        booted = float(stream.read().partition("btime ")[2].split()[0])
    before = {**HERE, "boot": "another"}
    assert not is_alive(before, booted - 1, now=booted)
    assert is_alive(before, NOW, now=NOW)  # no restart: it is another machine of the same name
    assert not is_alive(before, NOW - 100 * HEARTBEAT, now=NOW)


@pytest.mark.parametrize(
    "other", [{"host": "elsewhere", "boot": "another"}, {"namespace": "pid:[1]"}], ids=str
)
def test_on_another_machine_or_in_another_container_the_heartbeat_decides(other: dict[str, str]) -> None:
    process = {**HERE, **other}
    assert is_alive(process, NOW, now=NOW)
    assert is_alive(process, NOW - HEARTBEAT, now=NOW)
    assert not is_alive(process, NOW - 100 * HEARTBEAT, now=NOW)


@pytest.mark.parametrize(
    "process",
    [{}, {"pid": "1", "born": "2"}, {**HERE, "pid": None}, {**HERE, "born": None}, {**HERE, "pid": -1}, {"host": [], "boot": {}}],
    ids=["nothing", "texts", "no pid", "no birth", "no such pid", "no host"],
)  # fmt: skip
def test_a_process_that_makes_no_sense_is_no_error(process: dict[str, Any]) -> None:
    assert is_alive(process, NOW - 1e6, now=NOW) is False


def test_the_name_of_a_program_does_not_matter(tmp_path: Path) -> None:
    program = tmp_path / "a) b (c"
    program.symlink_to(sys.executable)
    script = "from dotscience.storage.processes import *; assert is_alive(this_process(), 0.0)"
    package = Path(dotscience.__file__).parent.parent
    subprocess.run([str(program), "-c", script], check=True, env={**os.environ, "PYTHONPATH": str(package)})
