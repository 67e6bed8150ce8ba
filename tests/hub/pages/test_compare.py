"""Runs side by side, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..browser import assert_accessible, screenshots, signed_in
from ..sending import record, send
from .html import html_of
from .rich import send_rich
from .study import MARKUP

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


def test_three_runs_show_what_differs_and_all_on_demand(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    for number, rate in enumerate((0.01, 0.02, 0.05)):
        send_rich(hub.admin, project, f"7f3c000{number}", rate)
    signed_in(page, hub.admin)
    page.goto(f"/projects/{project}/compare?run=7f3c0000&run=7f3c0001&run=7f3c0002")
    parameters = page.locator("section", has=page.locator("h2", has_text="Parameters"))
    assert parameters.locator("tbody tr:visible").all_inner_texts() == ["rate\t0.01\t0.02\t0.05"]
    page.locator("[data-series='train/loss'][data-count='9000']").wait_for()
    traces = "document.querySelector(\"[data-series='train/loss'] .chart\").data.map((trace) => trace.name)"
    assert page.evaluate(traces) == ["7f3c0000", "7f3c0001", "7f3c0002"]
    assert page.locator(".line.added", has_text="rate * 0.05").count() == 1
    assert_accessible(page)
    screenshots(page, "compare")
    page.get_by_label("Show what is the same, too").check()
    assert parameters.locator("tbody tr:visible").count() == 3
    assert_accessible(page)
    screenshots(page, "compare-all")


def test_a_run_of_another_project_is_added_by_its_address(hub: RunningHub, page: Page) -> None:
    here, there = hub.project(hub.admin, "here").id, hub.project(hub.admin, "there").id
    for project, run, rate in ((here, "one", 0.01), (here, "two", 0.02), (there, "three", 0.05)):
        send_rich(hub.admin, project, run, rate)
    signed_in(page, hub.admin)
    page.goto(f"/projects/{here}/compare?run=one&run=two")
    page.get_by_label("Another run").fill(f"{hub.url}/projects/{there}/runs/three")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="Compare 3 runs").wait_for()
    assert page.get_by_role("row", name="project").locator("td").all_inner_texts() == [
        "here",
        "here",
        "there",
    ]
    page.locator("[data-series='train/loss'][data-count='9000']").wait_for()
    page.get_by_role("link", name="three").first.click()
    page.wait_for_url(f"**/projects/{there}/runs/three")


def test_texts_stand_as_they_are(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for run in ("one", "two"):
        said = {MARKUP: MARKUP + run}
        cells = [{"source": f"</script>{MARKUP}{run}", "count": 1}]
        send(
            hub.admin,
            project,
            record(run, description=MARKUP, labels=said, parameters=said, code={"cells": cells}),
        )
    text = html_of(hub.admin.get(f"/projects/{project}/compare?run=one&run=two"))
    assert "<script>alert" not in text and "<b onmouseover" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 8
