"""Home: what it says to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..browser import assert_accessible, screenshots, signed_in
from .html import html_of
from .study import MARKUP, begin_run, send_run, send_study

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


def test_somebody_without_an_account_sees_public_projects_and_where_to_sign_in(hub: RunningHub) -> None:
    hidden, shown = hub.project(hub.admin, "hidden"), hub.project(hub.admin, "shown")
    hub.admin.patch(f"/api/projects/{shown.id}", json={"is_public": True})
    send_run(hub.admin, hidden.id, "secret-run")
    text = html_of(hub.nobody.get("/"))
    assert shown.id in text
    assert hidden.id not in text
    assert "secret-r" not in text
    assert 'href="/signin"' in text
    assert "New project" not in text


def test_who_has_no_run_reads_how_to_connect_to_this_hub(hub: RunningHub) -> None:
    text = html_of(hub.person("bob").get("/"))
    assert f'ds.connect("bob", "YOUR-KEY", "my-study", "{hub.url}")' in text
    send_run(hub.admin, hub.project(hub.admin).id, "a")
    assert "YOUR-KEY" not in html_of(hub.admin.get("/"))


def test_every_text_is_shown_as_it_is(hub: RunningHub) -> None:
    project = hub.project(hub.admin, MARKUP).id
    hub.admin.patch(f"/api/projects/{project}", json={"description": MARKUP})
    send_run(hub.admin, project, "a", description=MARKUP, status="failed", error=MARKUP)
    text = html_of(hub.admin.get("/"))
    assert "<script>alert" not in text
    assert "<b onmouseover" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 5


def test_the_page_has_a_twin(hub: RunningHub) -> None:
    assert '<link rel="alternate" type="application/json" href="/api/home" data-etag="' in html_of(
        hub.admin.get("/")
    )


def test_home_in_a_browser(hub: RunningHub, page: Page) -> None:
    bob = hub.person("bob")
    signed_in(page, bob).goto("/")
    assert_accessible(page)
    screenshots(page, "home-new")
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("Forests of wine")
    page.get_by_label("Description").fill("Which wines are alike, and what a forest makes of them.")
    assert_accessible(page)
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/runs")
    project = page.url.split("/")[-2]
    send_study(bob, project, 24)
    page.goto("/")
    begin_run(bob, project, "5e1f" * 8, ["description", "forest of depth 30"])
    page.locator("#running-list").get_by_text("forest of depth 30").wait_for()  # it comes by itself
    assert page.locator("#failed-list li").count() == 2
    assert_accessible(page)
    screenshots(page, "home")


def test_a_name_that_is_taken_is_said_in_the_form(hub: RunningHub, page: Page) -> None:
    from ..browser import expect_faults

    hub.project(hub.admin, "wine")
    signed_in(page, hub.admin).goto("/")
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("wine")
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("You have a project 'wine' already.").wait_for()
    expect_faults(page, "409")
