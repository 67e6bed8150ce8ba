"""Signing in and out, as a person does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..browser import assert_accessible, expect_faults, screenshots, signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


def test_a_person_signs_in_and_out(hub: RunningHub, page: Page) -> None:
    hub.person("bob", password="correct horse battery")
    page.goto("/signin")
    assert_accessible(page)
    screenshots(page, "signin")
    page.get_by_label("User name").fill("bob")
    page.get_by_label("Password or API key").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert "do not fit" in page.get_by_role("alert").inner_text()
    expect_faults(page, "401")
    page.get_by_label("Password or API key").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin")


def test_a_session_is_known_on_every_page(hub: RunningHub, page: Page) -> None:
    signed_in(page, hub.admin).goto("/signin")
    assert page.get_by_role("link", name="ada").is_visible()


def test_a_page_that_says_why_not_knows_who_looks_and_nothing_of_the_project(
    hub: RunningHub, page: Page
) -> None:
    secret = hub.project(hub.admin, "Secret study").id
    signed_in(page, hub.person("bob"))
    for address, words in (
        ("/nothing", "There is nothing at this address"),
        ("/admin/users", "administrator"),
        (f"/projects/{secret}/runs", "no such project here"),
    ):
        page.goto(address)
        expect_faults(page, "40[34]")
        assert words in page.locator("main").inner_text()
        assert page.get_by_role("link", name="bob").is_visible()
        assert "Secret" not in page.content()
