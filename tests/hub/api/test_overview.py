"""What somebody sees first, what changed in a project, and one's own password, over the REST API."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from dotscience.hub.access import Access, Asker
from dotscience.hub.services import projects

from ...hub_server import RunningHub, new_hub, serving
from ..pages.study import begin_run, send_run

if TYPE_CHECKING:
    from pathlib import Path

    from ...hub_server import Person
    from ...postgres import Postgres

NOW = datetime.now(timezone.utc)


def seen(person: Person) -> dict[str, list[str]]:
    found = person.get("/api/home").json()
    runs = {name: [run["id"] for run in found[name]] for name in ("running", "failed", "recent")}
    return {"projects": [project["name"] for project in found["projects"]], **runs}


def test_home_shows_what_one_may_view_and_nothing_else(hub: RunningHub) -> None:
    bob = hub.person("bob")
    ours = hub.project(hub.admin, "ours", viewer=bob)
    theirs, open_one = hub.project(hub.admin, "theirs"), hub.project(hub.admin, "open")
    hub.admin.patch(f"/api/projects/{open_one.id}", json={"is_public": True})
    for project in (ours, theirs, open_one):
        send_run(hub.admin, project.id, f"done-{project.name}", started=NOW - timedelta(hours=3))
        send_run(
            hub.admin,
            project.id,
            f"bad-{project.name}",
            started=NOW - timedelta(hours=2),
            status="failed",
            error="no rows",
        )
        begin_run(hub.admin, project.id, f"live-{project.name}")
    assert seen(bob) == {
        "projects": ["open", "ours"],
        "running": ["live-open", "live-ours"],
        "failed": ["bad-open", "bad-ours"],
        "recent": ["live-open", "live-ours", "bad-open", "bad-ours", "done-open", "done-ours"],
    }
    assert seen(hub.nobody)["recent"] == ["live-open", "bad-open", "done-open"]
    assert seen(hub.with_key(bob, project=ours.id))["projects"] == ["ours"]


def test_home_shows_the_latest_projects_yours_before_others_and_says_how_many_there_are(
    hub: RunningHub,
) -> None:
    bob = hub.person("bob")
    mine = hub.project(bob, "mine")
    for number in range(105):
        public = hub.project(hub.admin, f"public-{number:03}")
        within = Access(Asker(hub.admin.user), public)
        projects.change(hub.hub, within, is_public=True)
    said = bob.get("/api/home").json()
    assert (len(said["projects"]), said["projects_in_all"]) == (100, 106)
    assert said["projects"][-1]["id"] == mine.id
    assert said["projects"][0]["name"] == "public-104"
    stamp = bob.get("/api/home").headers["ETag"]
    assert bob.get("/api/home", headers={"If-None-Match": stamp}).status_code == 304
    page = bob.get("/", headers={"Accept": "text/html"}).text
    assert "100 of 106 projects" in page


def test_home_and_lists_are_the_same_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    with serving(app := new_hub(tmp_path, database=postgres.new_database())) as url:
        hub = RunningHub(url, app.state.hub)
        project = hub.project(hub.admin, "ours").id
        send_run(
            hub.admin, project, "bad", started=NOW - timedelta(hours=2), status="failed", error="x" * 2000
        )
        begin_run(hub.admin, project, "live")
        assert seen(hub.admin) == {
            "projects": ["ours"],
            "running": ["live"],
            "failed": ["bad"],
            "recent": ["live", "bad"],
        }
        found = hub.admin.get(f"/api/projects/{project}/runs")
        assert [(run["id"], run["user"]) for run in found.json()["runs"]] == [("live", "ada"), ("bad", "ada")]
        assert (
            hub.admin.get(
                f"/api/projects/{project}/runs", headers={"If-None-Match": found.headers["ETag"]}
            ).status_code
            == 304
        )
        assert hub.admin.get(f"/projects/{project}/runs").status_code == 200
        hub.close()


def test_what_failed_long_ago_is_no_news(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send_run(hub.admin, project, "old", started=NOW - timedelta(days=8), status="crashed")
    send_run(hub.admin, project, "new", started=NOW - timedelta(days=6), status="killed")
    assert seen(hub.admin)["failed"] == ["new"]


def test_the_owner_sees_who_changed_what(hub: RunningHub) -> None:
    bob = hub.person("bob")
    project = hub.project(hub.admin, editor=bob).id
    send_run(bob, project, "a")
    bob.delete(f"/api/projects/{project}/runs/a")
    latest = hub.admin.get(f"/api/projects/{project}/changes?limit=1").json()["changes"]
    assert [(change["user"], change["action"], change["subject"]) for change in latest] == [
        ("bob", "delete run", "a")
    ]
    assert bob.get(f"/api/projects/{project}/changes").status_code == 403


def test_deleted_runs_are_listed_until_they_are_restored(hub: RunningHub) -> None:
    bob, carl = hub.person("bob"), hub.person("carl")
    project = hub.project(hub.admin, editor=bob, viewer=carl).id
    send_run(bob, project, "a")
    bob.delete(f"/api/projects/{project}/runs/a")
    (run,) = bob.get(f"/api/projects/{project}/deleted").json()["runs"]
    assert (run["run"], run["user"]) == ("a", "bob")
    assert carl.get(f"/api/projects/{project}/deleted").status_code == 403
    bob.post(f"/api/projects/{project}/runs/a/restore")
    assert bob.get(f"/api/projects/{project}/deleted").json() == {"runs": []}


def test_a_password_is_changed_by_who_knows_it(hub: RunningHub) -> None:
    bob = hub.person("bob", password="correct horse")
    wrong = bob.put("/api/me/password", json={"old": "correct house", "new": "battery staple"})
    assert (wrong.status_code, wrong.json()["reason"]) == (403, "password")
    short = bob.put("/api/me/password", json={"old": "correct horse", "new": "short"})
    assert short.status_code == 422
    assert (
        bob.put("/api/me/password", json={"old": "correct horse", "new": "battery staple"}).status_code == 204
    )
    assert hub.nobody.get("/api/me", auth=("bob", "battery staple")).status_code == 200
    assert hub.nobody.get("/api/me", auth=("bob", "correct horse")).status_code == 401


def test_who_has_no_password_sets_one(hub: RunningHub) -> None:
    bob = hub.person("bob")
    assert bob.put("/api/me/password", json={"new": "battery staple"}).status_code == 204
    assert hub.nobody.get("/api/me", auth=("bob", "battery staple")).status_code == 200


def test_guessing_the_old_password_is_stopped(hub: RunningHub) -> None:
    bob = hub.person("bob", password="correct horse")
    guesses = [
        bob.put("/api/me/password", json={"old": f"guess {n}", "new": "battery staple"}) for n in range(11)
    ]
    assert [guess.status_code for guess in guesses] == [403] * 10 + [429]
