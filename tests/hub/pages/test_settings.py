"""Settings of a person, of a project, and the users: what they show to whom, and that their forms do what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..browser import assert_accessible, expect_faults, loading, screenshots, signed_in
from .html import html_of
from .study import MARKUP, send_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


@pytest.mark.parametrize(
    ("role", "sees", "sees_not"),
    [
        ("viewer", ["Members", "Saved views"], ["Deleted runs", "Changes</h2>", "Add member", "Delete the project", "Save</button>"]),
        ("editor", ["Members", "Deleted runs"], ["Changes</h2>", "Add member", "Delete the project", "Save</button>"]),
        ("owner", ["Members", "Deleted runs", "Changes</h2>", "Add member", "Delete the project", "Save</button>"], []),
    ],
)  # fmt: skip
def test_each_role_sees_what_it_may_do(
    hub: RunningHub, role: str, sees: list[str], sees_not: list[str]
) -> None:
    bob = hub.person("bob")
    project = hub.project(hub.admin).id
    hub.admin.put(f"/api/projects/{project}/members/bob", json={"role": role})
    text = html_of(bob.get(f"/projects/{project}/settings"))
    assert [word for word in sees if word not in text] == []
    assert [word for word in sees_not if word in text] == []


def test_every_text_of_a_project_is_shown_as_it_is(hub: RunningHub) -> None:
    project = hub.project(hub.admin, MARKUP).id
    hub.admin.patch(f"/api/projects/{project}", json={"description": MARKUP})
    hub.admin.post(f"/api/projects/{project}/views", json={"name": MARKUP, "settings": {}})
    hub.admin.post("/api/keys", json={"name": MARKUP, "project": project})
    for address in (f"/projects/{project}/settings", "/settings"):
        text = html_of(hub.admin.get(address))
        assert "<script>alert" not in text
        assert "<b onmouseover" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_halves_of_characters_break_no_page(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    described = hub.admin.patch(f"/api/projects/{project}", json={"description": "torn \ud83d and \x00"})
    assert described.status_code == 200
    hub.admin.post("/api/keys", json={"name": "torn \ud83d"})
    for address in ("/", "/settings", f"/projects/{project}/runs", f"/projects/{project}/settings"):
        assert "torn" in html_of(hub.admin.get(address))


def test_only_administrators_see_the_users(hub: RunningHub) -> None:
    bob = hub.person("bob")
    assert bob.get("/admin/users").status_code == 403
    assert 'href="/admin/users"' not in html_of(bob.get("/settings"))
    assert "bob" in html_of(hub.admin.get("/admin/users"))


def test_settings_are_for_people_who_signed_in(hub: RunningHub) -> None:
    answer = hub.nobody.get("/settings", headers={"Accept": "text/html"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=%2Fsettings")


def test_a_key_is_made_used_and_revoked(hub: RunningHub, page: Page) -> None:
    bob = hub.person("bob")
    hub.project(bob, "wine")
    signed_in(page, bob).goto("/settings")
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("Opens").select_option(label="only wine")
    page.get_by_label("Expires").fill("2999-12-31")
    page.get_by_role("button", name="Make a key").click()
    secret = page.locator("[data-field=secret]")
    secret.wait_for()
    assert_accessible(page)
    key = secret.inner_text()
    assert (
        hub.nobody.get("/api/projects", headers={"Authorization": f"Bearer {key}"}).json()["projects"][0][
            "name"
        ]
        == "wine"
    )
    page.reload()
    assert key not in page.content()
    screenshots(page, "settings")
    row = page.get_by_role("row", name="laptop")
    assert "only wine" in row.inner_text()
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button").click()
    row.wait_for(state="detached")
    assert hub.nobody.get("/api/projects", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_a_password_is_changed_and_every_session_ends(hub: RunningHub, page: Page) -> None:
    bob = hub.person("bob", password="correct horse")
    signed_in(page, bob).goto("/settings")
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password").fill("battery staple")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_text("The current password does not fit.").wait_for()
    expect_faults(page, "403")
    page.get_by_label("Current password").fill("correct horse")
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url("**/signin")
    page.goto("/settings")
    assert "/signin" in page.url
    assert hub.nobody.get("/api/me", auth=("bob", "battery staple")).status_code == 200


def test_a_project_is_changed_by_its_owner(hub: RunningHub, page: Page) -> None:
    hub.person("bob")
    project = hub.project(hub.admin, "wine").id
    send_run(hub.admin, project, "a-run")
    hub.admin.delete(f"/api/projects/{project}/runs/a-run")
    signed_in(page, hub.admin).goto(f"/projects/{project}/settings")
    assert_accessible(page)
    page.get_by_label("Name", exact=True).fill("Wines")
    page.get_by_label("Everybody may read it").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    page.get_by_label("User name").fill("bob")
    page.get_by_label("Role", exact=True).select_option("viewer")
    with loading(page):
        page.get_by_role("button", name="Add member").click()
    with loading(page):
        page.get_by_label("Role of bob").select_option("editor")
    page.get_by_role("button", name="Restore a-run").click()
    page.get_by_role("button", name="Restore a-run").wait_for(state="detached")
    assert page.get_by_role("heading", level=1).inner_text() == "Settings of Wines"
    assert hub.admin.get(f"/api/projects/{project}/members").json()["members"][1] == {
        "user": "bob",
        "role": "editor",
    }
    assert hub.nobody.get(f"/api/projects/{project}/runs").json()["count"] == 1
    screenshots(page, "project-settings")


def test_the_last_owner_cannot_leave(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin, "wine").id
    signed_in(page, hub.admin).goto(f"/projects/{project}/settings")
    page.get_by_label("Role of ada").select_option("viewer")
    page.get_by_text("A project needs an owner.").wait_for()
    expect_faults(page, "409")
    assert page.get_by_label("Role of ada").input_value() == "owner"


def test_a_project_is_deleted_by_who_types_its_name(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin, "wine").id
    signed_in(page, hub.admin).goto(f"/projects/{project}/settings")
    button = page.get_by_role("button", name="Delete the project")
    assert button.is_disabled()
    page.get_by_label("Type its name").fill("win")
    assert button.is_disabled()
    page.get_by_label("Type its name").fill("wine")
    button.click()
    page.wait_for_url("**/")
    assert hub.admin.get(f"/api/projects/{project}").status_code == 404


def test_an_administrator_adds_users_and_locks_them_out(hub: RunningHub, page: Page) -> None:
    signed_in(page, hub.admin).goto("/admin/users")
    page.get_by_label("User name").fill("carl")
    page.locator("#user-password").fill("correct horse")
    page.get_by_role("button", name="Add user").click()
    page.get_by_role("button", name="Set the password of carl").click()
    assert_accessible(page)
    page.locator("#of-password").fill("battery staple")
    with loading(page):
        page.get_by_role("button", name="Set it").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    assert hub.nobody.get("/api/me", auth=("carl", "battery staple")).status_code == 200
    assert_accessible(page)
    screenshots(page, "users")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Lock carl out").click()
    page.get_by_role("button", name="Let carl in").wait_for()
    assert hub.nobody.get("/api/me", auth=("carl", "battery staple")).status_code == 401
