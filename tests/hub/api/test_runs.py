"""Runs over the REST API: sent once, found, annotated, deleted and restored."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from dotscience.records.record import Record

if TYPE_CHECKING:
    from ...hub_server import Person, RunningHub

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)


def record(run: str = "7f3c", **fields: Any) -> Record:
    return Record(id=run, status="completed", published=NOW, started=NOW, **fields)


def send(person: Person, project: str, sent: Record) -> Any:
    return person.put(f"/api/projects/{project}/runs/{sent.id}", data=sent.to_bytes())


def test_a_record_sent_twice_gives_one_run(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    assert send(hub.admin, project, record(metrics={"loss": 0.5})).status_code == 201
    again = send(hub.admin, project, record(metrics={"loss": 0.5}))
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    found = hub.admin.get(f"/api/projects/{project}/runs").json()
    assert [run["metrics"] for run in found["runs"]] == [{"loss": 0.5}]


def test_another_record_of_the_same_run_is_refused(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record(metrics={"loss": 0.5}))
    other = send(hub.admin, project, record(metrics={"loss": 0.1}))
    assert (other.status_code, other.json()["reason"]) == (409, "differs")
    assert other.headers["content-type"] == "application/problem+json"


def test_a_run_belongs_to_one_project(hub: RunningHub) -> None:
    first, second = hub.project(hub.admin, "one").id, hub.project(hub.admin, "two").id
    send(hub.admin, first, record())
    other = send(hub.admin, second, record())
    assert (other.status_code, other.json()["reason"]) == (409, "elsewhere")
    assert hub.admin.get(f"/api/projects/{second}/runs/7f3c").status_code == 404


def test_a_deleted_run_is_found_by_nobody_until_it_is_restored(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record())
    address = f"/api/projects/{project}/runs/7f3c"
    assert hub.admin.delete(address).status_code == 204
    assert hub.admin.get(address).status_code == 404
    assert hub.admin.get(f"/api/projects/{project}/runs").json()["runs"] == []
    assert send(hub.admin, project, record()).json()["reason"] == "deleted"
    assert hub.admin.post(f"{address}/restore").status_code == 200
    assert hub.admin.get(address).json()["id"] == "7f3c"


def test_the_record_comes_back_byte_for_byte(hub: RunningHub) -> None:
    project, sent = hub.project(hub.admin).id, record(labels={"who": "Zoë \U0001f600"})
    send(hub.admin, project, sent)
    assert hub.admin.get(f"/api/projects/{project}/runs/7f3c/record").content == sent.to_bytes()


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"\xff\xfe", ""),
        (b"[]", ""),
        (b'{"record":1}', "seal"),
        (record().to_bytes().replace(b"completed", b"failed"), "seal"),
        (record("other").to_bytes(), "id"),
    ],
)
def test_what_is_no_record_is_refused_with_the_field(hub: RunningHub, raw: bytes, field: str) -> None:
    project = hub.project(hub.admin).id
    answer = hub.admin.put(f"/api/projects/{project}/runs/7f3c", data=raw)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_wrong_query_is_answered_with_the_character(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    answer = hub.admin.get(f"/api/projects/{project}/runs", params={"query": "metric.loss = 3"})
    assert (answer.status_code, answer.json()["position"]) == (422, 12)


def test_a_tag_that_is_said_twice_is_there_once(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record())
    address = f"/api/projects/{project}/runs/7f3c/annotations/00000000-0000-4000-8000-000000000001"
    for _ in range(2):
        assert hub.admin.put(address, json={"tag": "good"}).status_code == 200
    assert hub.admin.get(f"/api/projects/{project}/runs/7f3c").json()["tags"] == ["good"]
