"""Reading files for more than a second is shown on a terminal, and nowhere else."""

import io
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from dotscience.recorder import progress
from dotscience.recorder.progress import Bar, wait_for
from dotscience.storage.hashers import Hashers

WAIT = """
import time
from dotscience.recorder.progress import wait_for
from dotscience.storage.hashers import Hashers
hashers = Hashers()
hashers.submit(lambda: time.sleep(0.3), 25)
hashers.submit(lambda: time.sleep({seconds}), 75)
wait_for(hashers)
"""


def test_a_bar_is_shown_and_taken_away_again(on_terminal: Callable[..., tuple[str, str]]) -> None:
    out, err = on_terminal(WAIT.format(seconds=1.4))
    assert out == ""
    assert "dotscience: reading files [#######" in err and "25/100" in err
    assert err.rpartition("\r")[2] == "" and err.split("\r")[-2].strip() == ""


def test_short_waits_show_nothing(on_terminal: Callable[..., tuple[str, str]]) -> None:
    assert on_terminal(WAIT.format(seconds=0.1)) == ("", "")


def test_nothing_is_shown_where_nobody_looks() -> None:
    done = subprocess.run([sys.executable, "-c", WAIT.format(seconds=1.2)], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_closed_standard_error_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    hashers = Hashers()
    job = hashers.submit(lambda: time.sleep(1.2), 1)
    wait_for(hashers)
    assert job.done


def test_a_standard_error_that_can_only_be_written_to_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tee:
        def write(self, text: str) -> None:
            raise AssertionError(text)

    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    with monkeypatch.context() as patch, Bar("reading files") as bar:
        patch.setattr(sys, "stderr", Tee())
        bar.show(1, 2)
