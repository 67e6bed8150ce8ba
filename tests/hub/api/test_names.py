"""The names that a project's runs use, and columns of them, over the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..pages.study import MARKUP, begin_run, go_on, send_run

if TYPE_CHECKING:
    from ...hub_server import RunningHub


def test_names_are_those_of_the_project_alone(hub: RunningHub) -> None:
    ours, theirs = hub.project(hub.admin, "ours").id, hub.project(hub.admin, "theirs").id
    send_run(hub.admin, ours, "a", metrics={"loss": 1, MARKUP: 2}, parameters={"n": 1}, labels={"mode": "x"})
    send_run(hub.admin, theirs, "b", metrics={"secret": 1})
    found = hub.admin.get(f"/api/projects/{ours}/names").json()
    assert found == {"parameters": ["n"], "metrics": [MARKUP, "loss"], "labels": ["mode"]}


def test_columns_hold_one_value_for_each_run(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send_run(hub.admin, project, "a", metrics={"val.loss": 0.5})
    send_run(hub.admin, project, "b", metrics={"val.loss": float("nan")}, parameters={"n": 3})
    asked = {"column": ['metric["val.loss"]', "parameter.n"], "query": 'id == "a"'}
    found = hub.admin.get(f"/api/projects/{project}/columns", params=asked).json()
    assert found == {
        "runs": ["a"],
        "columns": [
            {"name": 'metric["val.loss"]', "values": [0.5]},
            {"name": "parameter.n", "values": [None]},
        ],
        "is_complete": True,
    }
    both = hub.admin.get(
        f"/api/projects/{project}/columns", params={"column": 'metric["val.loss"]', "limit": 1}
    ).json()
    assert both["is_complete"] is False


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"column": "metric"}, 422), ({"column": "-metric.x"}, 422), ({}, 422), ({"column": "started", "limit": 0}, 422),
        ({"column": "started", "limit": 5001}, 422), ({"column": ["started"] * 51}, 422), ({"column": "started", "query": "x ="}, 422),
    ],
)  # fmt: skip
def test_wrong_columns_are_refused(hub: RunningHub, asked: dict[str, object], status: int) -> None:
    project = hub.project(hub.admin).id
    answer = hub.admin.get(f"/api/projects/{project}/columns", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("route", ["names", "columns?column=metric.loss", "runs?limit=1"])
def test_an_answer_comes_again_only_where_something_changed(hub: RunningHub, route: str) -> None:
    project = hub.project(hub.admin).id
    send_run(hub.admin, project, "a", metrics={"loss": 1})
    address = f"/api/projects/{project}/{route}"
    first = hub.admin.get(address)
    again = hub.admin.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    send_run(hub.admin, project, "b", metrics={"loss": 2})
    changed = hub.admin.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_run_that_is_heard_of_changes_the_list(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    begin_run(hub.admin, project, "live")
    address = f"/api/projects/{project}/runs"
    first = hub.admin.get(address)
    assert (first.json()["runs"][0]["user"], bool(first.json()["runs"][0]["heard"])) == ("ada", True)
    go_on(hub.admin, project, "live")
    assert hub.admin.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_change_of_role_is_seen_although_nothing_else_changed(hub: RunningHub) -> None:
    bob = hub.person("bob")
    project = hub.project(hub.admin, viewer=bob).id
    first = bob.get(f"/api/projects/{project}/runs")
    hub.admin.put(f"/api/projects/{project}/members/bob", json={"role": "editor"})
    assert (
        bob.get(f"/api/projects/{project}/runs", headers={"If-None-Match": first.headers["ETag"]}).status_code
        == 200
    )
