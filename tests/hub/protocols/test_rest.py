"""Projects and models as dotscience 0.8.7 reads them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dotscience.records.record import Record

from .talking import Dot, run_metadata

if TYPE_CHECKING:
    from ...hub_server import RunningHub

NOW = datetime(2024, 11, 1, 8, 30, tzinfo=timezone.utc)
LABEL = json.dumps({"files": {"model": "model.joblib"}, "type": "sklearn-model", "version": "1.2"})


def test_projects_are_a_bare_list_with_ones_own_first(hub: RunningHub) -> None:
    bob = hub.person("bob")
    hub.project(hub.admin, "study", viewer=bob)
    hub.project(hub.admin, "other", editor=bob)
    hub.project(hub.admin, "hidden")
    made = bob.post("/v2/projects", json={"name": "study"})
    assert made.status_code == 201
    assert len(made.json()["id"]) >= 8
    found = bob.get("/v2/projects").json()
    assert [(project["name"], project["role"]) for project in found] == [
        ("study", "owner"),
        ("other", "editor"),
        ("study", "viewer"),
    ]
    assert found[0] == made.json()


def test_a_public_project_of_another_is_not_taken_for_ones_own(hub: RunningHub) -> None:
    project = hub.project(hub.admin, "study").id
    hub.admin.patch(f"/api/projects/{project}", json={"is_public": True})
    assert hub.person("bob").get("/v2/projects").json() == []


def test_a_project_is_made_with_its_workspace(hub: RunningHub) -> None:
    made = hub.admin.post("/v2/projects", json={"name": "study"}).json()
    assert len(Dot(hub.admin, made["id"]).call("Commits")) == 1
    assert hub.admin.post("/v2/projects", json={"name": "study"}).status_code == 409
    assert hub.admin.post("/v2/projects", json={"name": " "}).status_code == 422
    assert hub.admin.post("/v2/projects", json=[]).status_code == 422


def test_models_of_both_clients_stand_newest_first(hub: RunningHub) -> None:
    dot = Dot(hub.admin, hub.project(hub.admin).id)
    sent = Record("library", "completed", NOW, labels={"artefact:digits": LABEL})
    hub.admin.put(f"/api/projects/{dot.project}/runs/library", data=sent.to_bytes())
    both = {"run.old.label.artefact:a": LABEL, "run.old.label.artefact:b": LABEL}
    commit = dot.call("Commit", Message="m", Metadata={**run_metadata("old"), **both})
    found = hub.admin.get("/v2/models").json()
    # Of one run the model that was declared last, whatever its name, is the first.
    named = [(model["run_id"], model["name"], model["commit_id"]) for model in found]
    assert named == [("old", "b", commit), ("old", "a", commit), ("library", "digits", None)]
    assert found == hub.admin.get("/v2/models").json()
    assert len({model["id"] for model in found}) == 3
    hub.admin.delete(f"/api/projects/{dot.project}/runs/old")
    assert [model["run_id"] for model in hub.admin.get("/v2/models").json()] == ["library"]
    assert hub.person("bob").get("/v2/models").json() == []


def test_the_newest_run_is_first(hub: RunningHub) -> None:
    dot = Dot(hub.admin, hub.project(hub.admin).id)
    for number in range(3):
        dot.call(
            "Commit",
            Message="m",
            Metadata={**run_metadata(f"r{number}"), f"run.r{number}.label.artefact:m": LABEL},
        )
    assert [model["run_id"] for model in hub.admin.get("/v2/models").json()] == ["r2", "r1", "r0"]


def test_builds_and_deployments_are_clearly_not_there(hub: RunningHub) -> None:
    for method, path in (
        ("POST", "/v2/models/m/builds"),
        ("GET", "/v2/models/m/builds/b"),
        ("GET", "/v2/deployers"),
        ("POST", "/v2/deployers/d/deployments"),
        ("POST", "/v2/deployers/d/deployments/e/dashboard"),
    ):
        answer = hub.admin.request(method, path, json={"builder": ""} if method == "POST" else None)
        assert (answer.status_code, answer.json()["reason"]) == (501, "not-yet")
