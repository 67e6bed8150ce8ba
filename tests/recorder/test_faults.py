"""Whatever goes wrong on our side, the job goes on, says so once, and loses nothing that could be kept."""

import io
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dotscience.recorder.publishing import publish_left_behind
from dotscience.recorder.recorder import Recorder
from dotscience.records.block import find_blocks
from dotscience.settings import Settings
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace
from dotscience.testing import FixedClock, fresh_recorder

Script = Callable[..., "subprocess.CompletedProcess[str]"]
Only = Callable[[], RunFolder]
WORK = """
import dotscience as ds
ds.start("work")
ds.metric("m", 1)
ds.log({"loss": 0.5})
open("in", "w").write("in"); ds.input("in")
ds.output("in")
done = ds.publish()
print("THE END", done.folder)
"""


def mount(*arguments: str) -> None:
    if subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=512k", "none", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A workspace on a read-only file system, which held records before."""
    with fresh_recorder(tmp_path / "locked") as recorder:
        (tmp_path / "locked").mkdir(exist_ok=True)
        recorder.publish("before", stream=io.StringIO())
    mount("--bind", str(tmp_path / "locked"), str(tmp_path / "locked"))
    mount("-o", "remount,bind,ro", str(tmp_path / "locked"))
    yield tmp_path / "locked"
    subprocess.run(["umount", "--lazy", str(tmp_path / "locked")], check=True)


def fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return filler


def until(true: Callable[[], bool]) -> None:
    """Return when it is true, which it must be within some seconds."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def publish(folder: RunFolder, root: Path) -> Any:
    return publish_left_behind(Workspace(str(root)), folder, Settings(str(root)))


# Places that cannot be written


def test_a_read_only_workspace_records_elsewhere_and_says_where(
    read_only: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with fresh_recorder(read_only) as recorder:
        recorder.metric("m", 1)
        recorder.log({"loss": 0.5})
        done = recorder.publish("after")
        recorder.metric("left", 1)
    workspace = Workspace(str(read_only))
    assert done.folder is not None and done.folder.startswith(workspace.spill)
    assert capfd.readouterr().err.count(workspace.spill) == 1
    found = {
        folder.is_published(): folder
        for folder in workspace.run_folders()
        if folder.path.startswith(workspace.spill)
    }
    assert found[True].read_record().metrics == {"m": 1, "loss": 0.5}
    record = publish(found[False], read_only)
    assert record.metrics == {"m": 1, "left": 1}
    assert len(list(workspace.run_folders())) == 3


@pytest.mark.parametrize("obstacle", ["file", "runs is a file", "link to nowhere"])
def test_an_obstacle_in_place_of_the_folder_does_not_stop_the_job(
    obstacle: str, script: Script, only_run: Only, tmp_path: Path
) -> None:
    home = tmp_path / ".dotscience"
    if obstacle == "file":
        home.touch()
    elif obstacle == "link to nowhere":
        home.symlink_to("/nowhere/at/all")
    else:
        home.mkdir()
        (home / "runs").touch()
    done = script(WORK)
    assert done.returncode == 0 and "THE END" in done.stdout, done.stderr
    assert only_run().path.startswith(os.environ["XDG_STATE_HOME"])
    assert only_run().read_record().metrics == {"m": 1, "loss": 0.5}


def test_where_nothing_can_be_written_the_block_is_still_there(script: Script, tmp_path: Path) -> None:
    (tmp_path / ".dotscience").touch()
    (tmp_path / "state").touch()
    done = script(WORK, XDG_STATE_HOME=str(tmp_path / "state"))
    assert done.returncode == 0 and "THE END None" in done.stdout, done.stderr
    assert done.stderr.count("\n") == 1 and "nothing is recorded on disk" in done.stderr
    ((_, block),) = find_blocks(done.stdout)
    assert (block["summary"], block["input"], block["output"]) == ({"m": "1", "loss": "0.5"}, ["in"], ["in"])


def test_where_nothing_can_be_written_memory_stays_bounded(tmp_path: Path) -> None:
    (tmp_path / ".dotscience").touch()
    (tmp_path / "state").touch()
    with fresh_recorder(tmp_path, environ={"XDG_STATE_HOME": str(tmp_path / "state")}) as recorder:
        recorder.start()
        for step in range(500_000):
            recorder.log({"loss": float(step), "acc": 0.5})
        assert recorder._open is not None and len(recorder._open.points.take()[1]) < 8 << 20
        recorder.log({"loss": 7.0})
        assert recorder.publish().record.metrics["loss"] == 7.0


# Full disks


def test_a_disk_that_is_full_for_a_while_loses_nothing(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with fresh_recorder(small_disk) as recorder:
        recorder.metric("before", 1)
        filler = fill(small_disk)
        for step in range(2000):
            recorder.metric(f"during {step % 50}", step)
            recorder.log({"loss": float(step)}, step=step)
        recorder._recording._writer.flush()  # type: ignore[union-attr]
        recorder._recording._writer.flush()  # type: ignore[union-attr]
        err = capfd.readouterr().err
        assert err.count("cannot write to") == 1 and "No space left" in err
        filler.unlink()
        recorder.metric("after", 1)
        done = recorder.publish()
    assert done.folder is not None
    record = RunFolder(done.folder).read_record()
    assert record.metrics["before"] == record.metrics["after"] == 1 and record.metrics["during 49"] == 1999
    assert record.series["names"]["loss"] == {"count": 2000, "last": 1999.0, "min": 0.0, "max": 1999.0}
    assert record.notices == ()


def test_a_series_that_began_while_points_were_dropped_goes_on(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dotscience.recorder.writer._MOST_WAITING", 1000)
    with fresh_recorder(small_disk) as recorder:
        recorder.start()
        filler = fill(small_disk)
        for name in ("loss", "accuracy"):
            for _ in range(1000):
                recorder.log({name: 0.5})
            recorder._recording._writer.flush()  # type: ignore[union-attr]
        filler.unlink()
        recorder.log({"loss": 0.25})
        recorder.log({"accuracy": 0.75})
        record = recorder.publish(stream=io.StringIO()).record
    assert {name: series["last"] for name, series in record.series["names"].items()} == {
        "loss": 0.25,
        "accuracy": 0.75,
    }
    (said,) = record.notices
    assert "bytes of points were lost" in said


def test_an_event_that_slips_in_while_the_record_is_made_does_not_stop_it(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.log({"loss": 0.5})
    assert recorder._recording is not None and recorder._recording._writer is not None
    writer = recorder._recording._writer
    flush = writer.flush

    def flush_and_tell() -> None:
        flush()
        writer.tell(("surroundings", {}))

    monkeypatch.setattr(writer, "flush", flush_and_tell)
    assert recorder.publish(stream=io.StringIO()).folder is not None


def test_what_is_said_while_the_outputs_are_read_is_refused_not_lost(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = recorder._start(None)
    (tmp_path / "one").touch()
    (tmp_path / "two").touch()
    run.output(tmp_path / "one")
    assert run.reader is not None
    read_all = run.reader.read_all

    def read_late(files: Any, keep: bool) -> Any:
        run.output(tmp_path / "two")  # as another thread might
        return read_all(files, keep)

    monkeypatch.setattr(run.reader, "read_all", read_late)
    record = recorder.publish(stream=io.StringIO()).record
    assert [version.path for version in record.outputs] == ["one"]
    assert "output was said to a run that is already published" in capfd.readouterr().err


def test_a_record_that_finds_no_room_can_be_made_later(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with fresh_recorder(small_disk) as recorder:
        for number in range(100):
            recorder.metric(f"{number} {'x' * 1000}", number)
        recorder.log({"loss": 0.5})
        recorder._recording._writer.flush()  # type: ignore[union-attr]
        filler = fill(small_disk)
        done = recorder.publish("full", stream=io.StringIO())
        assert done.folder is None and done.record.metrics[f"99 {'x' * 1000}"] == 99
        assert capfd.readouterr().err.count(f"`ds publish {done.id}`") == 1
        (folder,) = Workspace(str(small_disk)).run_folders()
        assert not folder.is_published()
        filler.unlink()
        recorder.metric("next", 1)
        until(lambda: folder.state().status == "unpublished")
        record = publish(folder, small_disk)
        assert len(record.metrics) == 101 and record.metrics["loss"] == 0.5
        assert recorder.publish(stream=io.StringIO()).folder is not None


def test_a_record_is_not_written_before_its_series_are(small_disk: Path) -> None:
    with fresh_recorder(small_disk) as recorder:
        for _ in range(8000):
            recorder.log({"noise": random.random()})
        recorder._recording._writer.flush()  # type: ignore[union-attr]
        filler = fill(small_disk)
        os.truncate(filler, filler.stat().st_size - (32 << 10))  # room for the record, but not for the series
        done = recorder.publish(stream=io.StringIO())
        assert done.folder is None
        (folder,) = Workspace(str(small_disk)).run_folders()
        filler.unlink()
        until(lambda: folder.state().status == "unpublished")
        assert publish(folder, small_disk).series["names"]["noise"]["count"] == 8000


def test_a_limit_on_file_sizes_is_like_a_full_disk(script: Script, only_run: Only) -> None:
    done = script(
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        + WORK.replace("done =", "[ds.metric(f'{n} {\"x\" * 1000}', n) for n in range(100)]\ndone =")
    )
    assert done.returncode == 0 and "THE END None" in done.stdout, done.stderr
    assert done.stderr.count("dotscience:") <= 3
    assert only_run().state().status in ("unpublished", "killed")


def test_outputs_that_find_no_room_are_fingerprinted(
    small_disk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "large").write_bytes(os.urandom(2 << 20))
    with fresh_recorder(small_disk) as recorder:
        recorder.output(tmp_path / "large")
        done = recorder.publish(stream=io.StringIO())
    (version,) = done.record.outputs
    assert done.folder is not None and version.digest is not None and not version.kept
    assert "cannot keep content" in capfd.readouterr().err
    assert not list((small_disk / ".dotscience/blobs").rglob("tmp-*"))


# Things that vanish


def test_a_folder_deleted_during_the_run_costs_only_what_was_in_it(script: Script, only_run: Only) -> None:
    done = script(
        "import os, shutil\n"
        + WORK.replace(
            "done =",
            "ds._default._recording._writer.flush()\nwhile os.path.exists('.dotscience'): shutil.rmtree('.dotscience', True)\nds.metric('after', 2); ds.log({'loss': 0.75})\ndone =",
        )
    )
    assert done.returncode == 0 and "THE END" in done.stdout, done.stderr
    record = only_run().read_record()
    assert record.metrics["m"] == 1 and record.metrics["after"] == 2
    assert [version.path for version in record.inputs] == ["in"]
    assert any("points" in notice for notice in record.notices)


def test_blobs_and_digests_deleted_between_two_runs_do_no_harm(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x" * 100_000)
    recorder.output("data")
    recorder.publish()
    shutil.rmtree(tmp_path / ".dotscience")
    recorder.start()
    recorder.output("data")
    done = recorder.publish()
    assert done.folder is not None and RunFolder(done.folder).read_record().outputs[0].digest is not None


# Clocks


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, -1793521800.0, 1e9])
def test_a_clock_that_jumps_is_said_to_have(jump: float, tmp_path: Path) -> None:
    clock = FixedClock()
    with fresh_recorder(tmp_path, clock=clock) as recorder:
        recorder.start()
        recorder.log({"loss": 1.0})
        clock.advance(jump)
        recorder.log({"loss": 2.0})
        done = recorder.publish()
    assert done.folder is not None
    record = RunFolder(done.folder).read_record()
    assert record.metrics == {"loss": 2.0} and record.series["names"]["loss"]["count"] == 2
    assert any("clock was moved" in notice for notice in record.notices)


@pytest.mark.parametrize("now", [3e11, -1e12])
def test_a_clock_beyond_all_calendars_does_not_stop_the_publish(now: float, tmp_path: Path) -> None:
    with fresh_recorder(tmp_path, clock=FixedClock(now)) as recorder:
        recorder.metric("m", 1)
        done = recorder.publish()
    assert done.folder is not None
    record = RunFolder(done.folder).read_record()
    assert record.metrics == {"m": 1} and record.published.year in (1, 9999)
    assert any("no record can hold" in notice for notice in record.notices)


def test_a_clock_that_runs_as_it_should_is_not_mentioned(recorder: Recorder) -> None:
    recorder.start()
    assert recorder.publish().record.notices == ()


# Settings


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "\x00",
        "null",
        "[" * 100_000,
        '{"keep_outputs": "maybe", "keep_file_limit": []}',
        '{"publish_to": 5}',
    ],
)
def test_a_wrong_configuration_file_is_named_and_the_job_goes_on(
    content: str, script: Script, only_run: Only, tmp_path: Path
) -> None:
    (tmp_path / ".dotscience").mkdir()
    (tmp_path / ".dotscience/config.json").write_text(content)
    done = script(WORK)
    assert done.returncode == 0 and "THE END" in done.stdout, done.stderr
    assert f"{tmp_path}/.dotscience/config.json" in done.stderr
    assert only_run().read_record().outputs[0].kept


@pytest.mark.parametrize("size", ["", "0", "9" * 400, "-1", "1e9", "10XB", "nan"])
def test_an_odd_size_does_not_stop_the_job(size: str, script: Script, only_run: Only) -> None:
    done = script(WORK, DOTSCIENCE_KEEP_FILE_LIMIT=size, DOTSCIENCE_KEEP_RUN_LIMIT=size)
    assert done.returncode == 0 and "THE END" in done.stdout, done.stderr
    assert only_run().read_record().outputs[0].kept is (size != "0")


# Faults of our own


def test_a_fault_in_what_surrounds_a_run_costs_only_that(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def begin(self, moment: object) -> None:
            raise LookupError("begin")

        def finish(self, moment: object, patience: float = 0.0) -> Any:
            raise LookupError("finish")

        def redact(self, text: str) -> str:
            return text

    for factory in (lambda: lambda settings: Broken(), lambda: 1 / 0, lambda: lambda settings: 1 / 0):
        recorder = Recorder(root=tmp_path, surroundings=factory)  # type: ignore[arg-type,return-value]
        recorder.metric("m", 1)
        done = recorder.publish()
        assert done.folder is not None and done.record.metrics == {"m": 1}
    err = capfd.readouterr().err
    assert "recording the environment failed, your program goes on: LookupError: begin" in err
    assert "ZeroDivisionError" in err


def test_recording_that_cannot_begin_keeps_the_run_in_memory(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dotscience.recorder.session.Session.new_run", lambda *given: 1 / 0)
    recorder = Recorder(root=tmp_path)
    recorder.start()
    assert recorder.metric("m", 1) == 1
    stream = io.StringIO()
    done = recorder.publish(stream=stream)
    assert done.folder is None and done.record.metrics == {"m": 1} and '"m": "1"' in stream.getvalue()
    assert "kept in memory only: ZeroDivisionError" in capfd.readouterr().err


def test_a_fault_in_publishing_leaves_the_run_unpublished_and_the_job_goes_on(
    recorder: Recorder, only_run: Only, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.metric("m", 1)
    monkeypatch.setattr("dotscience.recorder.recording.assemble", lambda *given, **named: 1 / 0)
    done = recorder.publish()
    monkeypatch.undo()
    assert done.folder is None and done.record.metrics == {"m": 1}
    assert "your program goes on: ZeroDivisionError" in capfd.readouterr().err
    assert (only_run().state().status, only_run().state().metrics) == ("unpublished", {"m": 1})


def test_an_interrupt_during_a_publish_leaves_the_run_unpublished(
    recorder: Recorder, only_run: Only, tmp_path: Path
) -> None:
    with open(tmp_path / "large", "wb") as stream:
        stream.truncate(2 << 30)
    recorder.metric("m", 1)
    recorder.input("large")
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        recorder.publish()
    state = only_run().state()
    assert (state.status, state.metrics) == ("unpublished", {"m": 1})


def test_values_that_change_while_they_wait_to_be_written_do_no_harm(
    recorder: Recorder, only_run: Only
) -> None:
    values: dict[str, Any] = {str(number): [number] for number in range(100)}
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            values.clear()
            values.update({str(number): {"a": number} for number in range(100)})

    changer = threading.Thread(target=change)
    changer.start()
    for number in range(300):
        recorder.parameter(f"p{number}", values)
    stop.set()
    changer.join()
    assert len(recorder.publish().record.parameters) == 300
