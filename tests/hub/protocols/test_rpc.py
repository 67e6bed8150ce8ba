"""JSON-RPC: a strict envelope, and what each method answers."""

from __future__ import annotations

import json
import zlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection

from dotscience.hub.services import audit
from dotscience.hub.store import commits
from dotscience.records.commit import parse_commit
from dotscience.records.record import Record

from .talking import Dot, RpcError, call, run_metadata

if TYPE_CHECKING:
    from ...hub_server import RunningHub

NOW = datetime(2024, 11, 1, 8, 30, tzinfo=timezone.utc)


@pytest.fixture
def dot(hub: RunningHub) -> Dot:
    return Dot(hub.admin, hub.project(hub.admin).id)


def post(hub: RunningHub, body: bytes) -> Any:
    answer = hub.admin.post("/v2/dotmesh/rpc", data=body)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("number", ["1", '"a"', "null", "-5"])
def test_the_id_comes_back(hub: RunningHub, number: str) -> None:
    body = f'{{"jsonrpc": "2.0", "method": "DotmeshRPC.Ping", "id": {number}}}'.encode()
    assert post(hub, body) == {"jsonrpc": "2.0", "id": json.loads(number), "result": True}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Ping", "id": NaN}', -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'{"method": "DotmeshRPC.Ping", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "method": 3, "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Nothing", "id": 1}', -32601),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Commit", "id": 1}', -32602),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Lookup", "params": [1], "id": 1}', -32602),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Lookup", "params": {"Namespace": 1, "Name": "a"}, "id": 1}', -32602),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Get", "params": 3, "id": 1}', -32602),
        (b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Get", "params": "nothing", "id": 1}', -32000),
    ],
)  # fmt: skip
def test_an_error_has_a_number_and_words(hub: RunningHub, body: bytes, code: int) -> None:
    answer = post(hub, body)
    assert answer.keys() == {"jsonrpc", "id", "error"}
    assert answer["id"] in (1, None)
    assert answer["error"]["code"] == code
    assert answer["error"]["message"] and answer["error"]["data"] is None


def test_a_fractional_id_becomes_none_that_is_valid(hub: RunningHub) -> None:
    answer = post(hub, b'{"jsonrpc": "2.0", "method": "DotmeshRPC.Ping", "id": 1.5}')
    assert answer == {"jsonrpc": "2.0", "id": None, "result": True}


def test_wrong_credentials_are_a_plain_401(hub: RunningHub) -> None:
    body = {"jsonrpc": "2.0", "method": "DotmeshRPC.Ping", "id": 1}
    for auth in (None, ("ada", "wrong-key-of-nobody"), ("nobody", hub.admin.key)):
        answer = hub.nobody.post("/v2/dotmesh/rpc", json=body, auth=auth)
        assert (answer.status_code, answer.text) == (401, "Unauthorized.")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_browser_is_not_asked_for_credentials_that_it_would_send_again(hub: RunningHub) -> None:
    browser = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    answer = hub.nobody.get("/v2/projects", headers=browser)
    assert (answer.status_code, answer.text) == (401, "Unauthorized.")
    assert "WWW-Authenticate" not in answer.headers


def test_the_password_opens_as_the_key_does(hub: RunningHub) -> None:
    bob = hub.person("bob", password="correct horse battery")
    bob.auth = ("bob", "correct horse battery")
    assert call(bob, "Ping") is True
    made = call(bob, "ResetApiKey")["ApiKey"]
    bob.auth = ("bob", made)
    assert call(bob, "GetApiKey") == {"ApiKey": made}
    with pytest.raises(RpcError, match="password"):
        call(bob, "ResetApiKey")
    bob.auth = ("bob", "correct horse battery")
    assert call(bob, "ResetApiKey")["ApiKey"] != made
    with pytest.raises(RpcError, match="no API key in clear"):
        call(bob, "GetApiKey")
    bob.auth = ("bob", made)
    assert bob.get("/v2/projects").status_code == 401
    assert [(each.user, each.action) for each in audit.every(hub.hub, 3)] == [
        ("bob", "add key"),
        ("bob", "revoke key"),
        ("bob", "add key"),
    ]


def test_who_and_what_answers(hub: RunningHub) -> None:
    user = call(hub.admin, "CurrentUser")
    assert (user["Name"], user["Id"]) == ("ada", hub.admin.user and hub.admin.user.id)
    assert call(hub.admin, "Version")["InstalledVersion"] == hub.nobody.get("/v2/version").json()["version"]


def test_a_workspace_is_there_with_its_project(dot: Dot) -> None:
    branch = dot.call("Lookup")
    assert dot.call("Lookup", Branch="master") == branch == dot.call("Exists")
    assert dot.call("Exists", Branch="none") == ""
    with pytest.raises(RpcError, match="no branch 'none'"):
        dot.call("Lookup", Branch="none")
    (commit,) = dot.call("Commits")
    assert commit["Metadata"]["message"] == "init"
    volume = call(dot.person, "List")["ada"][dot.name]
    assert (volume["Id"], volume["CommitCount"]) == (branch, 1)
    (found,) = call(dot.person, "AllDotsAndBranches")["Dots"]
    assert (found["MasterBranch"], found["Owner"]["Name"], found["Collaborators"]) == (volume, "ada", [])


def test_a_commit_seeds_its_metadata_and_lets_it_be_replaced(dot: Dot) -> None:
    commit = dot.call("Commit", Message="first", Metadata={"author": "somebody", "note": "é\ud83d"})
    found = dot.call("Commits")[-1]
    assert found["Id"] == commit
    said = found["Metadata"]
    assert int(said.pop("timestamp")) > 10**18
    assert said == {"message": "first", "author": "somebody", "note": "é\ud83d"}


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"Upper": "a"}, "lowercase"),
        ({"": "a"}, "lowercase"),
        ({"#commit-id": "no uuid"}, "uuid"),
        (run_metadata("a/b"), "run's id"),
        (run_metadata("r", start="29990102T030405"), "clock"),
        (run_metadata("r", description="x" * (2 << 20)), "limit_value"),
        ({**run_metadata("r"), "run.r.summary." + "n" * 600: "1"}, "500 characters"),
    ],
)
def test_a_commit_that_is_refused_leaves_nothing(dot: Dot, metadata: dict[str, str], why: str) -> None:
    with pytest.raises(RpcError, match=why):
        dot.call("Commit", Message="m", Metadata=metadata)
    assert len(dot.call("Commits")) == 1
    assert dot.person.get(f"/api/projects/{dot.project}/runs").json()["runs"] == []


def test_values_of_the_metadata_are_texts(dot: Dot) -> None:
    with pytest.raises(RpcError, match="values are texts") as raised:
        dot.call("Commit", Message="m", Metadata={"a": 1})
    assert raised.value.code == -32602


def test_only_an_administrator_chooses_the_id_of_a_commit(hub: RunningHub, dot: Dot) -> None:
    wanted = "00000000-0000-4000-8000-000000000001"
    assert dot.call("Commit", Message="m", Metadata={"#commit-id": wanted}) == wanted
    bob = hub.person("bob")
    other = Dot(bob, hub.project(bob).id)
    with pytest.raises(RpcError, match="administrator"):
        other.call("Commit", Message="m", Metadata={"#commit-id": wanted})


def test_a_run_comes_with_all_that_the_commit_says(dot: Dot) -> None:
    more = {
        "runner.name": "laptop",
        "runner.platform": "Linux",
        "runner.platform_version": "#1 SMP",
        "run.r.summary.loss": "0.5",
        "run.r.parameters.rate": "1e-05",
        "run.r.label.who": "me",
    }
    fields = {"input_files": '["raw.csv@v", "new.csv"]', "workload_file": "train.py", "description": "d"}
    commit = dot.call("Commit", Message="m", Metadata={**run_metadata("r", **fields), **more})
    run = dot.run("r")
    assert run["inputs"] == [{"path": path, "unseen": "named"} for path in ("new.csv", "raw.csv")]
    assert (run["started"], run["ended"]) == ("2024-01-02T03:04:05.000006Z", "2024-01-02T03:04:06.000006Z")
    assert (run["mode"], run["workload_file"], run["description"]) == ("remote", "train.py", "d")
    assert (run["metrics"], run["parameters"], run["labels"]) == (
        {"loss": 0.5},
        {"rate": 1e-05},
        {"who": "me"},
    )
    assert run["environment"] == {"platform": "Linux #1 SMP"}
    assert run["workspace"] == {"host": "laptop"}
    assert dot.call("Commits")[-1]["Id"] == commit


def test_several_runs_of_one_commit(dot: Dot) -> None:
    both = {**run_metadata("a"), **run_metadata("b", error=""), "runs": '["a", "b"]'}
    dot.call("Commit", Message="m", Metadata=both)
    assert [dot.run(run)["status"] for run in "ab"] == ["completed", "failed"]


def test_a_commit_whose_answer_was_lost_can_be_sent_again(dot: Dot) -> None:
    assert dot.commit("r", description="one") == dot.commit("r", description="one")
    assert len(dot.call("Commits")) == 2
    with pytest.raises(RpcError, match="holds a run r already"):
        dot.commit("r", description="two")


def test_runs_of_this_library_stand_among_the_commits(dot: Dot) -> None:
    put = dot.put("a", b"one").headers["Snapshot"]
    sent = Record("7f3c", "completed", NOW, started=NOW, mode="script", metrics={"loss": 0.5})
    answer = dot.person.put(f"/api/projects/{dot.project}/runs/7f3c", data=sent.to_bytes())
    assert answer.status_code == 201
    commits = dot.call("Commits")
    assert commits[1]["Id"] == put
    (run,) = parse_commit(commits[-1]["Metadata"]).runs
    assert (run.id, run.metrics, run.authority) == ("7f3c", {"loss": "0.5"}, "workload")
    dot.put("a", b"two")
    dot.call("Branch", SourceBranch="master", NewBranchName="side", SourceCommitId=commits[-1]["Id"])
    assert dot.person.get(f"{dot.path}@side/a").text == "one"


def test_of_runs_of_this_library_as_many_are_listed_as_fit(dot: Dot, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        sent = Record(f"r{number}", "completed", NOW, description="told")
        path = f"/api/projects/{dot.project}/runs/r{number}"
        assert dot.person.put(path, data=sent.to_bytes()).status_code == 201
    said = [commit["Metadata"] for commit in dot.call("Commits") if "runs" in commit["Metadata"]]
    of_two = sum(len(name) + len(value) for metadata in said[1:] for name, value in metadata.items())
    monkeypatch.setattr("dotscience.hub.services.commit_log._MOST_TOLD", of_two)
    listed = [run.id for commit in dot.call("Commits") for run in parse_commit(commit["Metadata"]).runs]
    assert listed == ["r1", "r2"]


def test_records_are_unpacked_one_at_a_time_and_only_where_they_are_told_of(
    hub: RunningHub, dot: Dot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        sent = Record(f"r{number}", "completed", NOW)
        path = f"/api/projects/{dot.project}/runs/r{number}"
        assert dot.person.put(path, data=sent.to_bytes()).status_code == 201
    ids = [commit["Id"] for commit in dot.call("Commits") if "runs" in commit["Metadata"]]
    unpacked = []
    unpack = zlib.decompress

    def counting(data: bytes) -> bytes:
        unpacked.append(1)
        return unpack(data)

    monkeypatch.setattr(zlib, "decompress", counting)
    dot.call("Branch", SourceBranch="master", NewBranchName="side", SourceCommitId=ids[0])
    with pytest.raises(RpcError, match="has no commit"):
        dot.call("Branch", SourceBranch="master", NewBranchName="other", SourceCommitId="none")
    assert unpacked == []

    def look(connection: Connection) -> list[int]:
        return [len(unpacked) for _ in commits.runs_without_commits(connection, dot.project, 1000)]

    assert hub.hub.read(look) == [1, 2, 3]


def test_outputs_that_never_came_are_named_and_told_of(dot: Dot) -> None:
    dot.commit("r", output_files='["gone.csv"]')
    run = dot.run("r")
    assert run["outputs"] == [{"path": "gone.csv", "unseen": "named"}]
    assert "gone.csv" in run["notices"][0]


def test_files_belong_to_the_run_that_names_them_first(dot: Dot) -> None:
    dot.put("a.csv", b"one")
    dot.commit("first", output_files='["a.csv"]')
    dot.commit("second", output_files='["a.csv"]')
    assert dot.run("first")["outputs"][0]["kept"] is True
    assert dot.run("second")["outputs"] == [{"path": "a.csv", "unseen": "named"}]


def test_files_of_another_user_are_not_taken(hub: RunningHub) -> None:
    bob = hub.person("bob")
    project = hub.project(hub.admin, editor=bob).id
    ada, other = Dot(hub.admin, project), Dot(bob, project)
    other.put("a.csv", b"of bob")
    ada.commit("r", output_files='["a.csv"]')
    assert ada.run("r")["outputs"] == [{"path": "a.csv", "unseen": "named"}]


def test_two_uploads_that_fit_leave_a_notice(dot: Dot) -> None:
    dot.put("a.csv", b"one")
    dot.put("a.csv", b"two")
    dot.commit("r", output_files='["a.csv"]')
    assert dot.run("r")["outputs"][0]["size"] == 3
    assert "Several uploads fit" in dot.run("r")["notices"][0]


def test_a_dot_of_ones_own_has_a_project(hub: RunningHub) -> None:
    bob = hub.person("bob")
    assert call(bob, "Create", Namespace="bob", Name="numbers") is True
    for namespace, name, why in (
        ("bob", "numbers", "already"),
        ("ada", "other", "your own namespace"),
        ("bob", "a b", "name is"),
        ("bob", "project-12345678-default-workspace", "together with its project"),
    ):
        with pytest.raises(RpcError, match=why):
            call(bob, "Create", Namespace=namespace, Name=name)
    assert [project["name"] for project in bob.get("/v2/projects").json()] == ["numbers"]
    assert call(bob, "CheckNameIsValid", Name="fine") == ""
    assert "name is" in call(bob, "CheckNameIsValid", Name="a/b")
    with pytest.raises(RpcError, match="does not exist"):
        call(hub.admin, "Lookup", Namespace="bob", Name="numbers", Branch="")
    assert call(bob, "Delete", Namespace="bob", Name="numbers") is True
    assert call(bob, "Exists", Namespace="bob", Name="numbers") == ""


def test_a_workspace_goes_only_with_its_project(dot: Dot) -> None:
    with pytest.raises(RpcError, match="belongs to its project"):
        dot.call("Delete")


def test_a_collaborator_is_an_editor(hub: RunningHub, dot: Dot) -> None:
    bob = hub.person("bob")
    assert call(dot.person, "AddCollaborator", MasterBranchID=dot.call("Lookup"), Collaborator="bob") is True
    assert Dot(bob, dot.project).put("a", b"x").status_code == 200
    with pytest.raises(RpcError, match="no user"):
        call(dot.person, "AddCollaborator", MasterBranchID=dot.call("Lookup"), Collaborator="nobody")


@pytest.mark.parametrize("name", ["", "master", "a/b", "x" * 101])
def test_names_that_no_branch_can_have(dot: Dot, name: str) -> None:
    commit = dot.call("Commits")[-1]["Id"]
    with pytest.raises(RpcError, match="cannot be named"):
        dot.call("Branch", SourceBranch="master", NewBranchName=name, SourceCommitId=commit)
    dot.call("Branch", SourceBranch="master", NewBranchName="side", SourceCommitId=commit)
    with pytest.raises(RpcError, match="already"):
        dot.call("Branch", SourceBranch="master", NewBranchName="side", SourceCommitId=commit)
