"""From `connect()` to the page of a run, against a real Hub."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dotscience.client import connection, content, courier
from dotscience.client.outbox import Shipment, read_shipment, write_shipment
from dotscience.client.sync import sync, waiting
from dotscience.errors import (
    AccessError,
    ArgumentError,
    HubNeededError,
    ModeError,
    StateError,
)
from dotscience.hub.services import accounts
from dotscience.hub.settings import HubSettings, Limits
from dotscience.recorder.recorder import Recorder
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

from ..hub_server import RunningHub, new_hub, serving
from .proxy import Fault, Proxy

Connecting = Callable[[], Recorder]
OnlyRun = Callable[[], RunFolder]


def runs_of(hub: RunningHub, project: str = "flowers") -> list[dict[str, Any]]:
    """What the Hub lists of ada's project of that name."""
    (found,) = hub.admin.get("/api/projects", params={"name": project}).json()["projects"]
    listed = hub.admin.get(f"/api/projects/{found['id']}/runs").json()["runs"]
    assert isinstance(listed, list)
    return listed


def eventually(holds: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait for what happens in the background; a limit far beyond what it takes."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


# Connecting


def test_connecting_makes_the_project_and_chooses_remote_mode(connected: Recorder, hub: RunningHub) -> None:
    assert connected.mode == "remote"
    assert runs_of(hub) == []
    connected.connect("ada", hub.admin.key, "flowers", hub.url)
    assert len(hub.admin.get("/api/projects").json()["projects"]) == 1


def test_a_wrong_key_is_an_error_at_connect_and_changes_nothing(
    new_recorder: Connecting, hub: RunningHub
) -> None:
    recorder = new_recorder()
    with pytest.raises(AccessError, match="ds login"):
        recorder.connect("ada", "wrong", "flowers", hub.url)
    assert recorder.mode == "script"
    assert recorder.publish().url is None


def test_who_may_only_look_gets_an_error_at_connect(new_recorder: Connecting, hub: RunningHub) -> None:
    bob = hub.person("bob")
    hub.project(hub.admin, "flowers", viewer=bob)
    with pytest.raises(AccessError, match="make you an editor"):
        new_recorder().connect("bob", bob.key, "flowers", hub.url)


def test_an_editor_publishes_to_the_project_of_another(new_recorder: Connecting, hub: RunningHub) -> None:
    bob = hub.person("bob")
    hub.project(hub.admin, "flowers", editor=bob)
    recorder = new_recorder()
    recorder.connect("bob", bob.key, "flowers", hub.url)
    published = recorder.publish()
    assert [run["id"] for run in runs_of(hub)] == [published.id]


def test_a_key_for_one_project_is_enough(new_recorder: Connecting, hub: RunningHub) -> None:
    project = hub.project(hub.admin, "flowers")
    key = hub.with_key(hub.admin, project=project.id).key
    recorder = new_recorder()
    recorder.connect("ada", key, "flowers", hub.url)
    assert recorder.publish().url is not None
    with pytest.raises(AccessError):
        recorder.connect("ada", key, "cars", hub.url)


def test_an_empty_project_is_an_error(new_recorder: Connecting, hub: RunningHub) -> None:
    with pytest.raises(ArgumentError, match="no project"):
        new_recorder().connect("ada", hub.admin.key, "", hub.url)


def test_the_order_and_the_names_of_dotscience_0_8_7_are_taken(
    new_recorder: Connecting, hub: RunningHub
) -> None:
    recorder = new_recorder()
    recorder.connect(username="ada", apikey=hub.admin.key, project="flowers", hostname=hub.url)
    assert recorder.publish().url is not None


def test_connecting_is_possible_in_any_mode_but_remote_mode_only_at_first(
    new_recorder: Connecting, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("USERNAME", "ada"),
        ("APIKEY", hub.admin.key),
        ("PROJECT_NAME", "flowers"),
        ("URL", hub.url),
    ):
        monkeypatch.setenv(f"DOTSCIENCE_{name}", str(value))
    recorder = new_recorder()
    recorder.script("train.py")
    with pytest.raises(ModeError, match=r"ds\.connect\(\) instead"):
        recorder.remote()
    recorder.connect()
    with pytest.raises(ModeError, match=r"ds\.interactive\(\) before ds\.connect\(\)"):
        recorder.interactive()
    recorder.remote()
    other = new_recorder()
    other.remote()
    assert other.publish().url is not None


def test_a_signal_handler_may_publish_while_its_thread_sends(connected: Recorder) -> None:
    hub: Any = connected._hub
    with hub._courier._lock, hub._live._lock:  # held by this thread as the signal comes
        connected.start()
        hub._courier.submit(RunFolder("not there"))


def test_connecting_forgets_nothing_of_where_the_code_comes_from(
    new_recorder: Connecting, hub: RunningHub
) -> None:
    named, interactive = new_recorder(), new_recorder()
    named.script("train.py")
    interactive.interactive()
    for recorder in (named, interactive):
        recorder.connect("ada", hub.admin.key, "flowers", hub.url)
    records = [recorder.publish().record for recorder in (named, interactive)]
    assert [(record.mode, record.workload_file) for record in records] == [
        ("remote", "train.py"),
        ("remote", None),
    ]


def test_remote_mode_without_an_address_names_the_cure(new_recorder: Connecting) -> None:
    recorder = new_recorder()
    with pytest.raises(ArgumentError, match="ds login"):
        recorder.remote()
    assert recorder.mode == "script"


def test_a_recorder_without_a_way_to_a_hub_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="connecting="):
        Recorder(root=tmp_path).connect("ada", "key", "flowers", "http://localhost:8000")


# Publishing


def test_a_published_run_is_on_the_hub_whole(connected: Recorder, hub: RunningHub, only_run: OnlyRun) -> None:
    content = os.urandom(100_000)
    Path("model.bin").write_bytes(content)
    connected.output("model.bin")
    connected.parameter("trees", 100)
    for step in range(50):
        connected.log({"loss": 1 / (step + 1)}, step=step)
    published = connected.publish("trained")

    (listed,) = runs_of(hub)
    assert (listed["id"], listed["description"], listed["metrics"]["loss"]) == (published.id, "trained", 0.02)
    assert published.url == listed["url"]
    project = published.url.split("/")[-3]
    sealed = hub.admin.get(f"/api/projects/{project}/runs/{published.id}/record").content
    assert sealed == Path(only_run().record_path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert hub.admin.get(f"/api/projects/{project}/blobs/{digest}").content == content
    points = hub.admin.get(f"/api/projects/{project}/blobs/{published.record.series['blob']['sha256']}")
    assert points.status_code == 200


def test_the_summary_and_the_card_show_the_page(connected: Recorder) -> None:
    published = connected.publish()
    assert published.url is not None
    assert f"page        {published.url}" in str(published)
    assert f"href='{published.url}'" in published._repr_html_()


@pytest.mark.parametrize(("word", "has_block"), [("", False), ("command", True)])
def test_a_script_prints_the_page_and_the_block_only_where_it_is_collected(
    word: str, has_block: bool, hub: RunningHub
) -> None:
    Path("train.py").write_text(
        "import sys, dotscience as ds\nds.connect('ada', sys.argv[2], 'flowers', sys.argv[1])\nds.start()\nds.publish()\n"
    )
    done = subprocess.run(
        [sys.executable, "train.py", hub.url, str(hub.admin.key)],
        env={**os.environ, "DOTSCIENCE_WORKLOAD_TYPE": word},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (listed,) = runs_of(hub)
    assert done.stdout.startswith("[[DOTSCIENCE-RUN:") == has_block
    assert (listed["url"] in done.stderr) == (not has_block)
    assert (listed["mode"], listed["workload_file"]) == ("remote", "train.py")


OPEN_WITH_ITS_COMMAND_LINE = """
ds.start()
while not ds._default._recording._run.state.surroundings:
    time.sleep(0.01)
"""


@pytest.mark.parametrize("before", ["", OPEN_WITH_ITS_COMMAND_LINE])
def test_a_key_on_the_command_line_is_in_no_record_whatever_it_looks_like(
    before: str, hub: RunningHub, workspace: Workspace
) -> None:
    user = accounts.user_named(hub.hub, "ada")
    accounts.add_key(hub.hub, user, "of her own", secret="correct horse battery staple")
    Path("train.py").write_text(
        f"import sys, time, dotscience as ds\n{before}\n"
        "ds.connect('ada', sys.argv[2], 'flowers', sys.argv[1])\nds.publish()\n"
    )
    subprocess.run(
        [sys.executable, "train.py", hub.url, "correct horse battery staple"], check=True, timeout=60
    )
    (folder,) = workspace.run_folders()
    record = folder.read_record()
    assert record.environment["argv"] == ["train.py", hub.url, "[redacted]"]
    assert b"horse" not in Path(folder.record_path).read_bytes()


def test_no_content_is_sent_twice(new_recorder: Connecting, hub: RunningHub, proxy: Proxy) -> None:
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    for name in ("a.bin", "b.bin", "c.bin"):
        Path(name).write_bytes(b"the same")
        recorder.output(name)
    recorder.publish()
    recorder.start()
    recorder.output("a.bin")
    recorder.publish()
    sent = [path for method, path in proxy.seen if method == "PUT" and "/blobs/" in path]
    assert len(sent) == 1
    asked = [path for method, path in proxy.seen if path.endswith("/missing")]
    assert len(asked) == 1


def test_tags_and_notes_go_with_the_run(
    connected: Recorder, hub: RunningHub, workspace: Workspace, only_run: OnlyRun
) -> None:
    from dotscience.catalog.annotate import note, tag

    published = connected.publish()
    tag(workspace, only_run(), ["baseline"])
    note(workspace, only_run(), "The seed was 7.")
    assert [folder.id for _, folder in waiting([workspace])] == [published.id]
    assert [each.outcome for each in sync(list(waiting([workspace])), apikey=hub.admin.key)] == ["sent"]
    (listed,) = runs_of(hub)
    assert listed["tags"] == ["baseline"] and [note["text"] for note in listed["notes"]] == [
        "The seed was 7."
    ]
    assert list(waiting([workspace])) == []


def test_a_run_that_was_open_before_connecting_goes_to_the_hub_too(
    new_recorder: Connecting, hub: RunningHub
) -> None:
    recorder = new_recorder()
    recorder.metric("a", 1)
    recorder.connect("ada", hub.admin.key, "flowers", hub.url)
    recorder.metric("b", 2)
    published = recorder.publish()
    assert [run["metrics"] for run in runs_of(hub)] == [{"a": 1, "b": 2}]
    assert published.record.mode == "remote"


def test_runs_as_blocks_and_carried_over_ones_go_there_too(connected: Recorder, hub: RunningHub) -> None:
    with connected.run("outer"), connected.run("inner"):
        connected.metric("a", 1)
    connected.metric("b", 1)
    connected.publish("after")
    assert {run["description"] for run in runs_of(hub)} == {"outer", "inner", "after"}


def test_a_hub_that_does_not_build_is_said_not_to_and_has_the_run(
    connected: Recorder, hub: RunningHub
) -> None:
    with pytest.raises(HubNeededError, match=f"the one at {hub.url} does not do that yet"):
        connected.publish(build=True)
    assert len(runs_of(hub)) == 1


def test_the_key_is_in_no_file_of_the_workspace(connected: Recorder, hub: RunningHub, tmp_path: Path) -> None:
    connected.metric("a", 1)
    connected.publish()
    key = str(hub.admin.key).encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "hub.json" for path in files)
    assert [path for path in files if key in path.read_bytes()] == []


def test_another_hub_takes_over_the_open_run(connected: Recorder, hub: RunningHub, only_run: OnlyRun) -> None:
    connected.metric("a", 1)
    connected.connect("ada", hub.admin.key, "cars", hub.url)
    connected.publish()
    shipment = read_shipment(only_run())
    assert shipment is not None and shipment.project == "cars"
    assert len(runs_of(hub, "cars")) == 1
    assert [run for run in runs_of(hub) if run["published"]] == []


# In progress


def test_the_page_of_a_run_is_live(connected: Recorder, hub: RunningHub) -> None:
    connected.start("training")
    connected.metric("accuracy", 0.5)
    connected.log({"loss": 0.25}, step=1)
    (listed,) = eventually(lambda: runs_of(hub))
    assert (listed["status"], listed["published"]) == ("running", None)
    address = f"/api/projects/{listed['workspace']}/runs/{listed['id']}"

    def metrics() -> Any:
        return hub.admin.get(address).json()["metrics"]

    eventually(lambda: metrics() == {"accuracy": 0.5, "loss": 0.25})
    connected.log({"loss": 0.125}, step=2)
    eventually(lambda: metrics()["loss"] == 0.125)
    connected.publish()
    (listed,) = runs_of(hub)
    assert listed["status"] == "completed" and listed["published"] is not None


def test_a_run_that_is_left_is_shown_with_what_became_of_it(
    connected: Recorder, hub: RunningHub, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "AT_EXIT", 60.0)
    connected.metric("a", 1)
    connected._at_exit()
    assert [run["status"] for run in runs_of(hub)] == ["unpublished"]
    assert list(waiting([workspace])) == []


# What a Hub refuses, and a Hub that is away


def test_a_refused_run_stays_here_with_its_reason_and_blocks_no_other(
    new_recorder: Connecting,
    hub: RunningHub,
    proxy: Proxy,
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    recorder.label("huge", "x" * (2 << 20))
    refused = recorder.publish()
    recorder.start()
    accepted = recorder.publish()
    assert refused.url is None and accepted.url is not None
    assert "refused run" in capsys.readouterr().err
    shipment = read_shipment(workspace.run_folder(refused.id))
    assert shipment is not None and shipment.state == "refused" and "huge" in str(shipment.reason)
    assert [run["id"] for run in runs_of(hub) if run["published"]] == [accepted.id]


@pytest.mark.parametrize("known_here", [True, False])
def test_a_refused_run_that_was_streamed_does_not_seem_to_go_on(
    *,
    known_here: bool,
    new_recorder: Connecting,
    hub: RunningHub,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not known_here:
        monkeypatch.setenv("DOTSCIENCE_LIMIT_VALUE", "8MB")
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", hub.url)
    recorder.start("too much")
    recorder.log({"loss": 0.5}, step=1)
    eventually(lambda: [run["status"] for run in runs_of(hub)] == ["running"])
    recorder.label("huge", "x" * (2 << 20))
    refused = recorder.publish()
    assert refused.url is None
    (listed,) = runs_of(hub)
    assert (listed["status"], listed["published"], listed["metrics"]) == ("unpublished", None, {"loss": 0.5})
    address = f"/api/projects/{listed['workspace']}/runs/{listed['id']}"
    assert "notices" not in hub.admin.get(address).json()

    folder = workspace.run_folder(refused.id)
    outcomes = sync([(workspace, folder)], apikey=hub.admin.key)  # which ends it once more
    assert [outcome.outcome for outcome in outcomes] == ["refused"]
    assert [run["status"] for run in runs_of(hub)] == ["unpublished"]


def test_a_run_that_is_too_much_makes_no_project_on_its_hub(
    new_recorder: Connecting, hub: RunningHub, workspace: Workspace
) -> None:
    recorder = new_recorder()
    recorder.label("huge", "x" * (2 << 20))
    folder = workspace.run_folder(recorder.publish().id)
    write_shipment(folder, Shipment(hub.url, "flowers"))
    (outcome,) = sync([(workspace, folder)], apikey=hub.admin.key)
    assert outcome.outcome == "refused"
    assert hub.admin.get("/api/projects").json()["projects"] == []


def test_a_refused_run_ends_also_where_its_last_line_is_torn(
    new_recorder: Connecting, hub: RunningHub, workspace: Workspace
) -> None:
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", hub.url)
    recorder.start("torn")
    recorder.label("huge", "x" * (2 << 20))
    (listed,) = eventually(lambda: runs_of(hub))  # the first piece ends amid a line
    assert listed["labels"] == {}
    address = f"/api/projects/{listed['workspace']}/runs/{listed['id']}/journal"
    eventually(lambda: hub.admin.get(address).json()["length"] >= 1 << 20)
    assert recorder.publish().url is None
    assert [run["status"] for run in runs_of(hub)] == ["unpublished"]


@pytest.mark.parametrize(
    ("setting", "limit", "words"),
    [
        ("LIMIT_FILE", "1KB", "model.bin has 3000 bytes, and at most 1024"),
        ("LIMIT_PROJECT", "1KB", "a project holds 1024"),
        ("LIMIT_RECORD", "200", "at most 200 are taken"),
        ("LIMIT_VALUE", "100", "label 'long' has more than 100 bytes"),
        ("LIMIT_NAMES", "1", "more than 1 labels"),
    ],
)
def test_what_is_known_to_be_too_much_is_not_even_sent(
    *,
    setting: str,
    limit: str,
    words: str,
    new_recorder: Connecting,
    hub: RunningHub,
    proxy: Proxy,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"DOTSCIENCE_{setting}", limit)
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    Path("model.bin").write_bytes(bytes(3000))
    recorder.output("model.bin")
    recorder.label("long", "é" * 60)
    recorder.label("short", 1)
    folder = workspace.run_folder(recorder.publish().id)
    shipment = read_shipment(folder)
    assert shipment is not None and shipment.state == "refused" and words in str(shipment.reason)
    assert f"set DOTSCIENCE_{setting} here" in str(shipment.reason)
    assert not [path for _, path in proxy.seen if "/blobs/" in path or path.endswith(folder.id)]
    monkeypatch.delenv(f"DOTSCIENCE_{setting}")
    assert [outcome.outcome for outcome in sync([(workspace, folder)], apikey=hub.admin.key)] == ["sent"]


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (Limits(file=6 << 20), "limit_file"),
        (Limits(project=6 << 20), "limit_project"),
        (Limits(record=200), ""),
    ],
)
def test_more_than_a_hub_takes_is_refused_for_the_reason_that_it_gives(
    limits: Limits,
    word: str,
    tmp_path_factory: pytest.TempPathFactory,
    new_recorder: Connecting,
    workspace: Workspace,
) -> None:
    app = new_hub(tmp_path_factory.mktemp("strict"), settings=HubSettings(limits=limits))
    with serving(app) as url:
        strict = RunningHub(url, app.state.hub)
        recorder = new_recorder()
        recorder.connect("ada", strict.admin.key, "flowers", url)
        Path("model.bin").write_bytes(bytes(40 << 20))
        recorder.output("model.bin")
        published = recorder.publish()
        strict.close()
    shipment = read_shipment(workspace.run_folder(published.id))
    assert published.url is None and shipment is not None
    assert shipment.state == "refused" and word in str(shipment.reason)


def test_without_its_hub_a_run_is_kept_and_sent_with_the_next_publish(
    new_recorder: Connecting,
    hub: RunningHub,
    proxy: Proxy,
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proxy.fault = lambda method, path: Fault(cut_at=0)
    first = new_recorder()
    first.connect("ada", hub.admin.key, "flowers", proxy.url)
    assert [first.publish().url, (first.start(), first.publish())[1].url] == [None, None]
    assert capsys.readouterr().err.count("Your program goes on") == 1
    assert len(list(waiting([workspace]))) == 2
    proxy.fault = lambda method, path: Fault()
    second = new_recorder()
    second.connect("ada", hub.admin.key, "flowers", proxy.url)
    assert second.publish().url is not None
    eventually(lambda: len(runs_of(hub)) == 3)
    eventually(lambda: list(waiting([workspace])) == [])


def test_a_publish_does_not_wait_for_the_runs_that_waited_before(
    new_recorder: Connecting, hub: RunningHub, proxy: Proxy, workspace: Workspace
) -> None:
    proxy.fault = lambda method, path: Fault(cut_at=0)
    first = new_recorder()
    first.connect("ada", hub.admin.key, "flowers", proxy.url)
    older = first.publish().id
    is_at_it, go_on = threading.Event(), threading.Event()

    def fault(method: str, path: str) -> Fault:
        if path.endswith(older):
            is_at_it.set()
            assert go_on.wait(60)
        return Fault()

    proxy.fault = fault
    second = new_recorder()
    second.connect("ada", hub.admin.key, "flowers", proxy.url)
    try:
        assert second.publish().url is not None
        assert is_at_it.wait(20)
        second.start()
        assert second.publish().url is not None
        assert [folder.id for _, folder in waiting([workspace])] == [older]
    finally:
        go_on.set()
    eventually(lambda: list(waiting([workspace])) == [])


def test_a_run_that_another_process_has_just_published_is_left_to_it(
    new_recorder: Connecting,
    hub: RunningHub,
    proxy: Proxy,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_ON_ITS_WAY", 3600.0)
    proxy.fault = lambda method, path: Fault(cut_at=0)
    code = (
        "import sys, dotscience as ds\nds.connect('ada', sys.argv[2], 'flowers', sys.argv[1])\nds.publish()\n"
    )
    subprocess.run([sys.executable, "-c", code, proxy.url, str(hub.admin.key)], check=True, timeout=60)
    ((_, theirs),) = waiting([workspace])

    def what_waits_is(*ids: str) -> bool:
        return tuple(folder.id for _, folder in waiting([workspace])) == ids

    def publish() -> str | None:
        recorder = new_recorder()
        recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
        return recorder.publish().url

    assert publish() is None
    proxy.fault = lambda method, path: Fault()
    assert publish() is not None
    eventually(lambda: what_waits_is(theirs.id))  # which is the older one, so it was passed over
    two_hours_ago = time.time() - 7200
    os.utime(theirs.record_path, (two_hours_ago, two_hours_ago))
    assert publish() is not None
    eventually(what_waits_is)


def test_a_hub_that_comes_back_gets_what_waits_while_the_program_goes_on(
    new_recorder: Connecting, hub: RunningHub, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_FIRST_PAUSE", 0.05)
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    proxy.fault = lambda method, path: Fault(cut_at=0)
    assert recorder.publish().url is None
    proxy.fault = lambda method, path: Fault()
    eventually(lambda: len(runs_of(hub)) == 1)


def test_a_silent_hub_holds_up_neither_the_calls_nor_the_end(
    new_recorder: Connecting,
    answering: Callable[[bytes], str],
    monkeypatch: pytest.MonkeyPatch,
    workspace: Workspace,
) -> None:
    monkeypatch.setattr(connection, "_PATIENCE", 0.1)
    recorder = new_recorder()
    recorder.connect("ada", "key", "flowers", answering(b""))
    recorder.metric("a", 1)
    assert recorder.publish().url is None
    recorder._at_exit()
    assert len(list(waiting([workspace]))) == 1


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 302 Found\r\nLocation: http://evil.example.org/\r\n\r\n", b"junk\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_hub_breaks_nothing(
    new_recorder: Connecting,
    answering: Callable[[bytes], str],
    answer: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorder = new_recorder()
    recorder.connect("ada", "key", "flowers", answering(answer))
    recorder.metric("a", 1)
    published = recorder.publish()
    assert published.url is None and published.folder is not None
    said = capsys.readouterr().err
    assert "Your program goes on" in said and ".." not in said


def test_content_that_is_lost_here_is_named(
    proxy: Proxy,
    hub: RunningHub,
    new_recorder: Connecting,
    only_run: OnlyRun,
    workspace: Workspace,
) -> None:
    recorder = new_recorder()
    proxy.fault = lambda method, path: Fault(cut_at=0)
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    Path("model.bin").write_bytes(b"weights")
    recorder.output("model.bin")
    recorder.publish()
    workspace.blobs().delete(hashlib.sha256(b"weights").hexdigest())
    proxy.fault = lambda method, path: Fault()
    (outcome,) = sync(list(waiting([workspace])), apikey=hub.admin.key)
    assert outcome.outcome == "refused" and "The content of model.bin is no longer" in str(outcome.reason)


def test_publishing_from_many_threads_sends_every_run_once(connected: Recorder, hub: RunningHub) -> None:
    def work() -> None:
        for _ in range(5):
            with connected.run() as run:
                run.metric("a", 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(runs_of(hub)) == 20)


def test_a_large_file_is_resumed_where_it_broke_off(
    new_recorder: Connecting,
    hub: RunningHub,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    workspace: Workspace,
) -> None:
    monkeypatch.setattr(content, "_RESUMED", 1 << 20)
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    large = os.urandom(5 << 20)
    Path("model.bin").write_bytes(large)
    recorder.output("model.bin")
    puts = []

    def fault(method: str, path: str) -> Fault:
        if method == "PUT" and "/blobs/" in path:
            puts.append(path)
            return Fault(cut_at=3 << 20 if len(puts) == 1 else None)
        return Fault()

    proxy.fault = fault
    published = recorder.publish()
    assert published.url is not None
    assert proxy.offsets[0] == 0 < proxy.offsets[-1] <= 3 << 20
    project = published.url.split("/")[-3]
    held = hub.admin.get(f"/api/projects/{project}/blobs/{published.record.outputs[0].digest}")
    assert held.content == large


def test_a_hub_that_takes_nothing_more_is_not_asked_for_every_file(
    new_recorder: Connecting, hub: RunningHub, proxy: Proxy, workspace: Workspace
) -> None:
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", proxy.url)
    for number in range(30):
        Path(f"{number}.bin").write_text(str(number))
        recorder.output(f"{number}.bin")
    proxy.fault = lambda method, path: Fault(cut_at=0 if method == "PUT" and "/blobs/" in path else None)
    assert recorder.publish().url is None
    tried = {path for method, path in list(proxy.seen) if method == "PUT" and "/blobs/" in path}
    assert 1 <= len(tried) < 10
    (folder,) = (folder for _, folder in waiting([workspace]))
    proxy.fault = lambda method, path: Fault()
    assert [each.outcome for each in sync([(workspace, folder)], apikey=hub.admin.key)] == ["sent"]


def test_the_shipment_of_a_run_says_where_it_is(
    connected: Recorder, hub: RunningHub, only_run: OnlyRun
) -> None:
    published = connected.publish()
    wire = json.loads(Path(only_run().path, "hub.json").read_text())
    assert wire.pop("at").endswith("Z") and wire.pop("project_id") in str(published.url)
    assert wire == {
        "url": hub.url,
        "project": "flowers",
        "user": "ada",
        "state": "sent",
        "page": published.url,
    }


def test_a_model_and_its_classes_arrive(connected: Recorder, hub: RunningHub) -> None:
    Path("model.joblib").write_text("weights")
    Path("classes.json").write_text("{}")
    sklearn = SimpleNamespace(__name__="sklearn", __version__="1.5")
    connected.model(sklearn, "forest", "model.joblib", classes="classes.json")  # type: ignore[arg-type]
    connected.publish()
    assert [run["models"] for run in runs_of(hub)] == [["forest"]]
