"""The page of a run in a real browser: charts, previews, tags and notes, and a run that goes on while it is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..browser import assert_accessible, screenshots, signed_in, wait_until
from ..sending import Live, record, send, sent_series
from .rich import send_rich

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


def looked_at(page: Page, hub: RunningHub) -> str:
    """Open the page of a rich run; gives the project's id."""
    project = hub.project(hub.admin).id
    send_rich(hub.admin, project)
    signed_in(page, hub.admin)
    page.goto(f"/projects/{project}/runs/7f3c0000")
    page.locator("[data-series='train/loss'][data-points]").wait_for()
    return project


def test_all_that_is_known_of_a_run_is_on_its_page(hub: RunningHub, page: Page) -> None:
    looked_at(page, hub)
    assert page.locator("h1").inner_text() == "Train with rate 0.01"
    assert page.locator("#values").inner_text().count("0.123457") == 1
    assert page.locator("#code pre").first.inner_text().startswith('"""Train a model."""')
    assert page.locator("#code .k", has_text="def").count() == 1
    assert page.locator(".chart-group h3").all_inner_texts() == ["train"]
    page.get_by_text("Changes since the commit").click()
    assert page.locator(".line.added").inner_text() == "+rate = 0.01"
    page.locator("summary", has_text="Packages").click()
    page.get_by_label("Find a package").fill("pan")
    assert page.locator(".packages li:visible").all_inner_texts() == ["pandas 2.2.3"]
    assert_accessible(page)
    screenshots(page, "run")


def test_files_are_previewed_and_nothing_in_them_runs(hub: RunningHub, page: Page) -> None:
    looked_at(page, hub)
    rows = page.locator("table.files tr")
    for name, expected in (
        ("data/train.csv", "person 49"),
        ("explore.ipynb", "red words"),
        ("summary.json", '"accuracy": 0.93'),
        ("report.html", '<script>alert("report")</script>'),
        ("figure.svg", "<svg"),
        ("model.bin", "a Python pickle"),
    ):
        rows.filter(has_text=name).get_by_role("button").first.click()
        page.locator("tr.preview", has_text=expected).wait_for()
    notebook = page.locator("tr.preview", has_text="Explore")
    assert "Not shown here: text/html" in notebook.inner_text()
    assert notebook.locator("img").count() == 1
    rows.filter(has_text="plots/curve.png").get_by_role("button").first.click()
    picture = page.locator("tr.preview img[alt='plots/curve.png']")
    picture.wait_for()
    wait_until(page, "document.querySelector(\"img[alt='plots/curve.png']\").naturalWidth === 160")
    assert page.locator("main svg[onload], main script:not([type])").count() == 0
    assert_accessible(page)
    screenshots(page, "run-previews")


def test_a_chart_is_zoomed_into_on_the_server(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    values = {"loss": [float(step % 100) for step in range(60_000)]}
    send(hub.admin, project, record(series=sent_series(hub.admin, project, values)))
    signed_in(page, hub.admin)
    page.goto(f"/projects/{project}/runs/7f3c")
    chart = page.locator("[data-series=loss]")
    page.locator("[data-series=loss][data-count='60000']").wait_for()
    assert int(chart.get_attribute("data-points") or 0) < 5000
    box = chart.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 24, box["y"] + 42, steps=3)
    page.mouse.move(box["x"] + 60, box["y"] + 42, steps=5)
    page.mouse.up()
    wait_until(page, "Number(document.querySelector('[data-series=loss]').dataset.count) < 20000")
    page.mouse.dblclick(box["x"] + 100, box["y"] + 50)
    wait_until(page, "document.querySelector('[data-series=loss]').dataset.count === '60000'")


def test_charts_are_smoothed_and_drawn_over_time_and_on_a_log_scale(hub: RunningHub, page: Page) -> None:
    looked_at(page, hub)
    count = "document.querySelector(\"[data-series='train/loss'] .chart\").data.length"
    assert page.evaluate(count) == 1
    page.locator("[name=smoothing]").fill("0.9")
    wait_until(page, f"{count} === 2")
    axis = "document.querySelector(\"[data-series='train/loss'] .chart\").layout"
    page.get_by_label("log scale").check()
    wait_until(page, f"{axis}.yaxis.type === 'log'")
    page.locator("#chart-controls select").select_option("time")
    wait_until(page, f"{axis}.xaxis.type === 'date'")


def test_a_constant_stays_one_where_it_is_smoothed_and_points_without_an_epoch_say_so(
    hub: RunningHub, page: Page
) -> None:
    project = hub.project(hub.admin).id
    series = sent_series(hub.admin, project, {"rate": [0.1] * 300})
    send(hub.admin, project, record(series=series))
    signed_in(page, hub.admin).goto(f"/projects/{project}/runs/7f3c")
    card = page.locator(".chart-card[data-points]")
    card.locator(".main-svg").first.wait_for()
    assert card.locator(".xtitle").text_content() == "step"
    page.get_by_label("smoothing").fill("0.9")
    card.locator(".scatterlayer .trace").nth(1).wait_for(state="attached")  # flat, so it counts as hidden
    span = "chart => chart._fullLayout.yaxis.range[1] - chart._fullLayout.yaxis.range[0]"
    assert card.locator(".chart").evaluate(span) == pytest.approx(0.1)
    page.locator("select[name=x]").select_option("epoch")
    card.get_by_text("None of its points has an epoch.").wait_for()
    page.locator("select[name=x]").select_option("step")
    card.locator(".main-svg").first.wait_for()


def test_tags_and_notes_are_edited_in_place(hub: RunningHub, page: Page) -> None:
    project = looked_at(page, hub)
    page.get_by_label("New tag").fill("good")
    page.get_by_label("New tag").press("Enter")
    page.locator(".tag", has_text="good").wait_for()
    page.get_by_label("New note").fill("<i>look</i> here")
    page.locator("#add-note button").click()
    page.locator("blockquote", has_text="<i>look</i> here").wait_for()
    page.get_by_label("Take away the tag good").click()
    page.locator(".tag").wait_for(state="detached")
    run = hub.admin.get(f"/api/projects/{project}/runs/7f3c0000").json()
    assert (run["tags"], [note["note"] for note in run["notes"]]) == ([], ["<i>look</i> here"])


def test_a_run_is_deleted_only_after_a_question(hub: RunningHub, page: Page) -> None:
    project = looked_at(page, hub)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Delete").click()
    page.locator("dialog button.danger").click()
    page.wait_for_url(f"**/projects/{project}/runs")
    assert hub.admin.get(f"/api/projects/{project}/runs/7f3c0000").status_code == 404


def test_a_run_in_progress_goes_on_before_the_readers_eyes(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    live = Live(hub.admin, project, "9a9a")
    live.say(["description", "a long one"])
    signed_in(page, hub.admin)
    page.goto(f"/projects/{project}/runs/9a9a")
    page.locator(".status.running").wait_for()
    live.log((0.5,), (0.25,))
    page.locator("#values td", has_text="0.25").wait_for()
    page.locator("[data-series=loss][data-count='2']").wait_for()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/series/points" in one.url else None)
    live.log((0.125,))
    page.locator("[data-series=loss][data-count='3']").wait_for()
    assert asked and all("after=" in url for url in asked)
    drawn = "(({ x, y }) => [x, y])(document.querySelector('[data-series=loss] .chart').data[0])"
    assert page.evaluate(drawn) == [[0, 1, 2], [0.5, 0.25, 0.125]]
    send(hub.admin, project, record("9a9a", metrics={"final": 0.125}))
    page.locator(".status.completed").wait_for()
    page.locator("#values td", has_text="0.125").wait_for()


def test_a_long_live_chart_keeps_its_ends_its_extremes_and_its_gaps(hub: RunningHub, page: Page) -> None:
    page.goto("/signin")
    grow = """async (pieces) => {
        const { joined } = await import("/static/js/series.js");
        let held = { x: [], y: [], odd: [], count: 0 };
        for (const piece of pieces) held = joined(held, piece, 50);
        return held;
    }"""
    values: list[float | None] = [float(step % 7) for step in range(20_000)]
    values[1234], values[5678], values[9999] = 99.0, -99.0, None
    pieces = [
        {"x": list(range(at, at + 200)), "y": values[at : at + 200], "odd": [], "count": 200}
        for at in range(0, 20_000, 200)
    ]
    held = page.evaluate(grow, pieces)
    shown = dict(zip(held["x"], held["y"], strict=True))
    assert held["count"] == 20_000
    assert len(shown) <= 10 * 50
    assert (shown[0], shown[1234], shown[5678], shown[9999]) == (0.0, 99.0, -99.0, None)
    assert 19_999 in shown
    assert held["x"] == sorted(held["x"])


def test_points_that_go_back_are_asked_for_whole(hub: RunningHub, page: Page) -> None:
    page.goto("/signin")
    ask = """async () => (await import("/static/js/series.js")).joined(
        { x: [5], y: [1], odd: [], count: 1 }, { x: [3], y: [2], odd: [], count: 1 }, 50)"""
    assert page.evaluate(ask) is None


@pytest.mark.parametrize("epochs", [[-1e308, 0, 1e308], [0, 5e-324], [-1.7e308, 1.7e308]])
def test_a_long_chart_over_any_epochs_is_thinned(hub: RunningHub, page: Page, epochs: list[float]) -> None:
    page.goto("/signin")
    thin = """async (epochs) => {
        const { thinned } = await import("/static/js/series.js"), each = 3000;
        const x = epochs.flatMap((epoch) => Array(each).fill(epoch));
        return thinned({ x, y: x.map((_, at) => at) }, 50);
    }"""
    shown = page.evaluate(thin, epochs)
    assert [*dict.fromkeys(shown["x"])] == epochs
    assert (shown["y"][0], shown["y"][-1]) == (0, 3000 * len(epochs) - 1)
    assert len(shown["x"]) <= 4 * len(epochs)
