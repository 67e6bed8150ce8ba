"""What `ds run` printed and cost goes to the Hub that its runs went to, against a real Hub and with real processes."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dotscience.client.api import Place
from dotscience.client.outbox import Shipment
from dotscience.hub.services import accounts
from dotscience.records.times import utc
from dotscience.runner import logs
from dotscience.runner.execution import Execution, ExecutionFolder, execution_folders
from dotscience.runner.logs import Unsent, send_at_end, send_logs, unsent
from dotscience.storage.processes import this_process
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

from ..hub_server import RunningHub

TRAIN = """\
import sys
import dotscience as ds
ds.connect(project="flowers")
ds.start("training")
ds.metric("accuracy", 0.9)
print("out: trained")
print("err: a warning", file=sys.stderr)
ds.publish()
"""

HIDDEN = "import os\nos.environ.pop('DOTSCIENCE_HANDOVER', None)\n"
"""What keeps a script from handing its key to `ds run`."""

Ds = Callable[..., Result]
DsJson = Callable[..., Any]
DsRun = Callable[..., subprocess.CompletedProcess[str]]


def environment(hub: RunningHub, **more: str) -> dict[str, str]:
    """Where ada's runs go, as the environment says it."""
    said = {"USERNAME": "ada", "APIKEY": str(hub.admin.key), "URL": hub.url}
    return {**os.environ, **{f"DOTSCIENCE_{name}": value for name, value in said.items()}, **more}


@pytest.fixture
def ds_run(hub: RunningHub) -> DsRun:
    """`ds_run(code)` executes a script under a real `ds run`."""

    def execute(
        code: str, *before: str, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        Path("script.py").write_text(code)
        return subprocess.run(
            [sys.executable, "-m", "dotscience", "run", *before, "--", sys.executable, "script.py"],
            env=environment(hub) if environ is None else environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return execute


@pytest.fixture
def run_with_key(ds_run: DsRun, hub: RunningHub) -> DsRun:
    """`ds_run` of scripts that hold the key themselves, and do not hand it over."""
    without = environment(hub)
    del without["DOTSCIENCE_APIKEY"]
    return lambda code, hidden=HIDDEN: ds_run(
        hidden + code.replace("connect(", f'connect("ada", "{hub.admin.key}", '), environ=without
    )


def only(workspace: Workspace) -> ExecutionFolder:
    (folder,) = execution_folders(workspace)
    return folder


def states(workspace: Workspace) -> list[str]:
    """What the folder of the only execution says of each project."""
    path = Path(only(workspace).path, "hub.json")
    return (
        [each["state"] for each in json.loads(path.read_text())["projects"].values()] if path.exists() else []
    )


def pages(hub: RunningHub) -> dict[str, str]:
    """The pages of the runs of ada's project `flowers`, by run."""
    found = hub.admin.get("/api/projects", params={"name": "flowers"}).json()["projects"]
    listed = [
        run for each in found for run in hub.admin.get(f"/api/projects/{each['id']}/runs").json()["runs"]
    ]
    return {run["id"]: hub.admin.get(run["url"]).text for run in listed}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def test_the_log_is_on_the_page_when_ds_run_has_ended(
    ds_run: DsRun, hub: RunningHub, workspace: Workspace
) -> None:
    done = ds_run(TRAIN + "raise SystemExit(3)\n")
    assert done.returncode == 3
    assert "out: trained" in done.stdout and "err: a warning" in done.stderr
    assert "not on the Hub" not in done.stderr
    (page,) = pages(hub).values()
    assert "out: trained" in page and "err: a warning" in page
    assert "<dt>exit code</dt><dd>3</dd>" in page and "<dt>wall</dt>" in page
    assert states(workspace) == ["sent"]
    assert list(unsent(workspace)) == []


def test_each_run_of_the_execution_has_the_log(ds_run: DsRun, hub: RunningHub, workspace: Workspace) -> None:
    ds_run(TRAIN + "ds.start('again')\nds.publish()\n")
    shown = pages(hub)
    assert len(shown) == 2 and all("out: trained" in page for page in shown.values())
    assert states(workspace) == ["sent"]


def test_it_goes_to_every_project_that_has_a_run(
    ds_run: DsRun, hub: RunningHub, workspace: Workspace
) -> None:
    ds_run(TRAIN + "ds.connect(project='cars')\nds.start('elsewhere')\nds.publish()\n")
    assert states(workspace) == ["sent", "sent"]
    (execution,) = [only(workspace).id]
    for project in hub.admin.get("/api/projects").json()["projects"]:
        answer = hub.admin.get(f"/api/projects/{project['id']}/executions/{execution}")
        assert answer.status_code == 200, project


def test_without_a_hub_nothing_is_noted_and_no_client_is_loaded(ds_run: DsRun, workspace: Workspace) -> None:
    code = "import dotscience as ds\nds.start()\nds.publish()\n"
    check = (
        "import sys, uuid\nfrom dotscience.runner.running import execute, prepare\n"
        "from dotscience.storage.workspace import Workspace\n"
        "workspace = Workspace.find()\n"
        f"execute([sys.executable, '-c', {code!r}], prepare(str(uuid.uuid4()), workspace), workspace)\n"
        "assert not [name for name in sys.modules if name.startswith(('dotscience.client', 'requests'))]\n"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=120, env=os.environ)
    assert states(workspace) == []


def test_a_detached_command_sends_its_log_too(ds_run: DsRun, hub: RunningHub, workspace: Workspace) -> None:
    from ..client.test_publishing import eventually

    ds_run(TRAIN, "-d")
    eventually(lambda: states(workspace) == ["sent"], 60)
    (page,) = pages(hub).values()
    assert "out: trained" in page


def test_a_dead_hub_leaves_it_for_the_next_sync(
    ds_run: DsRun, hub: RunningHub, workspace: Workspace, nowhere: str, ds: Ds
) -> None:
    away = environment(hub, DOTSCIENCE_URL=nowhere)
    done = ds_run(TRAIN, environ=away)
    assert done.returncode == 0 and states(workspace) == []
    assert list(unsent(workspace)) == []  # no run of it is there, so it is not its turn
    for run in workspace.run_folders():
        path = Path(run.path, "hub.json")
        path.write_text(path.read_text().replace(nowhere, hub.url))
    result = ds("sync", "--apikey", str(hub.admin.key))
    assert result.exit_code == 0, result.output
    assert result.stdout.count("  sent") == 2 and "log of `ds run`" in result.stdout
    (page,) = pages(hub).values()
    assert "out: trained" in page


def test_a_hub_that_dies_between_run_and_log_holds_nothing_up(
    ds_run: DsRun, hub: RunningHub, workspace: Workspace, nowhere: str
) -> None:
    """The script makes the runner believe that its run went to a Hub that is away by now."""
    code = TRAIN + (
        "import glob, json\n(path,) = glob.glob('.dotscience/runs/*/hub.json')\nsaid = json.load(open(path))\n"
        f"open(path, 'w').write(json.dumps({{**said, 'url': {nowhere!r}}}))\n"
    )
    done = ds_run(code)
    assert done.returncode == 0
    assert "API key" in done.stderr  # the key is for another address, and is not sent there
    assert states(workspace) == []
    assert [each.execution.id for each in unsent(workspace)] == [only(workspace).id]


def test_a_silent_hub_is_left_after_the_time_given(
    ds_run: DsRun, hub: RunningHub, workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    ds_run(TRAIN)
    Path(only(workspace).path, "hub.json").unlink()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for run in workspace.run_folders():
            path = Path(run.path, "hub.json")
            path.write_text(path.read_text().replace(hub.url, address))
        send_at_end(only(workspace), workspace, environment(hub, DOTSCIENCE_URL=address), seconds=0.2)
        assert "`ds sync` sends it" in capfd.readouterr().err
        assert states(workspace) == []


def test_what_a_killed_runner_has_left_is_sent_by_sync(hub: RunningHub, workspace: Workspace, ds: Ds) -> None:
    code = TRAIN + "import time\nprint('ready', flush=True)\ntime.sleep(600)\n"
    Path("script.py").write_text(code)
    with subprocess.Popen(
        [sys.executable, "-m", "dotscience", "run", "--", sys.executable, "script.py"],
        env=environment(hub),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as runner:
        assert runner.stdout is not None
        while runner.stdout.readline() != "ready\n":
            assert runner.poll() is None
        os.killpg(runner.pid, 9)
    assert "out: trained" in Path(only(workspace).stream_path("stdout")).read_text()
    (page,) = pages(hub).values()
    assert "is sent when it has ended" in page
    result = ds("sync", "--apikey", str(hub.admin.key))
    assert result.exit_code == 0 and "sent  log of `ds run`" in result.stdout
    (page,) = pages(hub).values()
    assert "out: trained" in page and "unknown: `ds run` was killed" in page
    execution, state = only(workspace).read()
    assert (state, execution.ended, execution.exit_code) == ("killed", None, None)
    assert {folder.id for folder in workspace.run_folders()} == set(execution.runs)
    assert list(unsent(workspace)) == []


def test_runs_are_read_once_however_many_runners_were_killed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(workspace.prepare())
    for name in ("one", "two", "three"):
        (place / "executions" / name).mkdir(parents=True)
        folder = ExecutionFolder(str(place / "executions" / name))
        gone = {**this_process(), "pid": 2**22 + 1}
        folder.write_start(Execution(name, ("sleep",), "/", utc(0.0), process=gone))
        assert folder.read()[1] == "killed"
    looks = []

    def look(run: RunFolder) -> dict[str, str]:
        looks.append(run.id)
        return {"execution": "another"}

    monkeypatch.setattr(logs, "process_of", look)
    (place / "runs" / "a-run").mkdir(parents=True)
    assert list(unsent(workspace)) == []
    assert looks == ["a-run"]


def test_a_wrong_setting_of_one_workspace_holds_up_no_other(tmp_path: Path) -> None:
    waiting = []
    for name, seconds in (("wrong", 0), ("right", 1)):
        place = Workspace(str(tmp_path / name)).prepare()
        Path(place, "config.json").write_text(json.dumps({"timeout": seconds}))
        folder = ExecutionFolder(os.path.join(place, "executions", name))
        execution = Execution(name, ("true",), "/", utc(0.0))
        shipment = Shipment("http://127.0.0.1:9", "flowers", "1", "ada", None)
        waiting.append(
            Unsent(Workspace(str(tmp_path / name)), folder, execution, shipment, Place("1", "flowers"))
        )
    wrong, right = send_logs(waiting, apikey="key")
    assert (wrong.outcome, right.outcome) == ("waiting", "waiting")
    assert "above zero" in str(wrong.reason) and "refused" in str(right.reason)


def refused(ds_json: DsJson, hub: RunningHub, workspace: Workspace) -> str:
    """Why `ds sync` cannot send the only log."""
    (outcome,) = ds_json("sync", "--apikey", str(hub.admin.key), code=1)
    assert (outcome["execution"], outcome["outcome"]) == (only(workspace).id, "refused")
    assert states(workspace) == ["refused"]
    return str(outcome["reason"])


def test_a_key_of_the_script_is_handed_to_ds_run_and_to_nobody_else(
    run_with_key: DsRun,
    hub: RunningHub,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    done = run_with_key(TRAIN, hidden="")
    assert "not on the Hub" not in done.stderr and states(workspace) == ["sent"]
    (page,) = pages(hub).values()
    assert "out: trained" in page
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    told = [data for data in written if str(hub.admin.key).encode() in data]
    assert told and all(b"ds.connect(" in data for data in told)  # the script itself, and what was kept of it
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_next_ds_run_sends_what_the_last_could_not(
    ds_run: DsRun, run_with_key: DsRun, hub: RunningHub, workspace: Workspace
) -> None:
    run_with_key(TRAIN)
    left = only(workspace)
    ds_run(TRAIN)
    assert list(unsent(workspace)) == []
    assert json.loads(Path(left.path, "hub.json").read_text())["projects"]


def test_a_key_that_was_not_handed_over_is_not_known_to_ds_run(
    run_with_key: DsRun, hub: RunningHub, workspace: Workspace, ds_json: DsJson
) -> None:
    assert "There is no API key" in run_with_key(TRAIN).stderr
    assert states(workspace) == []
    (outcome,) = ds_json("sync", "--apikey", str(hub.admin.key))
    assert (outcome["execution"], outcome["outcome"]) == (only(workspace).id, "sent")


def test_a_log_that_was_removed_is_refused_and_named(
    run_with_key: DsRun, hub: RunningHub, workspace: Workspace, ds_json: DsJson
) -> None:
    run_with_key(TRAIN)
    Path(only(workspace).stream_path("stdout")).unlink()
    assert "stdout.log is no longer in" in refused(ds_json, hub, workspace)


def test_a_log_that_was_altered_is_refused(
    run_with_key: DsRun, hub: RunningHub, workspace: Workspace, ds_json: DsJson
) -> None:
    run_with_key(TRAIN)
    Path(only(workspace).stream_path("stdout")).write_text("something else\n")
    assert only(workspace).read()[0].stdout is not None
    assert "digest" in refused(ds_json, hub, workspace) or "sha256" in refused(ds_json, hub, workspace)


def test_the_log_of_a_run_that_was_deleted_there_is_not_sent_again_and_again(
    run_with_key: DsRun, hub: RunningHub, workspace: Workspace
) -> None:
    run_with_key(TRAIN)
    (found,) = unsent(workspace)
    for run in pages(hub):
        assert hub.admin.delete(f"/api/projects/{found.place.id}/runs/{run}").status_code == 204
    (outcome,) = send_logs([found], apikey=hub.admin.key)
    assert outcome.outcome == "needless"
    assert list(unsent(workspace)) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"projects": []}', '{"projects": {"a": 1}}', "\xff"])
def test_a_damaged_note_of_what_was_sent_costs_one_more_sending(
    ds_run: DsRun, hub: RunningHub, workspace: Workspace, text: str
) -> None:
    ds_run(TRAIN)
    Path(only(workspace).path, "hub.json").write_text(text, encoding="latin-1")
    assert [each.outcome for each in send_logs(unsent(workspace), apikey=hub.admin.key)] == ["sent"]
    assert states(workspace) == ["sent"]


def test_a_key_that_the_script_was_given_on_its_command_line_is_not_in_the_command(
    hub: RunningHub, tmp_path: Path
) -> None:
    secret = "correct horse battery staple"
    accounts.add_key(hub.hub, accounts.user_named(hub.hub, "ada"), "of her own", secret=secret)
    Path("script.py").write_text(
        "import sys, dotscience as ds\nds.connect('ada', sys.argv[2], 'flowers', sys.argv[1])\nds.publish()\n"
    )
    call = [sys.executable, "script.py", hub.url, secret]
    subprocess.run([sys.executable, "-m", "dotscience", "run", "--", *call], check=True, timeout=120)
    (folder,) = execution_folders(Workspace(str(tmp_path)))
    assert folder.read()[0].command[-2:] == (hub.url, "[redacted]")
    assert b"horse" not in Path(folder.document_path).read_bytes()
