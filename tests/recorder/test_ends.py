"""However a process ends, what it said is on disk and its run's status is the truth."""

import gc
import os
import random
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dotscience.errors import StateError
from dotscience.recorder.publishing import publish_left_behind
from dotscience.recorder.recorder import Recorder
from dotscience.records.record import Record
from dotscience.settings import Settings
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

Script = Callable[..., "subprocess.CompletedProcess[str]"]
Only = Callable[[], RunFolder]
SAY = """
import os, sys
import dotscience as ds
ds.start("work")
ds.parameter("p", 0.1)
ds.metric("m", float("nan"))
ds.log({"loss": 0.5}, step=3)
ds.input("in.csv")
ds.output("out.csv")
open("out.csv", "w").write("made")
"""


def publish(folder: RunFolder, root: Path) -> Record:
    """What `ds publish RUN` does."""
    record = publish_left_behind(Workspace(str(root)), folder, Settings(str(root)))
    assert folder.read_record().id == record.id == folder.id
    assert sorted(os.listdir(folder.path)) == ["record.json"]
    return record


def assert_complete(record: Record) -> None:
    assert record.description == "work"
    assert record.parameters == {"p": 0.1}
    assert record.metrics["m"] == {"type": "float", "text": "nan"}
    assert record.metrics["loss"] == 0.5
    assert record.series["names"]["loss"]["count"] == 1
    assert [(version.path, version.unseen) for version in record.inputs] == [("in.csv", "missing")]
    assert [(version.path, version.digest is None) for version in record.outputs] == [("out.csv", False)]
    assert record.mode == "script" and record.workload_file == "script.py"
    assert record.started is not None
    assert any("Published after its process had ended" in notice for notice in record.notices)


@pytest.fixture
def in_workspace(script: Script, only_run: Only, tmp_path: Path) -> tuple[Script, Only, Path]:
    return script, only_run, tmp_path


def test_what_a_daemon_thread_says_after_the_end_opens_no_run(script: Script, only_run: Only) -> None:
    done = script(
        """
import atexit, threading
over, said = threading.Event(), threading.Event()
atexit.register(lambda: (over.set(), said.wait(30)))  # comes after the hook of dotscience, which registers later
import dotscience as ds

def chatter():
    over.wait()
    ds.log({"loss": 0.5})
    ds.metric("late", 1)
    ds.publish()
    with ds.run("another") as run:
        run.metric("late", 1)
    said.set()

ds.start("work")
threading.Thread(target=chatter, daemon=True).start()
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    state = only_run().state()
    assert (state.status, state.metrics) == ("unpublished", {})


def test_what_an_object_says_as_it_is_torn_down_disturbs_nobody(script: Script, only_run: Only) -> None:
    done = script(
        """
import dotscience as ds

class Late:
    def __del__(self):
        ds.metric("late", 1)

ds.start("work")
late = Late()
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert only_run().state().status == "unpublished"


@pytest.mark.parametrize(
    ("last", "status"), [("", "unpublished"), ("raise ValueError('no rows')", "crashed")]
)
def test_a_recorder_that_nobody_keeps_still_says_what_became_of_its_run(
    last: str, status: str, script: Script, only_run: Only
) -> None:
    script(
        f"""
import gc
from dotscience import Recorder
Recorder().metric("m", 1)
gc.collect()
{last}
"""
    )
    assert (only_run().state().status, only_run().state().metrics) == (status, {"m": 1})


def test_a_recorder_whose_runs_are_published_goes_away(tmp_path: Path) -> None:
    recorder = Recorder(root=tmp_path)
    with recorder.run():
        recorder.metric("m", 1)
    recorder.metric("n", 1)
    recorder.publish()
    gone = weakref.ref(recorder)
    del recorder
    gc.collect()
    assert gone() is None


def test_what_an_exit_hook_that_comes_later_leaves_open_is_unpublished_too(
    script: Script, run_folders: Callable[[], list[RunFolder]]
) -> None:
    script(
        """
import atexit
atexit.register(lambda: (ds.start("late"), ds.metric("late", 1)))
import dotscience as ds
ds.start("work")
"""
    )
    found = {state.description: state for state in (folder.state() for folder in run_folders())}
    assert {name: state.status for name, state in found.items()} == {
        "work": "unpublished",
        "late": "unpublished",
    }
    assert found["late"].metrics == {"late": 1}


@pytest.mark.parametrize("earlier", ["with ds.run('work'): pass", ""])
def test_an_exit_hook_that_opens_a_run_is_enough_for_it_to_be_kept(
    earlier: str, script: Script, run_folders: Callable[[], list[RunFolder]]
) -> None:
    script(
        f"""
import atexit
atexit.register(lambda: (ds.start("late"), ds.metric("late", 1)))
import dotscience as ds
{earlier}
"""
    )
    (late,) = (folder.state() for folder in run_folders() if not folder.is_published())
    assert (late.status, late.description, late.metrics) == ("unpublished", "late", {"late": 1})


def test_what_a_daemon_thread_says_after_the_last_block_opens_no_run(script: Script, only_run: Only) -> None:
    script(
        """
import atexit, threading
over, said = threading.Event(), threading.Event()
atexit.register(lambda: (over.set(), said.wait(30)))  # comes after the hook of dotscience, which registers later
import dotscience as ds

def chatter():
    over.wait()
    ds.metric("late", 1)
    said.set()

with ds.run("work"):
    threading.Thread(target=chatter, daemon=True).start()
"""
    )
    assert only_run().is_published()


def test_an_exit_hook_that_comes_later_may_record(
    script: Script, run_folders: Callable[[], list[RunFolder]]
) -> None:
    done = script(
        """
import atexit
atexit.register(lambda: (ds.metric("late", 1), ds.publish()))
import dotscience as ds
ds.start("work")
"""
    )
    assert done.returncode == 0
    left, published = sorted(run_folders(), key=RunFolder.is_published)
    assert left.state().status == "unpublished"
    assert published.read_record().metrics == {"late": 1}


FLUSH = "ds._default._recording._writer.flush(); "


@pytest.mark.parametrize(
    ("end", "code", "statuses"),
    [
        ("", 0, ("unpublished", "completed")),
        ("sys.exit(0)", 0, ("unpublished", "completed")),
        ("sys.exit(3)", 3, ("unpublished", "completed")),
        ("ds.error('no rows')", 0, ("unpublished", "failed")),
        ("raise ValueError('no rows')", 1, ("crashed", "crashed")),
        ("def f():\n  return f()\nf()", 1, ("crashed", "crashed")),
        ("raise KeyboardInterrupt", -signal.SIGINT, ("crashed", "crashed")),
        (FLUSH + "os._exit(0)", 0, ("killed", "killed")),
        (FLUSH + "os.abort()", -signal.SIGABRT, ("killed", "killed")),
        (FLUSH + "os.kill(os.getpid(), 9)", -signal.SIGKILL, ("killed", "killed")),
        (FLUSH + "os.kill(os.getpid(), 15)", -signal.SIGTERM, ("killed", "killed")),
    ],
)
def test_the_status_is_the_truth_and_the_run_can_be_published_afterwards(
    end: str, code: int, statuses: tuple[str, str], in_workspace: tuple[Script, Only, Path]
) -> None:
    script, only_run, root = in_workspace
    done = script(SAY + end)
    assert done.returncode == code, done.stderr
    folder = only_run()
    state = folder.state()
    record = publish(folder, root)
    assert (state.status, record.status) == statuses
    assert state.problems == []
    assert_complete(record)


def test_a_crash_keeps_its_traceback(script: Script, only_run: Only, tmp_path: Path) -> None:
    done = script(SAY + "def train():\n    raise ValueError('no rows')\ntrain()")
    state = only_run().state()
    assert state.error == "ValueError: no rows"
    assert state.traceback is not None and state.traceback.endswith(
        "raise ValueError('no rows')\nValueError: no rows\n"
    )
    assert "in train" in state.traceback
    assert state.traceback in done.stderr  # and the user sees it as ever
    record = publish(only_run(), tmp_path)
    assert (record.error, record.process["traceback"]) == (state.error, state.traceback)


def test_an_exception_whose_text_cannot_be_made_is_a_crash_too(script: Script, only_run: Only) -> None:
    script(
        SAY + "class Broken(Exception):\n    def __str__(self):\n        raise LookupError\nraise Broken()"
    )
    assert only_run().state().status == "crashed"


def test_an_exception_that_was_handled_is_no_crash(script: Script, only_run: Only) -> None:
    script(SAY + "try:\n    raise ValueError('no rows')\nexcept ValueError:\n    pass")
    assert (only_run().state().status, only_run().state().error) == ("unpublished", None)


def test_a_crash_of_a_thread_is_none_of_the_script(script: Script, only_run: Only) -> None:
    script(SAY + "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()")
    assert only_run().state().status == "unpublished"


def test_a_crash_after_a_publish_leaves_the_record_alone(script: Script, only_run: Only) -> None:
    assert script(SAY + "ds.publish()\nraise ValueError('late')").returncode == 1
    assert only_run().read_record().status == "completed"


def test_an_exit_hook_of_the_user_may_still_record_and_publish(script: Script, only_run: Only) -> None:
    early = script("import atexit\natexit.register(lambda: (ds.metric('late', 1), ds.publish()))\n" + SAY)
    assert early.returncode == 0 and "Traceback" not in early.stderr, early.stderr
    assert "late" in early.stdout


def test_a_crash_inside_a_block_publishes_it_and_leaves_the_run_around_it_crashed(
    script: Script, run_folders: Callable[[], list[RunFolder]]
) -> None:
    script(
        "import dotscience as ds\nds.start('around')\nwith ds.run('block'):\n    raise ValueError('no rows')"
    )
    found = {folder.is_published(): folder for folder in run_folders()}
    assert found[True].read_record().error == "ValueError: no rows"
    assert (found[False].state().description, found[False].state().status) == ("around", "crashed")


@pytest.mark.parametrize(
    "shown",
    [
        "code.InteractiveInterpreter(globals()).runsource('1 / 0')",
        "tkinter_like()",
    ],
)
def test_an_exception_that_somebody_showed_and_went_on_from_is_no_crash(
    shown: str, script: Script, only_run: Only
) -> None:
    done = script(
        f"""
import code, sys
import dotscience as ds

def tkinter_like():
    try:
        1 / 0
    except ZeroDivisionError as error:
        sys.last_exc = sys.last_value = error

ds.start("work")
{shown}
"""
    )
    assert done.returncode == 0, done.stderr
    assert only_run().state().status == "unpublished"


@pytest.mark.parametrize(
    "call", [["script.py"], ["-m", "script"], ["-m", "cProfile", "script.py"], ["-c", "import script"], ["-"]]
)
def test_an_exception_that_ended_the_program_is_a_crash_however_it_was_called(
    call: list[str], only_run: Only, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text("import dotscience as ds\nds.start()\ndef work(): 1 / 0\nwork()")
    with (tmp_path / "script.py").open() as source:
        subprocess.run([sys.executable, *call], stdin=source, check=False, capture_output=True, timeout=60)
    state = only_run().state()
    assert (state.status, state.error) == ("crashed", "ZeroDivisionError: division by zero")


def test_a_crash_that_python_cannot_show_is_still_a_crash(script: Script, only_run: Only) -> None:
    script(
        """
import dotscience as ds
ds.start("work")

class Unshowable(SyntaxError):
    lineno = property(lambda self: {}["lineno"])

raise Unshowable("no rows")
"""
    )
    state = only_run().state()
    assert (state.status, state.error) == ("crashed", "Unshowable: no rows")


def test_an_exit_inside_a_block_that_never_ends_leaves_both_runs_unpublished(
    script: Script, run_folders: Callable[[], list[RunFolder]]
) -> None:
    script("import dotscience as ds\nds.start('around')\nblock = ds.run('block')\nblock.__enter__()")
    assert [folder.state().status for folder in run_folders()] == ["unpublished", "unpublished"]


def test_a_run_in_progress_is_running_and_cannot_be_published(tmp_path: Path, only_run: Only) -> None:
    source = SAY + "ds._default._recording._writer.flush(); print('said', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"said\n"
        assert only_run().state().status == "running"
        with pytest.raises(StateError, match=rf"still in progress \(process {process.pid}\)"):
            publish(only_run(), tmp_path)
    assert only_run().state().status == "unpublished"


def test_what_was_not_read_before_the_end_is_said_to_be_unread(tmp_path: Path, only_run: Only) -> None:
    (tmp_path / "large").mkdir()
    for number in range(4):
        with open(tmp_path / f"large/{number}", "wb") as stream:
            stream.truncate(1 << 30)
    source = (
        "import os, dotscience as ds; ds.input('large'); ds._default._recording._writer.flush(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", source], check=False)
    record = publish(only_run(), tmp_path)
    assert len(record.inputs) == 4
    assert {version.unseen for version in record.inputs if version.digest is None} == {"unread"}
    assert sum(version.digest is None for version in record.inputs) >= 2


def test_a_start_over_a_run_whose_files_are_being_read_says_nothing_wrong(
    tmp_path: Path, script: Script
) -> None:
    with open(tmp_path / "large", "wb") as stream:
        stream.truncate(1 << 28)
    done = script("import dotscience as ds\nds.start()\nds.input('large')\nds.start()\nds.publish()")
    assert done.stderr == ""


def test_an_input_that_changed_since_is_said_to_have_when_published_afterwards(
    tmp_path: Path, script: Script, only_run: Only
) -> None:
    for name in ("same", "touched", "changed", "gone", "folder"):
        (tmp_path / name).write_text("before")
    script("import dotscience as ds\nds.add_inputs('same', 'touched', 'changed', 'gone', 'folder')")
    (tmp_path / "touched").write_text("before")
    (tmp_path / "changed").write_text("after.")
    (tmp_path / "gone").unlink()
    (tmp_path / "folder").unlink()
    (tmp_path / "folder").mkdir()
    record = publish(only_run(), tmp_path)
    found = {version.path: version.changed for version in record.inputs}
    assert found == {"same": None, "touched": None, "changed": "during", "gone": "gone", "folder": "gone"}


def test_a_run_that_went_elsewhere_is_published_there(tmp_path: Path, script: Script, only_run: Only) -> None:
    (tmp_path / ".dotscience").touch()
    script(SAY)
    folder = only_run()
    assert folder.path.startswith(os.environ["XDG_STATE_HOME"])
    (tmp_path / ".dotscience").unlink()
    Workspace(str(tmp_path)).prepare()  # by now the workspace can be written, but the run is where it is
    record = publish(folder, tmp_path)
    assert_complete(record)
    digest = record.outputs[0].digest
    assert digest is not None and Workspace(str(tmp_path)).blobs(digest).check(digest)
    assert (
        Workspace(str(tmp_path)).blobs(record.series["blob"]["sha256"]).has(record.series["blob"]["sha256"])
    )


def test_a_damaged_journal_is_published_as_far_as_it_goes(
    tmp_path: Path, script: Script, only_run: Only
) -> None:
    script(SAY)
    folder = only_run()
    lines = Path(folder.journal_path).read_bytes().splitlines(keepends=True)
    lines[2:2] = [b"garbage\n", b'["surroundings",{"git":[]}]\n', b'["metric","x"]\n']
    Path(folder.journal_path).write_bytes(b"".join(lines))
    points = bytearray(Path(folder.points_path).read_bytes())
    points[-1] ^= 1
    Path(folder.points_path).write_bytes(points)
    record = publish(folder, tmp_path)
    assert record.parameters == {"p": 0.1}
    for words in ("line 3", "'metric' was passed over", "damaged frame of points", "'surroundings' was"):
        assert any(words in notice for notice in record.notices), record.notices


def test_only_the_last_moments_are_lost_when_it_is_killed_at_any_moment(tmp_path: Path) -> None:
    source = """
import time, dotscience as ds
count = 0
while True:
    count += 1
    ds.metric("count", count)
    ds.log({"loss": float(count)}, step=count)
    print(count, time.monotonic(), flush=True)
    if count % 50 == 0:
        ds.input("script.py")
    time.sleep(0.002)
"""
    (tmp_path / "script.py").write_text(source)

    def kill_after(moment: float) -> tuple[int, float, str]:
        command = [sys.executable, "script.py"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(moment)
            process.kill()
            return process.pid, time.monotonic(), first + process.stdout.read()

    with ThreadPoolExecutor(4) as pool:  # more at once, and a small machine is busy with nothing but them
        ends = pool.map(kill_after, [random.uniform(0.0, 3.5) for _ in range(20)])
        said = {pid: (killed, out) for pid, killed, out in ends}
    for folder in Workspace(str(tmp_path)).run_folders():
        if not os.path.exists(folder.journal_path):  # killed before its first word
            continue
        state = folder.state()
        assert (state.status, state.problems) == ("killed", [])
        if not state.process:
            continue
        killed, out = said.pop(state.process["pid"])
        older = [
            int(line.split()[0]) for line in out.splitlines()[:-1] if float(line.split()[1]) < killed - 2.0
        ]
        kept = state.metrics.get("count", 0)
        record = publish(folder, tmp_path)
        assert record.status == "killed"
        names = record.series.get("names", {})
        assert not older or (kept >= older[-1] and names["loss"]["last"] >= older[-1])
        assert not names or names["loss"]["count"] == names["loss"]["last"]  # no point missing in between
    assert not said  # each has said something, so each has a run


def test_a_kill_in_the_middle_of_publishing_leaves_a_whole_record_or_a_journal(tmp_path: Path) -> None:
    source = """
import os, random, sys
import dotscience as ds
number = 0
while True:
    number += 1
    ds.start(f"run {number}")
    ds.log({"loss": random.random()})
    with open(ds.output(f"{os.getpid()}.bin"), "wb") as stream:
        stream.write(os.urandom(random.choice([10, 100_000, 2_000_000])))
    ds.publish()
    print(number, flush=True)
"""
    (tmp_path / "script.py").write_text(source)
    command = [sys.executable, "script.py"]
    for moment in [random.uniform(0.0, 0.3) for _ in range(10)]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moment)
            process.kill()
    workspace = Workspace(str(tmp_path))
    statuses = []
    for folder in workspace.run_folders():
        if not folder.is_published():
            if not os.path.exists(folder.journal_path):
                continue
            statuses.append(folder.state().status)
            publish_left_behind(workspace, folder, Settings(str(tmp_path)))
        record = folder.read_record()
        kept = [version.digest for version in record.outputs if version.kept]
        for digest in [*kept, *([record.series["blob"]["sha256"]] if record.series else [])]:
            assert workspace.blobs(digest).check(digest)
    assert set(statuses) <= {"killed"} and len(statuses) <= 10
