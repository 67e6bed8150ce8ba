"""Who may do what through the wire of dotscience 0.8.7: every route and every method, for everybody."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dotscience.hub.protocols.methods import METHODS
from dotscience.hub.routes import OLD_CLIENT

from ...hub_server import Person, RunningHub, running
from .talking import Dot, packed, run_metadata

WHO = ("anonymous", "outsider", "viewer", "editor", "owner", "other project", "this project")
"""The last two are keys of the owner that open one project only."""

ALL, VIEW, EDIT, OWN, USER = (
    "everybody signed in",
    "view",
    "edit",
    "own",
    "every user, without a key of one project",
)
MAY = {
    ALL: {"outsider", "viewer", "editor", "owner", "other project", "this project"},
    VIEW: {"viewer", "editor", "owner", "this project"},
    EDIT: {"editor", "owner", "this project"},
    OWN: {"owner", "this project"},
    USER: {"outsider", "viewer", "editor", "owner"},
}


@dataclass
class Scene:
    """A private project with a file and two commits, and everybody."""

    hub: RunningHub
    people: dict[str, Person]
    project: str
    dot: str
    branch: str
    commit: str

    def named(self, **more: Any) -> dict[str, Any]:
        """How a dot is addressed: everybody does so in the namespace of their own."""
        return {"Namespace": "somebody", "Name": self.dot, "Branch": "", **more}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHub, dict[str, Person]]]:
    """A Hub with four users; every test has a project of its own there."""
    with running(tmp_path_factory.mktemp("hub")) as hub:
        people = {name: hub.person(name) for name in ("outsider", "viewer", "editor", "owner")}
        people["anonymous"] = hub.nobody
        people["other project"] = hub.with_key(
            people["owner"], project=hub.project(people["owner"], "other").id
        )
        yield hub, people


@pytest.fixture
def scene(crowd: tuple[RunningHub, dict[str, Person]]) -> Scene:
    hub, people = crowd
    owner = people["owner"]
    project = hub.project(owner, unused_name(), viewer=people["viewer"], editor=people["editor"]).id
    everybody = {**people, "this project": hub.with_key(owner, project=project)}
    dot = Dot(owner, project)
    commit = dot.put("secret", b"content").headers["Snapshot"]
    return Scene(hub, everybody, project, dot.name, dot.call("Lookup"), commit)


def unused_name() -> str:
    return uuid.uuid4().hex


Params = Callable[[Scene], Any]

RPC: dict[str, tuple[str, Params]] = {
    "AddCollaborator": (OWN, lambda scene: {"MasterBranchID": scene.branch, "Collaborator": "outsider"}),
    "AllDotsAndBranches": (ALL, lambda scene: {}),
    "Branch": (
        EDIT,
        lambda scene: scene.named(SourceBranch="master", NewBranchName="side", SourceCommitId=scene.commit),
    ),
    "Branches": (VIEW, lambda scene: scene.named()),
    "CheckNameIsValid": (ALL, lambda scene: {"Namespace": "somebody", "Name": "a"}),
    "Commit": (EDIT, lambda scene: scene.named(Message="m", Metadata=run_metadata(unused_name()))),
    "Commits": (VIEW, lambda scene: scene.named()),
    "CommitsById": (VIEW, lambda scene: scene.branch),
    "CurrentUser": (ALL, lambda scene: {}),
    "Delete": (OWN, lambda scene: scene.named()),
    "Exists": (VIEW, lambda scene: scene.named()),
    "Get": (VIEW, lambda scene: scene.branch),
    "GetApiKey": (ALL, lambda scene: {}),
    "List": (ALL, lambda scene: {}),
    "Lookup": (VIEW, lambda scene: scene.named()),
    "Ping": (ALL, lambda scene: {}),
    "Rollback": (EDIT, lambda scene: scene.named(CommitId=scene.commit)),
    "Version": (ALL, lambda scene: {}),
}
ELSEWHERE = {"Create", "ResetApiKey"}
"""Methods about no dot that is there already; below."""


def test_every_method_and_every_route_is_in_a_table() -> None:
    assert RPC.keys() | ELSEWHERE == METHODS.keys() | {"Commit"}
    assert {(route.method, route.path) for route in OLD_CLIENT} == ROUTES.keys() | {
        ("POST", "/v2/dotmesh/rpc")
    }


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("method", RPC)
def test_a_method_is_for_those_who_may(scene: Scene, method: str, who: str) -> None:
    need, params = RPC[method]
    said = {"jsonrpc": "2.0", "method": f"DotmeshRPC.{method}", "params": params(scene), "id": 1}
    answer = scene.people[who].post("/v2/dotmesh/rpc", json=said)
    if who == "anonymous":
        assert (answer.status_code, answer.text) == (401, "Unauthorized.")
        return
    assert answer.status_code == 200
    message = answer.json().get("error", {}).get("message", "")
    if who in MAY[need]:
        # The owner passes the gate of Delete, behind which a workspace is kept.
        assert not message or (method == "Delete" and "belongs to its project" in message)
    elif who in ("viewer", "editor"):
        assert "This needs the role" in message
    elif method == "Exists":
        assert answer.json()["result"] == ""
    else:
        assert "does not exist" in message
    if who in ("outsider", "other project"):
        assert scene.dot not in answer.text.replace(f"somebody-{scene.dot} does not exist", "")
        assert scene.commit not in answer.text


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("method", sorted(ELSEWHERE))
def test_keys_of_one_project_make_nothing_new(scene: Scene, method: str, who: str) -> None:
    person = scene.people[who]
    params = {"Namespace": person.user.name if person.user else "", "Name": unused_name()}
    said = {"jsonrpc": "2.0", "method": f"DotmeshRPC.{method}", "params": params, "id": 1}
    answer = person.post("/v2/dotmesh/rpc", json=said)
    if who == "anonymous":
        assert answer.status_code == 401
    elif who not in MAY[USER]:
        assert "one project only" in answer.json()["error"]["message"]
    elif method == "Create":
        assert answer.json()["result"] is True
    else:
        assert "password" in answer.json()["error"]["message"]


S3 = "/v2/dotmesh/s3/{bucket}"
ROUTES: dict[tuple[str, str], tuple[str | None, int]] = {
    ("GET", "/v2/version"): (None, 200),
    ("GET", S3): (VIEW, 200),
    ("GET", S3 + "/{key:path}"): (VIEW, 200),
    ("HEAD", S3 + "/{key:path}"): (VIEW, 200),
    ("PUT", S3 + "/{key:path}"): (EDIT, 200),
    ("DELETE", S3 + "/{key:path}"): (EDIT, 200),
    ("GET", "/v2/projects"): (ALL, 200),
    ("POST", "/v2/projects"): (USER, 201),
    ("GET", "/v2/models"): (ALL, 200),
    ("POST", "/v2/models/{model}/builds"): (ALL, 501),
    ("GET", "/v2/models/{model}/builds/{build}"): (ALL, 501),
    ("GET", "/v2/deployers"): (ALL, 501),
    ("POST", "/v2/deployers/{deployer}/deployments"): (ALL, 501),
    ("GET", "/v2/deployers/{deployer}/deployments/{deployment}"): (ALL, 501),
    ("POST", "/v2/deployers/{deployer}/deployments/{deployment}/dashboard"): (ALL, 501),
}
"""What each needs (None: nothing), and the status for those who may."""


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("extract", ["false", "true"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_is_for_those_who_may(scene: Scene, method: str, path: str, extract: str, who: str) -> None:
    need, status = ROUTES[method, path]
    target = path.replace("{bucket}", f"somebody:{scene.dot}").replace("{key:path}", "secret")
    person = scene.people[who]
    if path == "/v2/projects" and method == "POST":
        answer = person.post(target, json={"name": unused_name()})
    elif method == "PUT":
        answer = person.put(target, data=packed(a=b"1"), headers={"Extract": extract})
    else:
        answer = person.request(method, target)
    if need is None or who in MAY[need]:
        assert answer.status_code == status
    elif who == "anonymous":
        assert answer.status_code == 401
    elif who in ("viewer", "editor") or need is USER:
        assert answer.status_code == 403
    else:
        assert answer.status_code == 404
    if who in ("outsider", "other project", "anonymous"):
        assert b"content" not in answer.content


def test_a_public_project_is_read_by_everybody_who_is_signed_in(scene: Scene) -> None:
    scene.people["owner"].patch(f"/api/projects/{scene.project}", json={"is_public": True})
    target = f"/v2/dotmesh/s3/somebody:{scene.dot}/secret"
    assert scene.people["outsider"].get(target).content == b"content"
    assert scene.people["outsider"].put(target, data=b"x").status_code == 403
    assert scene.people["anonymous"].get(target).status_code == 401
