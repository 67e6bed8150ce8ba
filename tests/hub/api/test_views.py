"""Saved views of a project's runs, over the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..pages.study import MARKUP

if TYPE_CHECKING:
    from ...hub_server import RunningHub

SETTINGS: dict[str, Any] = {
    "query": "metric.loss < 1",
    "sort": ["-metric.loss"],
    "columns": ["metric.loss", 'parameter["n-trees"]'],
    "chart": {"chart": "scatter", "x": "metric.loss"},
}


def test_a_view_is_seen_by_all_members(hub: RunningHub) -> None:
    bob, carl = hub.person("bob"), hub.person("carl")
    project = hub.project(hub.admin, editor=bob, viewer=carl).id
    address = f"/api/projects/{project}/views"
    saved = bob.post(address, json={"name": f" good {MARKUP}", "settings": SETTINGS})
    assert saved.status_code == 201
    view = {"id": saved.json()["id"], "name": f"good {MARKUP}", "user": "bob", "settings": SETTINGS}
    assert carl.get(address).json() == {"views": [view]}


def test_saving_under_the_same_name_replaces_the_view(hub: RunningHub) -> None:
    address = f"/api/projects/{hub.project(hub.admin).id}/views"
    for query in ("", "metric.loss < 1"):
        hub.admin.post(address, json={"name": "good", "settings": {**SETTINGS, "query": query}})
    assert [view["settings"]["query"] for view in hub.admin.get(address).json()["views"]] == [
        "metric.loss < 1"
    ]


def test_a_view_is_renamed_changed_and_removed(hub: RunningHub) -> None:
    address = f"/api/projects/{hub.project(hub.admin).id}/views"
    view = f"{address}/{hub.admin.post(address, json={'name': 'a', 'settings': SETTINGS}).json()['id']}"
    assert hub.admin.patch(view, json={"name": "b"}).json()["settings"] == SETTINGS
    assert hub.admin.patch(view, json={"settings": {"query": "status == 'failed'"}}).json()["name"] == "b"
    assert [each["settings"]["query"] for each in hub.admin.get(address).json()["views"]] == [
        "status == 'failed'"
    ]
    assert hub.admin.delete(view).status_code == 204
    assert hub.admin.get(address).json() == {"views": []}
    assert (hub.admin.delete(view).status_code, hub.admin.patch(view, json={"name": "c"}).status_code) == (
        404,
        404,
    )


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "", "settings": {}}, {"name": "x" * 101, "settings": {}}, {"name": "a\nb", "settings": {}}, {"name": "a"},
        {"name": "a", "settings": {"query": "metric.loss ="}}, {"name": "a", "settings": {"sort": ["3"]}},
        {"name": "a", "settings": {"columns": ["-metric.loss"]}}, {"name": "a", "settings": {"other": 1}},
        {"name": "a", "settings": {"columns": ["started"] * 51}}, {"name": "a", "settings": {"chart": {"x": 3}}},
    ],
)  # fmt: skip
def test_what_the_table_could_not_show_is_not_saved(hub: RunningHub, wanted: dict[str, Any]) -> None:
    address = f"/api/projects/{hub.project(hub.admin).id}/views"
    assert hub.admin.post(address, json=wanted).status_code == 422
    assert hub.admin.get(address).json() == {"views": []}


def test_a_view_of_another_project_is_out_of_reach(hub: RunningHub) -> None:
    ours, theirs = hub.project(hub.admin, "ours").id, hub.project(hub.admin, "theirs").id
    view = hub.admin.post(f"/api/projects/{ours}/views", json={"name": "a", "settings": SETTINGS}).json()[
        "id"
    ]
    assert hub.admin.delete(f"/api/projects/{theirs}/views/{view}").status_code == 404
    assert len(hub.admin.get(f"/api/projects/{ours}/views").json()["views"]) == 1


def test_a_viewer_reads_views_and_changes_none(hub: RunningHub) -> None:
    carl = hub.person("carl")
    address = f"/api/projects/{hub.project(hub.admin, viewer=carl).id}/views"
    assert carl.post(address, json={"name": "a", "settings": SETTINGS}).status_code == 403
    assert carl.get(address).status_code == 200
