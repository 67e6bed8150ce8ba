"""Executing a command: what passes through, what is kept, and which records there are afterwards."""

import hashlib
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.catalog.find import folder_of
from dotscience.errors import DotscienceError
from dotscience.records.block import find_blocks
from dotscience.records.record import Record
from dotscience.runner.execution import Execution, execution_folders, find_execution
from dotscience.runner.running import execute, prepare
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

Run = Callable[..., Execution]

PUBLISHES = """
import dotscience as ds
ds.start("trained")
ds.metric("accuracy", 0.5)
open("model.bin", "w").write("weights")
ds.output("model.bin")
ds.publish()
"""

OLD_LIBRARY = """
import json, time
print("epoch 1")
open("model.bin", "w").write("weights")
now = time.strftime("%Y%m%dT%H%M%S.999999", time.gmtime(time.time() + 1))
block = {"version": "1", "input": [], "output": ["model.bin"], "labels": {}, "parameters": {"C": "1"},
         "summary": {"accuracy": "0.9"}, "start": now, "end": now, "workload-file": "script.py"}
print("[[DOTSCIENCE-RUN:1234]]" + json.dumps(block, indent=4) + "[[/DOTSCIENCE-RUN:1234]]")
"""


def records(workspace: Workspace) -> list[Record]:
    return [folder.read_record() for folder in workspace.run_folders()]


def test_output_passes_through_unchanged_and_is_kept(
    run: Run, workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    execution = run("sh", "-c", r"printf 'a\0b\r\n'; echo oops >&2")
    assert capfd.readouterr() == ("a\0b\r\n", "oops\n")
    folder = find_execution(execution.id, workspace)
    kept = Path(folder.stream_path("stdout")).read_bytes()
    assert kept == b"a\0b\r\n"
    assert execution.stdout == {"sha256": hashlib.sha256(kept).hexdigest(), "size": len(kept)}
    assert Path(folder.stream_path("stderr")).read_text() == "oops\n"


def test_a_command_that_publishes_nothing_gets_a_record(run: Run, workspace: Workspace) -> None:
    execution = run("sh", "-c", "exit 0")
    (record,) = records(workspace)
    assert record.status == "completed"
    assert record.process["execution"] == execution.id
    assert execution.runs == (record.id,)
    assert record.started == execution.started
    assert record.ended is not None and record.ended >= record.started
    assert record.mode == "script" and record.workload_file is None
    assert record.environment["argv"] == ["sh", "-c", "exit 0"]


def test_a_failing_command_passes_its_exit_code_on(run: Run, workspace: Workspace) -> None:
    assert run("sh", "-c", "exit 3").exit_code == 3
    (record,) = records(workspace)
    assert record.status == "failed"
    assert record.error == "the command ended with exit code 3"


def test_a_command_ended_by_a_signal_is_killed(run: Run, workspace: Workspace) -> None:
    execution = run("sh", "-c", "kill -9 $$")
    assert (execution.exit_code, execution.signal) == (137, "SIGKILL")
    (record,) = records(workspace)
    assert record.status == "killed"
    assert record.error == "the command was ended by SIGKILL"


def test_a_script_is_named_and_kept(run: Run, workspace: Workspace) -> None:
    run(code="print('hello')")
    (record,) = records(workspace)
    assert record.workload_file == "script.py"
    assert record.code["workload"]["sha256"] == hashlib.sha256(b"print('hello')").hexdigest()
    assert workspace.blobs().has(record.code["workload"]["sha256"])


def test_git_is_recorded_for_any_command(
    run: Run, workspace: Workspace, require: Callable[..., None]
) -> None:
    require("git")
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *arguments], check=True)
    run("true")
    (record,) = records(workspace)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert record.git["commit"] == commit.stdout.strip()


def test_what_the_command_publishes_is_its_record(run: Run, workspace: Workspace) -> None:
    execution = run(code=PUBLISHES)
    (record,) = records(workspace)
    assert execution.runs == (record.id,)
    assert record.description == "trained"
    assert record.process["execution"] == execution.id


def test_the_runs_of_other_jobs_are_not_looked_at(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(Workspace, "run_folders", lambda self: looks.append(self) or iter(()))
    execution = run(code=PUBLISHES + OLD_LIBRARY)
    assert len(execution.runs) == 2 and "1234" in execution.runs
    assert looks == []


def test_what_the_command_leaves_unpublished_is_published_for_it(run: Run, workspace: Workspace) -> None:
    execution = run(code=PUBLISHES.replace("ds.publish()", "raise RuntimeError('no more data')"))
    (record,) = records(workspace)
    assert execution.exit_code == 1
    assert execution.runs == (record.id,)
    assert record.status == "crashed"
    assert record.metrics == {"accuracy": 0.5}


def test_a_run_that_a_failing_command_leaves_unpublished_has_failed(run: Run, workspace: Workspace) -> None:
    assert run(code=PUBLISHES.replace("ds.publish()", "raise SystemExit(3)")).exit_code == 3
    (record,) = records(workspace)
    assert (record.status, record.error) == ("failed", "the command ended with exit code 3")


def test_a_run_left_open_beside_a_published_one_stays_as_it_is(run: Run, workspace: Workspace) -> None:
    execution = run(code=PUBLISHES + "\nds.start('given up')\nds.metric('a', 1)\n")
    published, left = sorted(workspace.run_folders(), key=lambda folder: not folder.is_published())
    assert left.state().status == "unpublished"
    assert set(execution.runs) == {published.id, left.id}


def test_blocks_of_a_library_that_only_prints_become_records(run: Run, workspace: Workspace) -> None:
    execution = run(code=OLD_LIBRARY)
    (record,) = records(workspace)
    assert (record.id, execution.runs) == ("1234", ("1234",))
    assert record.metrics == {"accuracy": "0.9"}
    assert record.process["execution"] == execution.id
    (output,) = record.outputs
    assert output.digest == hashlib.sha256(b"weights").hexdigest()
    assert output.kept


def test_what_is_kept_of_a_printed_block_has_one_limit_for_all_its_files(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTSCIENCE_KEEP_RUN_LIMIT", "10B")
    code = OLD_LIBRARY.replace('["model.bin"]', '["model.bin", "plot.bin"]')
    Path("script.py").write_text(code.replace("now =", 'open("plot.bin", "w").write("picture"); now ='))
    run(sys.executable, "script.py")
    (record,) = records(workspace)
    assert sorted(file.kept for file in record.outputs) == [False, True]


def test_an_output_that_changed_after_its_block_is_not_taken_for_the_runs(
    run: Run, workspace: Workspace
) -> None:
    run(code=OLD_LIBRARY.replace("time.time() + 1", "time.time() - 60"))
    (record,) = records(workspace)
    (output,) = record.outputs
    assert (output.digest, output.unseen) == (None, "replaced")


def test_the_command_sees_what_it_needs_to_know(run: Run, workspace: Workspace) -> None:
    names = ["WORKLOAD_TYPE", "EXECUTION", "PROJECT_DOT_ROOT"]
    execution = run("sh", "-c", "env > seen")
    seen = dict(line.split("=", 1) for line in Path("seen").read_text().splitlines() if "=" in line)
    assert [seen[f"DOTSCIENCE_{name}"] for name in names] == ["command", execution.id, workspace.root]
    assert seen["PYTHONUNBUFFERED"] == "1"


def test_output_comes_while_the_command_is_at_work(workspace: Workspace) -> None:
    code = "import time; print('ready'); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        runner.terminate()
    assert runner.returncode == 143


def test_a_reader_that_goes_away_ends_the_command_as_it_would_without_us(workspace: Workspace) -> None:
    shell = f"{sys.executable} -m dotscience run -- yes | head -n 1"
    done = subprocess.run(["sh", "-c", shell], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "y\n"
    while not (found := [folder for folder in workspace.run_folders() if folder.is_published()]):
        time.sleep(0.05)
    assert found[0].read_record().error == "the command was ended by SIGPIPE"


def test_a_slow_reader_of_an_output_that_does_not_block_gets_it_all(workspace: Workspace) -> None:
    much = 1 << 20  # more than a pipe holds
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    code = f"print('x' * {much}); import pathlib; pathlib.Path('done').touch()"
    runner = subprocess.Popen(
        [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "-c", code], stdout=writing
    )
    os.close(writing)
    with open(reading, "rb") as stream:
        assert stream.read() == b"x" * much + b"\n"
    assert runner.wait() == 0 and os.path.exists("done")


def test_a_process_that_stays_behind_does_not_hold_the_runner_up(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    execution = run("sh", "-c", 'while [ ! -e go ] && [ -d "$PWD" ]; do sleep 0.1; done & echo done')
    Path("go").touch()
    assert execution.exit_code == 0
    assert "left behind" in capfd.readouterr().err


def test_what_it_cost_is_measured(workspace: Workspace) -> None:
    # In a runner of its own: below the runner's own peak the kernel does not tell the command's.
    code = "x = bytearray(300_000_000); y = sum(range(10**6))"
    runner = [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "-c", code]
    subprocess.run(runner, check=True)
    (folder,) = Path(workspace.home, "executions").iterdir()
    execution, _ = find_execution(folder.name, workspace).read()
    assert execution.wall is not None and execution.wall > 0
    assert execution.cpu_user is not None and execution.cpu_user > 0
    assert execution.peak_memory is not None and execution.peak_memory > 300_000_000


def test_memory_below_the_runners_own_is_not_claimed(run: Run) -> None:
    assert run("true").peak_memory is None


def test_secrets_in_the_command_are_not_written_down(run: Run, workspace: Workspace) -> None:
    execution = run("sh", "-c", "exit 0", "--api-key", "hunter2")
    assert execution.command[-1] == "[redacted]"
    for file in Path(workspace.home).rglob("*.json"):
        assert "hunter2" not in file.read_text()


def test_nothing_is_left_of_a_command_that_is_not_there(run: Run, workspace: Workspace) -> None:
    with pytest.raises(FileNotFoundError):
        run("no-such-command-anywhere")
    assert list(workspace.run_folders()) == []


def test_two_blocks_of_one_run_are_one_record(run: Run, workspace: Workspace) -> None:
    run(code=PUBLISHES.replace("ds.publish()", "print(ds.publish().block)"))
    assert len(records(workspace)) == 1


def test_our_own_blocks_still_reach_standard_output(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    execution = run(code=PUBLISHES)
    ((printed, _),) = find_blocks(capfd.readouterr().out)
    assert execution.runs == (printed,)


def test_a_killed_runner_leaves_the_truth(workspace: Workspace) -> None:
    command = [sys.executable, "-c", "import time; print('ready'); time.sleep(600)"]
    with subprocess.Popen(
        [sys.executable, "-m", "dotscience", "run", "--", *command],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        (folder,) = workspace.run_folders()
        assert folder.state().status == "running"
        os.killpg(runner.pid, 9)
    place = find_execution(str(folder.state().process["execution"]), workspace)
    while place.read()[1] == "running":  # the command is killed too, but nobody here can wait for it
        time.sleep(0.01)
    execution, state = place.read()
    assert (state, folder.state().status) == ("killed", "killed")
    assert execution.command == tuple(command)
    assert Path(find_execution(execution.id, workspace).stream_path("stdout")).read_text() == "ready\n"


def test_a_command_that_outlives_its_runner_is_still_running(workspace: Workspace) -> None:
    code = "import os, sys, time\nprint(os.getpid())\nwhile not os.path.exists('go'):\n    time.sleep(0.05)"
    with subprocess.Popen(
        [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "-c", code],
        stdout=subprocess.PIPE,
    ) as runner:
        assert runner.stdout is not None
        command = int(runner.stdout.readline())
        (folder,) = workspace.run_folders()
        while not folder.state().command:  # which the journal holds within a second
            time.sleep(0.05)
        runner.kill()
        runner.wait()
    state = folder.state()
    execution = find_execution(str(state.process["execution"]), workspace)
    assert (state.status, state.process["pid"]) == ("running", command)
    assert execution.read()[1] == "running"
    Path("go").touch()
    while folder.state().status == "running":
        time.sleep(0.05)
    assert (folder.state().status, execution.read()[1]) == ("killed", "killed")


def test_the_interrupt_key_is_for_the_command(workspace: Workspace) -> None:
    code = (
        "import time\ntry:\n    print('ready')\n    time.sleep(600)\n"
        "except KeyboardInterrupt:\n    print('saved')\n    raise SystemExit(7)"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        runner.send_signal(2)
        assert runner.stdout.read() == "saved\n"
    assert runner.returncode == 7
    (record,) = records(workspace)
    assert record.error == "the command ended with exit code 7"


def test_the_interrupt_key_of_a_terminal_reaches_the_command_once(workspace: Workspace) -> None:
    Path("count.py").write_text(
        "import signal, time\ntimes = []\nsignal.signal(signal.SIGINT, lambda *_: times.append(1))\nprint('ready')\n"
        "while not times:\n    time.sleep(0.05)\ntime.sleep(0.5)\nopen('times', 'w').write(str(len(times)))\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.execv(
            sys.executable, [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "count.py"]
        )
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert Path("times").read_text() == "1"


def test_a_detached_command_goes_on_by_itself(workspace: Workspace) -> None:
    Path("work.sh").write_text("while [ ! -e go ]; do sleep 0.05; done; echo finished; exit 5\n")
    started = subprocess.run(
        [sys.executable, "-m", "dotscience", "run", "-d", "--", "sh", "work.sh"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    folder = find_execution(started.stdout.strip(), workspace)
    while not os.path.exists(folder.start_path):
        time.sleep(0.05)
    assert folder.read()[1] == "running"
    Path("go").touch()
    while (read := folder.read())[1] == "running":
        time.sleep(0.05)
    execution, state = read
    assert (state, execution.exit_code) == ("ended", 5)
    assert Path(folder.stream_path("stdout")).read_text() == "finished\n"
    (run,) = execution.runs
    assert folder_of(run, workspace).read_record().workload_file == "work.sh"
    while os.path.exists(os.path.join(folder.path, "runner.log")):
        time.sleep(0.05)


def test_a_workspace_that_takes_no_output_does_not_stop_the_command(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = prepare("7", workspace)
    Path(folder.stream_path("stdout")).mkdir()
    execution = execute(["echo", "hello"], folder, workspace)
    assert (execution.exit_code, execution.stdout) == (0, None)
    out, err = capfd.readouterr()
    assert out == "hello\n"
    assert "cannot keep what the command prints" in err


def test_a_command_that_takes_the_workspace_away_still_passes_its_exit_code_on(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    execution = run("sh", "-c", "mv .dotscience gone; exit 3")
    assert execution.exit_code == 3
    assert Path("gone", "executions", execution.id, "started.json").exists()


def test_the_run_of_a_command_goes_away_once_the_command_opens_one(workspace: Workspace) -> None:
    Path("script.py").write_text(
        "import dotscience as ds, os, time\nds.start('its own')\n"
        "while not os.path.exists('go'):\n    time.sleep(0.05)\nds.publish()"
    )
    command = [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "script.py"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as runner:
        while not any(_description(folder) == "its own" for folder in workspace.run_folders()):
            time.sleep(0.05)
        while len(list(workspace.run_folders())) > 1:
            time.sleep(0.05)
        Path("go").touch()
    assert runner.returncode == 0
    assert [record.description for record in records(workspace)] == ["its own"]


def _description(folder: RunFolder) -> str | None:
    try:
        return folder.state().description
    except DotscienceError:  # just beginning, or gone a moment ago
        return None


def test_the_document_is_written_whole(run: Run, workspace: Workspace) -> None:
    execution = run("true")
    folder = find_execution(execution.id, workspace)
    assert not os.path.exists(folder.start_path)
    written = json.loads(Path(folder.document_path).read_bytes())
    assert written["execution"] == 1
    assert Execution.from_json(written) == execution


@pytest.mark.parametrize("how", [[], ["-d"]])
@pytest.mark.parametrize(
    ("name", "content", "mode", "code", "said"),
    [
        ("./nowhere", None, 0o755, 127, "no such command"),
        ("./data.csv", "a,b\n", 0o644, 126, "cannot be executed (Permission denied)"),
        ("./plain.sh", "echo hi\n", 0o755, 126, "say which, as in `ds run -- sh ./plain.sh`"),
        ("./old.sh", "#!/no/such/shell\n", 0o755, 126, "there is no such program as its first line names"),
    ],
)
def test_what_cannot_be_executed_is_refused_and_leaves_nothing(
    *, how: list[str], name: str, content: str | None, mode: int, code: int, said: str, workspace: Workspace
) -> None:
    if content is not None:
        Path(name).write_text(content)
        Path(name).chmod(mode)
    done = subprocess.run(
        [sys.executable, "-m", "dotscience", "run", *how, "--", name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"ds: {name}: ") and said in done.stderr
    assert list(workspace.run_folders()) == []
    assert list(execution_folders(workspace)) == []
