"""Every route by everybody: who is let in, who is not, and who must not even learn that something is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dotscience.hub.routes import API, OLD_CLIENT, PAGES

from ..hub_server import Person, running
from .scene import ROLES, People, Scene, a_journal, a_record, an_execution

EVERY = (*API, *PAGES, *OLD_CLIENT)

FAR = {"X-Forwarded-For": "203.0.113.7"}
"""A proxy on the Hub's machine passes the request on, so nobody is near."""


@dataclass(frozen=True)
class Call:
    """How a route is called so that it succeeds for whoever may.

    Attributes:
        need: who may; see `allowed`.
        ok: statuses of success.
        path: where the route's own names are not meant.
        send: further arguments of the request.
    """

    need: str
    ok: tuple[int, ...] = (200,)
    path: str | None = None
    send: dict[str, Any] = field(default_factory=dict)


def nothing(*ok: int, **more: Any) -> Call:
    return Call("nothing", ok or (200,), **more)


def user(*ok: int, **more: Any) -> Call:
    return Call("user", ok or (200,), **more)


def key(*ok: int, **more: Any) -> Call:
    return Call("key", ok or (200,), **more)


def admin(*ok: int, **more: Any) -> Call:
    return Call("admin", ok or (200,), **more)


def view(*ok: int, **more: Any) -> Call:
    return Call("view", ok or (200,), **more)


def edit(*ok: int, **more: Any) -> Call:
    return Call("edit", ok or (200,), **more)


def own(*ok: int, **more: Any) -> Call:
    return Call("own", ok or (200,), **more)


P, R = "/api/projects/{project}", "/api/projects/{project}/runs/{run}"
BUCKET = "/v2/dotmesh/s3/{bucket}"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

TABLE: dict[str, Call] = {
    "GET /healthz": nothing(),
    "GET /readyz": nothing(),
    "GET /metrics": admin(),
    "GET /api/home": nothing(),
    "GET /api/me": key(),
    "PUT /api/me/password": user(204, send={"json": {"new": "correct horse battery"}}),
    "GET /api/keys": user(),
    "POST /api/keys": user(201, send={"json": {"name": "laptop"}}),
    "DELETE /api/keys/{key}": user(404, path="/api/keys/{digest}"),
    "GET /api/users": admin(),
    "POST /api/users": admin(201, send={"json": {"name": "new-{number}"}}),
    "PATCH /api/users/{user}": admin(send={"json": {"is_active": True}}),
    "GET /api/projects": nothing(),
    "POST /api/projects": user(201, send={"json": {"name": "another {number}"}}),
    f"GET {P}": view(),
    f"PATCH {P}": own(send={"json": {"description": "about"}}),
    f"DELETE {P}": own(204),
    f"GET {P}/changes": own(),
    f"GET {P}/columns": view(send={"params": {"column": "metric.accuracy"}}),
    f"GET {P}/deleted": edit(),
    f"GET {P}/executions/{{execution}}": view(),
    f"PUT {P}/executions/{{execution}}": edit(send={"data": "execution"}),
    f"GET {P}/members": view(),
    f"PUT {P}/members/{{user}}": own(send={"json": {"role": "editor"}}),
    f"DELETE {P}/members/{{user}}": own(204),
    f"GET {P}/files": view(),
    f"GET {P}/names": view(),
    f"GET {P}/runs": view(),
    f"GET {P}/compare": view(send={"params": {"run": ["{run}", "{live}"]}}),
    f"GET {R}": view(),
    f"PUT {R}": edit(201, path=f"{P}/runs/{{new}}", send={"data": "record"}),
    f"DELETE {R}": edit(204),
    f"POST {R}/restore": edit(path=f"{P}/runs/{{gone}}/restore"),
    f"GET {R}/record": view(),
    f"GET {R}/files": view(),
    f"GET {R}/series": view(),
    f"GET {R}/series/points": view(200, 404, send={"params": {"name": "loss"}}),
    f"PUT {R}/annotations/{{annotation}}": edit(200, 201, send={"json": {"tag": "good"}}),
    f"GET {R}/journal": view(path=f"{P}/runs/{{live}}/journal"),
    f"PUT {R}/journal": edit(path=f"{P}/runs/{{new}}/journal", send={"params": {"offset": 0}, "data": "journal"}),
    f"GET {R}/points": view(path=f"{P}/runs/{{live}}/points"),
    f"PUT {R}/points": edit(path=f"{P}/runs/{{live}}/points", send={"params": {"offset": 0}, "data": b""}),
    f"GET {P}/views": view(),
    f"POST {P}/views": edit(201, send={"json": {"name": "worst", "settings": {}}}),
    f"PATCH {P}/views/{{view}}": edit(send={"json": {"name": "first"}}),
    f"DELETE {P}/views/{{view}}": edit(204),
    f"POST {P}/blobs/missing": edit(send={"json": {"digests": ["{digest}"]}}),
    f"GET {P}/blobs/{{digest}}": view(),
    f"HEAD {P}/blobs/{{digest}}": view(),
    f"GET {P}/blobs/{{digest}}/preview": view(),
    f"PUT {P}/blobs/{{digest}}": edit(201, path=f"{P}/blobs/{EMPTY}", send={"data": b""}),
    f"GET {P}/blobs/{{digest}}/upload": edit(),
    "GET /api/lineage": nothing(404, send={"params": {"digest": EMPTY}}),
    "GET /api/search": nothing(send={"params": {"q": "secret"}}),
    "GET /": nothing(),
    "GET /settings": user(),
    "GET /admin/users": admin(),
    "GET /projects/{project}": view(200, 303, 307, 308),
    "GET /projects/{project}/runs": view(),
    "GET /projects/{project}/runs/{run}": view(),
    "GET /projects/{project}/runs/{run}/files": view(send={"params": {"role": "inputs"}}),
    "GET /projects/{project}/runs/{run}/packages": view(),
    "GET /projects/{project}/executions/{execution}/{stream}": view(path="/projects/{project}/executions/{execution}/stdout"),
    "GET /projects/{project}/compare": view(send={"params": {"run": ["{run}", "{live}"]}}),
    "GET /projects/{project}/images/{digest}": view(415),
    "GET /projects/{project}/previews/{digest}": view(),
    "GET /project/{project}": view(200, 303),
    "GET /project/{project}/runs/metric/{run}": view(),
    "GET /project/{project}/runs/summary/{run}": view(),
    "GET /projects/{project}/settings": view(),
    "GET /projects/{project}/lineage": view(send={"params": {"run": "{run}"}}),
    "GET /projects/{project}/files": view(),
    "GET /static/plotly.min.js": nothing(),
    "GET /search": nothing(send={"params": {"q": "secret"}}),
    "GET /signin": nothing(),
    "POST /signin": nothing(401, send={"data": {"name": "nobody", "secret": "nothing"}}),
    "POST /signout": nothing(303),
    "GET /v2/version": nothing(),
    "POST /v2/dotmesh/rpc": key(send={"json": {"jsonrpc": "2.0", "id": 1, "method": "DotmeshRPC.Ping", "params": {}}}),
    f"GET {BUCKET}": key(404, path="/v2/dotmesh/s3/owner:none"),
    f"GET {BUCKET}/{{key:path}}": key(404, path="/v2/dotmesh/s3/owner:none/a"),
    f"HEAD {BUCKET}/{{key:path}}": key(404, path="/v2/dotmesh/s3/owner:none/a"),
    f"PUT {BUCKET}/{{key:path}}": key(404, path="/v2/dotmesh/s3/owner:none/a", send={"data": b"a"}),
    f"DELETE {BUCKET}/{{key:path}}": key(404, path="/v2/dotmesh/s3/owner:none/a"),
    "GET /v2/projects": key(),
    "POST /v2/projects": user(201, send={"json": {"name": "older {number}"}}),
    "GET /v2/models": key(),
    "POST /v2/models/{model}/builds": key(501, path="/v2/models/a/builds"),
    "GET /v2/models/{model}/builds/{build}": key(501, path="/v2/models/a/builds/b"),
    "GET /v2/deployers": key(501),
    "POST /v2/deployers/{deployer}/deployments": key(501, path="/v2/deployers/a/deployments"),
    "GET /v2/deployers/{deployer}/deployments/{deployment}": key(501, path="/v2/deployers/a/deployments/b"),
    "POST /v2/deployers/{deployer}/deployments/{deployment}/dashboard": key(
        501, path="/v2/deployers/a/deployments/b/dashboard"
    ),
}  # fmt: skip
"""Every route. One that is missing here fails a test: say what it needs, and how it is called."""


def allowed(need: str, role: str, *, is_unsafe: bool) -> int | None:
    """The status that somebody is refused with, or None who is let in."""
    if role in ("expired key", "revoked key", "locked user"):
        return 401
    if role == "session" and is_unsafe:
        return 403  # the token of the page is missing
    role = "owner" if role == "session" else role
    if need == "nothing":
        return None
    if role == "anonymous":
        return 401
    if need == "key":
        return None
    if need in ("user", "admin"):
        if role == "other key":
            return 403
        return None if need == "user" or role == "administrator" else 403
    if role not in ("viewer", "editor", "owner"):
        return 404
    ranks = {"view": 0, "edit": 1, "own": 2}
    return None if ("viewer", "editor", "owner").index(role) >= ranks[need] else 403


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder: Path = tmp_path_factory.mktemp("hub")
    (folder / "blobs").mkdir()
    with running(folder) as hub:
        yield People(hub)


@pytest.fixture(scope="module")
def journal() -> bytes:
    return a_journal()


@pytest.fixture(scope="module")
def scene(people: People, journal: bytes) -> Scene:
    """For those who change nothing."""
    return Scene.make(people, journal)


def ask(scene: Scene, person: Person, route: str, journal: bytes) -> Any:
    call, (method, path) = TABLE[route], route.split(" ", 1)
    send = scene.fill(dict(call.send))
    if send.get("data") == "record":
        send["data"] = a_record(scene.values["new"])
    elif send.get("data") == "execution":
        send["data"] = an_execution(*(scene.values[name] for name in ("execution", "run", "digest")))
    elif send.get("data") == "journal":
        send["data"] = journal
    return person.request(method, scene.fill(call.path or path), headers=FAR, **send)


def test_every_route_is_in_the_table() -> None:
    there = {f"{route.method} {route.path}" for route in EVERY}
    assert there - TABLE.keys() == set(), "say in TABLE who may call it"


@pytest.mark.parametrize("route", [f"{route.method} {route.path}" for route in EVERY])
def test_a_route_lets_in_whom_it_should_and_nobody_else(
    people: People, scene: Scene, journal: bytes, route: str
) -> None:
    if route not in TABLE:
        pytest.skip("the test above says it")
    call = TABLE[route]
    is_unsafe = not route.startswith(("GET ", "HEAD "))
    for role in ROLES:
        refusal = allowed(call.need, role, is_unsafe=is_unsafe)
        within = Scene.make(people, journal) if is_unsafe and refusal is None else scene
        answer = ask(within, people.by_role[role], route, journal)
        expected = call.ok if refusal is None else (refusal,)
        assert answer.status_code in expected, f"{route} by {role}: {answer.status_code} {answer.text[:300]}"
        if refusal is not None and not route.startswith("HEAD "):
            kinds = ("application/problem+json", *(("text/plain",) if " /v2/" in route else ()))
            assert answer.headers["Content-Type"].startswith(kinds)
            for secret in ("study", "secret", scene.values["run"]):
                assert secret not in answer.text


@pytest.mark.parametrize("role", ["outsider", "administrator", "anonymous", "other key"])
def test_a_private_project_is_nowhere_to_be_seen(people: People, scene: Scene, role: str) -> None:
    person, values = people.by_role[role], scene.values
    questions: list[tuple[str, dict[str, str]]] = [
        ("/api/projects", {}),
        ("/api/home", {}),
        ("/api/search", {"q": "study"}),
        ("/api/search", {"q": "secret-metric"}),
        ("/api/search", {"q": values["run"]}),
        ("/api/search", {"q": "out.csv"}),
        ("/api/search", {"q": values["digest"]}),
        ("/api/lineage", {"digest": values["digest"]}),
        ("/api/lineage", {"project": values["project"], "run": values["run"]}),
        ("/api/lineage", {"project": values["project"], "path": "out.csv"}),
        ("/", {}),
        ("/search", {"q": "secret"}),
    ]
    for path, params in questions:
        answer = person.get(path, params=params)
        assert answer.status_code < 500
        for secret in (
            scene.project.name,
            values["run"],
            values["live"],
            values["gone"],
            "secret-metric",
            "out.csv",
        ):
            said = answer.text.replace(params.get("q", "\0"), "").replace(params.get("path", "\0"), "")
            said = said.replace(params.get("run", "\0"), "")
            assert secret not in said, f"{role}: {path} {params}"


def test_what_one_may_not_read_cannot_be_reached_through_a_project_of_ones_own(
    people: People, scene: Scene
) -> None:
    outsider, values = people.by_role["outsider"], scene.values
    mine = outsider.post("/api/projects", json={"name": "mine"}).json()["id"]
    here, digest = f"/api/projects/{mine}", values["digest"]
    assert outsider.get(f"{here}/blobs/{digest}").status_code == 404
    assert outsider.post(f"{here}/blobs/missing", json={"digests": [digest]}).json() == {"missing": [digest]}
    for path in (
        f"/runs/{values['run']}",
        f"/runs/{values['run']}/record",
        f"/runs/{values['live']}/journal",
        f"/executions/{values['execution']}",
    ):
        assert outsider.get(here + path).status_code == 404
    for path in (f"/runs/{values['gone']}/restore",):
        assert outsider.post(here + path).status_code == 404
    taken = outsider.put(f"{here}/runs/{values['run']}", data=a_record(values["run"]))
    assert (taken.status_code, taken.json()["reason"]) == (409, "elsewhere")
    assert scene.project.id not in taken.text
    compared = outsider.get(f"{here}/compare", params={"run": [values["run"], values["live"]]})
    assert compared.status_code == 404
    log = an_execution(values["execution"], "my-run", digest)
    assert outsider.put(f"{here}/runs/my-run", data=a_record("my-run")).status_code == 201
    claimed = outsider.put(f"{here}/executions/{values['execution']}", data=log)
    assert (claimed.status_code, claimed.json()["missing"]) == (409, [digest])
    claimed = outsider.put(f"{here}/runs/claim", data=a_record("claim", outputs=(kept(digest),)))
    assert (claimed.status_code, claimed.json()["missing"]) == (409, [digest])


def kept(digest: str) -> Any:
    from dotscience.records.files import FileVersion

    return FileVersion("mine.csv", digest=digest, size=1, kept=True)


def test_a_public_project_is_read_by_everybody_and_changed_by_members(people: People, journal: bytes) -> None:
    scene = Scene.make(people, journal)
    owner, here = people.by_role["owner"], f"/api/projects/{scene.project.id}"
    assert owner.patch(here, json={"is_public": True}).status_code == 200
    for role, status in (("anonymous", 401), ("outsider", 403), ("administrator", 403)):
        person = people.by_role[role]
        assert person.get(f"{here}/runs").json()["count"] >= 1
        assert person.get(f"{here}/blobs/{scene.values['digest']}").status_code == 200
        assert person.delete(f"{here}/runs/{scene.values['run']}").status_code == status
        assert person.get(f"{here}/changes").status_code == status
    other = people.by_role["other key"]
    assert other.get(f"{here}/runs").status_code == 404
