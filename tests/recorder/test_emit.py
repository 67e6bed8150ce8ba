"""Where the run block goes: the first rule that fits, and never at the cost of the job."""

import contextlib
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.errors import ArgumentError
from dotscience.recorder.recorder import Recorder
from dotscience.records.block import find_blocks
from dotscience.storage.runs import RunFolder
from dotscience.testing import fresh_recorder

Script = Callable[..., "subprocess.CompletedProcess[str]"]
Only = Callable[[], RunFolder]
Show = Callable[..., tuple[str, str]]
PUBLISH = "import dotscience as ds; ds.start(); ds.metric('a', 1); p = ds.publish('one\\ntwo')"


def blocks(written: str) -> list[str]:
    return [run_id for run_id, _ in find_blocks(written)]


def test_a_stream_that_cannot_be_written_to_is_refused_before_anything_is_published(
    recorder: Recorder,
) -> None:
    recorder.start()
    with pytest.raises(ArgumentError, match=r"not 'out.txt'.*still open"):
        recorder.publish(stream="out.txt")  # type: ignore[arg-type]
    assert recorder.publish(stream=io.StringIO()).folder is not None


def test_a_given_stream_gets_the_block_and_nothing_else_does(
    recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder.start()
    stream = io.StringIO()
    done = recorder.publish(stream=stream)
    assert stream.getvalue() == done.block + "\n"
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_the_given_stream_is_the_callers_and_the_run_is_recorded(
    recorder: Recorder, only_run: Only
) -> None:
    closed = io.StringIO()
    closed.close()
    recorder.start()
    with pytest.raises(ValueError, match="closed file"):
        recorder.publish(stream=closed)
    assert only_run().read_record().status == "completed"


class OnlyWrites:
    """What a tee of standard output often is: it has nothing but these two methods."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass


def test_an_output_that_can_only_be_written_to_gets_the_block(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.start()
    tee = OnlyWrites()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", tee)
        done = recorder.publish()
    assert blocks(tee.written) == [done.id]


def test_a_standard_error_that_raises_is_not_the_jobs_matter(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(OnlyWrites):
        def write(self, text: str) -> int:
            raise RuntimeError(text)

    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", Broken())
        recorder.metric("m", 1)  # is told that it starts the run
        assert recorder.publish(stream=io.StringIO()).folder is not None


@pytest.mark.parametrize(
    ("setting", "out", "err"),
    [("stdout", 1, 0), ("stderr", 0, 1), ("notebook", 1, 0), ("none", 0, 0), ("auto", 1, 0)],
)
def test_the_setting_decides_before_the_guess(
    setting: str, out: int, err: int, script: Script, only_run: Only
) -> None:
    done = script(PUBLISH, DOTSCIENCE_PUBLISH_TO=setting, DOTSCIENCE_WORKLOAD_TYPE="command")
    assert (len(blocks(done.stdout)), len(blocks(done.stderr))) == (out, err)
    assert blocks(done.stdout + done.stderr) == [only_run().id][: out + err]


def test_the_setting_may_stand_in_the_workspace(script: Script, tmp_path: Path) -> None:
    (tmp_path / ".dotscience").mkdir()
    (tmp_path / ".dotscience/config.json").write_text('{"publish_to": "stderr"}')
    done = script(PUBLISH)
    assert (done.stdout, len(blocks(done.stderr))) == ("", 1)


def test_a_script_in_a_pipe_writes_the_block_to_standard_output_only(script: Script, only_run: Only) -> None:
    done = script(PUBLISH)
    assert done.stderr == ""
    assert done.stdout.startswith("[[DOTSCIENCE-RUN:") and done.stdout.endswith("]]\n")
    assert blocks(done.stdout) == [only_run().id]


def test_standard_output_is_taken_as_it_is_at_that_moment(recorder: Recorder) -> None:
    recorder.start()
    captured = io.StringIO()
    with contextlib.redirect_stdout(captured):
        done = recorder.publish()
    assert captured.getvalue() == done.block + "\n"


def test_on_a_terminal_there_are_four_lines_on_standard_error(on_terminal: Show) -> None:
    out, err = on_terminal(PUBLISH)
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("run ") and "completed: one two" in lines[0]
    assert "a=1" in lines[1] and "0 inputs, 0 outputs" in lines[2] and ".dotscience/runs/" in lines[3]


def test_on_a_terminal_hostile_texts_stay_on_their_line(on_terminal: Show) -> None:
    out, err = on_terminal(
        "import dotscience as ds; ds.start(); ds.metric('a\\x1b[2J\\nb', 'x\\r\\ny\\ud800'); ds.publish('\\x1b]0;t\\x07\\ud800')"
    )
    assert out == "" and len(err.splitlines()) == 4 and "\x1b" not in err


def test_a_workload_type_on_a_terminal_gives_the_block(on_terminal: Show) -> None:
    out, err = on_terminal(PUBLISH, DOTSCIENCE_WORKLOAD_TYPE="command")
    assert len(blocks(out.replace("\r\n", "\n"))) == 1 and err == ""


@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.stdout.close(); ",
        "import sys; sys.stdout = None; ",
        "import os; os.close(1); ",
        "import sys; sys.stdout = sys.stderr = None; ",
        "import os; os.close(1); os.close(2); ",
        "import sys; sys.stdout = open('/dev/full', 'w', buffering=1); ",
        "import sys; sys.stdout = open('/dev/full', 'w', buffering=1); sys.stderr = sys.stdout; ",
    ],
)
def test_without_an_output_the_run_is_recorded_all_the_same(
    source: str, script: Script, only_run: Only
) -> None:
    script(source + PUBLISH + "; import os; os._exit(7 if p.folder else 8)")
    record = only_run().read_record()
    assert (record.status, record.metrics) == ("completed", {"a": 1})


def test_a_wrong_setting_is_said_and_the_default_used(script: Script, only_run: Only) -> None:
    done = script(PUBLISH, DOTSCIENCE_PUBLISH_TO="mars", DOTSCIENCE_KEEP_FILE_LIMIT="much")
    assert done.returncode == 0 and len(blocks(done.stdout)) == 1
    assert "DOTSCIENCE_PUBLISH_TO: publish_to = 'mars': say one of auto" in done.stderr
    assert "DOTSCIENCE_KEEP_FILE_LIMIT" in done.stderr and "say a size" in done.stderr


def test_two_recorders_do_not_disturb_each_other(tmp_path: Path) -> None:
    with fresh_recorder(tmp_path / "a") as one, fresh_recorder(tmp_path / "b") as two:
        one.metric("a", 1)
        two.metric("b", 2)
        assert (one.publish().record.metrics, two.publish().record.metrics) == ({"a": 1}, {"b": 2})
