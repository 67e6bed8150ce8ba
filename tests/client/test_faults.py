"""Networks that cut, delay, repeat and reorder, and processes that are killed: every run arrives once, whole."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.catalog.annotate import tag
from dotscience.catalog.parts import parts_of
from dotscience.client import content
from dotscience.client.access import Access
from dotscience.client.sync import address, sync, waiting
from dotscience.recorder.recorder import Recorder
from dotscience.storage.workspace import Workspace

from ..hub_server import RunningHub
from .proxy import Fault, Proxy

Connecting = Callable[[], Recorder]


def project_of(hub: RunningHub) -> str:
    (found,) = hub.admin.get("/api/projects", params={"name": "flowers"}).json()["projects"]
    return str(found["id"])


def assert_all_arrived(hub: RunningHub, workspace: Workspace) -> None:
    """Every run of the workspace is on the Hub, once, with the same record and all its content."""
    project = f"/api/projects/{project_of(hub)}"
    listed = [run["id"] for run in hub.admin.get(f"{project}/runs").json()["runs"]]
    folders = list(workspace.run_folders())
    assert sorted(listed) == sorted(folder.id for folder in folders)
    for folder in folders:
        sealed = hub.admin.get(f"{project}/runs/{folder.id}/record").content
        assert sealed == Path(folder.record_path).read_bytes()
        for part in parts_of(folder.read_record()):
            with workspace.blobs(part.digest).open(part.digest) as stream:
                assert hub.admin.get(f"{project}/blobs/{part.digest}").content == stream.read()


def bad_network(chance: random.Random) -> Callable[[str, str], Fault]:
    """Every third request, or so, meets a fault."""

    def fault(method: str, path: str) -> Fault:
        if chance.random() > 0.35:
            return Fault()
        return chance.choice(
            [
                Fault(cut_at=0),
                Fault(cut_at=chance.randrange(1 << 20)),
                Fault(cut_answer=True),
                Fault(twice=True),
                Fault(late=True),
                Fault(delay=0.05),
            ]
        )

    return fault


def make_runs(recorder: Recorder, chance: random.Random) -> None:
    """Some runs, with small files and large ones, of which some are the same."""
    for number in range(6):
        recorder.start(f"run {number}")
        recorder.log({"loss": chance.random()}, step=number)
        for name, size in ((f"small-{number}.bin", 1000), ("large.bin", 700_000 + 1000 * (number % 3))):
            Path(name).write_bytes(random.Random(size).randbytes(size))
            recorder.output(name)
        recorder.publish()


@pytest.fixture
def _resumed_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this size count as large."""
    monkeypatch.setattr(content, "_RESUMED", 1 << 18)


@pytest.mark.usefixtures("_resumed_early")
@pytest.mark.parametrize("seed", range(6))
def test_over_a_bad_network_every_run_arrives_once_and_whole(
    seed: int,
    new_recorder: Connecting,
    hub: RunningHub,
    proxy: Proxy,
    workspace: Workspace,
) -> None:
    chance = random.Random(seed)
    proxy.fault = bad_network(chance)
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    make_runs(recorder, chance)
    for folder in workspace.run_folders():
        tag(workspace, folder, ["checked"])
    for _ in range(100):
        left = list(waiting([workspace]))
        if not left:
            break
        assert {each.outcome for each in sync(left, apikey=hub.admin.key)} <= {"sent", "waiting"}
    proxy.deliver_late()
    assert_all_arrived(hub, workspace)
    runs = hub.admin.get(f"/api/projects/{project_of(hub)}/runs").json()["runs"]
    assert [run["tags"] for run in runs] == 6 * [["checked"]]


def test_two_who_send_the_same_runs_at_once_give_one_of_each(
    new_recorder: Connecting, hub: RunningHub, proxy: Proxy, workspace: Workspace
) -> None:
    make_runs(new_recorder(), random.Random(0))  # which sends nothing itself
    for folder in workspace.run_folders():
        address(folder, Access(proxy.url, "ada", str(hub.admin.key)), "flowers")
    both_know_what_waits = threading.Barrier(2)
    asked: list[str] = []

    def fault(method: str, path: str) -> Fault:
        asked.append(path)
        if asked.count("/api/projects") <= 2 and path == "/api/projects":  # asked before anything is sent
            both_know_what_waits.wait(60)
        return Fault()

    proxy.fault = fault
    environ = {**os.environ, "DOTSCIENCE_URL": proxy.url, "DOTSCIENCE_APIKEY": str(hub.admin.key)}
    environ["DOTSCIENCE_TIMEOUT"] = "60"
    command = [sys.executable, "-m", "dotscience", "sync"]
    both = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process, said in [(process, process.communicate(timeout=120)[0]) for process in both]:
        assert process.returncode == 0 and said.count("sent") == said.count("\n") > 0
    assert_all_arrived(hub, workspace)


KILLED = """
import os, signal, sys, time
import dotscience as ds
ds.connect("ada", sys.argv[2], "flowers", sys.argv[1])
ds.start("killed")
ds.metric("accuracy", 0.5)
ds.log({"loss": 0.25})
while os.path.getsize(ds._default._recording._writer.folder.journal_path) < 300:
    time.sleep(0.01)
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_job_had_recorded_reaches_the_hub(hub: RunningHub, workspace: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, hub.url, str(hub.admin.key)], check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    (outcome,) = sync(list(waiting([workspace])), apikey=hub.admin.key)
    assert outcome.outcome == "sent"
    assert list(waiting([workspace])) == []
    found = hub.admin.get(f"/api/projects/{project_of(hub)}/runs/{outcome.run}").json()
    assert found["metrics"] == {"accuracy": 0.5, "loss": 0.25} and found["is_published"] is False
    assert found["status"] == "killed"


FORKS = """
import os, sys
import dotscience as ds
ds.connect("ada", sys.argv[2], "flowers", sys.argv[1])
if "open" in sys.argv:
    ds.start("parent")
    ds.metric("a", 1)
pid = os.fork()
if pid == 0:
    for _ in range(20):
        ds.metric("b", 2)
        assert ds.publish("child").url
    sys.exit(0)
for _ in range(20):
    assert ds.publish("parent").url
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize("word", ["open", ""])
def test_a_forked_child_publishes_over_connections_of_its_own(
    word: str, hub: RunningHub, workspace: Workspace
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKS, hub.url, str(hub.admin.key), word]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert_all_arrived(hub, workspace)


LEAVES = """
import sys
import dotscience as ds
ds.connect("ada", sys.argv[2], "flowers", sys.argv[1])
ds.metric("a", 1)
if "fail" in sys.argv:
    raise ValueError("no rows")
"""


@pytest.mark.parametrize(("word", "status"), [("", "unpublished"), ("fail", "crashed")])
def test_the_end_of_a_script_is_on_the_hub_when_it_is_over(
    word: str, status: str, hub: RunningHub, workspace: Workspace
) -> None:
    patient = "import dotscience.client.connection as connection\nconnection.AT_EXIT = 60\n"
    Path("left.py").write_text(patient + LEAVES)  # what there is time for depends on the machine
    command = [sys.executable, "left.py", hub.url, str(hub.admin.key), word]
    subprocess.run(command, capture_output=True, check=False, timeout=60)
    (run,) = hub.admin.get(f"/api/projects/{project_of(hub)}/runs").json()["runs"]
    assert (run["status"], run["mode"], run["workload_file"]) == (status, "remote", "left.py")
    assert list(waiting([workspace])) == []


def test_a_script_ends_although_its_hub_is_silent(
    answering: Callable[[bytes], str], workspace: Workspace
) -> None:
    Path("left.py").write_text(
        "import dotscience.client.connection as connection\nconnection._PATIENCE = 0.2\n" + LEAVES
    )
    command = [sys.executable, "left.py", answering(b""), "key", ""]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stderr.count("Your program goes on") == 1
    assert len(list(waiting([workspace]))) == 1
