"""Lineage, files and search as a person uses them, in Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..browser import assert_accessible, screenshots, signed_in
from ..services.test_lineage import run, sha, study

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


@pytest.fixture
def project(hub: RunningHub) -> str:
    """A study whose images are many, and a search of ten alike runs."""
    project = hub.project(hub.admin, "Collage").id
    study(hub, project)
    images = [f"images/{number:04}.png" for number in range(500)]
    run(hub.admin, project, "render", ["raw.csv"], images, hour=3, parameters={"size": 64})
    run(hub.admin, project, "collage", [*images, "plot.png"], ["report.html"], hour=4)
    for number in range(10):
        run(hub.admin, project, f"search-{number}", ["data/train.csv"], [f"models/{number}"], hour=5 + number)
    return project


def test_the_drawing_is_walked_by_clicks_and_tells_more_on_hover(
    hub: RunningHub, page: Page, project: str
) -> None:
    signed_in(page, hub.admin).goto(f"/projects/{project}/lineage?digest={sha('data/train.csv')}")
    assert "train.csv" in (page.locator(".box.asked").text_content() or "")
    assert_accessible(page)
    screenshots(page, "lineage")
    page.locator(".box", has_text="prepare.py").hover()
    page.get_by_text("run prepare", exact=False).last.wait_for()
    assert page.locator(".arrows .near").count() == 2
    page.locator(".box", has_text="prepare.py").locator("a").click()
    page.wait_for_url("**run=prepare")
    assert "asked" in (page.locator(".box", has_text="prepare.py").get_attribute("class") or "")
    page.locator(".box", has_text="raw.csv").locator("a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**digest=*")
    assert page.get_by_role("heading", level=1).inner_text() == "raw.csv"


def test_what_is_alike_is_one_box(hub: RunningHub, page: Page, project: str) -> None:
    signed_in(page, hub.admin).goto(f"/projects/{project}/lineage?digest={sha('report.html')}")
    assert page.locator(".box.files", has_text="500 files").count() == 1
    assert page.locator(".box").count() < 20
    page.goto(f"/projects/{project}/lineage?path=data/train.csv")
    assert page.locator(".box.runs", has_text="10 runs").count() == 1
    screenshots(page, "lineage-alike")
    page.locator(".box.runs a").click()
    page.locator("#count", has_text="10 runs").wait_for()


def test_the_words_lead_back_to_where_it_began(hub: RunningHub, page: Page, project: str) -> None:
    signed_in(page, hub.admin).goto(f"/projects/{project}/lineage?digest={sha('plot.png')}")
    steps = page.locator("ol.why > li")
    assert [steps.nth(each).get_by_role("link").first.inner_text() for each in range(3)] == [
        "run evaluate",
        "run train",
        "run prepare",
    ]
    assert "no run is known to have made it" in steps.nth(2).inner_text()


def test_a_step_of_another_project_says_where_and_what_it_was(
    hub: RunningHub, page: Page, project: str
) -> None:
    other = hub.project(hub.admin, "Elsewhere").id
    run(hub.admin, other, "reuse", ["model.joblib"], ["again.png"], hour=30, description="use it again")
    run(hub.admin, project, "show", ["again.png"], ["show.html"], hour=31)
    signed_in(page, hub.admin).goto(f"/projects/{project}/lineage?run=show")
    assert "in Elsewhere use it again" in page.locator("#step-2 > p").inner_text()


def test_files_are_found_by_pattern_and_lead_to_runs(hub: RunningHub, page: Page, project: str) -> None:
    signed_in(page, hub.admin).goto(f"/projects/{project}/files")
    page.get_by_label("Path").fill("data/*.csv")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**path=*")
    assert page.locator("tbody tr").count() == 2
    assert_accessible(page)
    screenshots(page, "files")
    page.locator("tbody").get_by_role("link", name="prepare").first.click()
    page.wait_for_url("**/runs/prepare")


def test_search_finds_runs_files_and_projects(hub: RunningHub, page: Page, project: str) -> None:
    signed_in(page, hub.admin).goto("/")
    box = page.get_by_role("searchbox", name="Search runs and files")
    box.fill("collage")
    box.press("Enter")
    page.wait_for_url("**/search?q=collage")
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["Projects", "Runs"]
    assert_accessible(page)
    screenshots(page, "search")
    page.goto(f"/search?q={sha('raw.csv')[:10]}")
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["Files"]
