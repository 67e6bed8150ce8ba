"""The runs of a project as a person uses them, in Chromium."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from dotscience.catalog.columns import name_of, parse_column
from dotscience.catalog.expressions import Value

from ...hub_server import new_hub, serving
from ..browser import assert_accessible, expect_faults, screenshots, signed_in, wait_until
from .study import begin_run, go_on, send_run, send_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from ...hub_server import RunningHub


@pytest.fixture(scope="module")
def modules(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page on which the scripts can be imported one by one."""
    with serving(new_hub(tmp_path_factory.mktemp("hub"))) as url:
        page = browser.new_page()
        page.goto(f"{url}/signin")
        yield page
        page.close()


def opened(hub: RunningHub, page: Page, count: int = 12, address: str = "") -> str:
    """A project of that many runs, on the page; its id."""
    project = hub.project(hub.admin, "Forests of wine").id
    send_study(hub.admin, project, count)
    signed_in(page, hub.admin).goto(f"/projects/{project}/runs{address}")
    return project


def ids(page: Page) -> list[str | None]:
    return [row.get_attribute("data-run") for row in page.locator("tr[data-run]").all()]


def boxes(page: Page) -> Locator:
    return page.locator("tbody").get_by_role("checkbox")


def said(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_a_header_sorts_and_the_address_can_be_shared(hub: RunningHub, page: Page) -> None:
    opened(hub, page)
    first = ids(page)
    page.get_by_role("button", name="metric accuracy").click()
    page.locator('th[aria-sort="descending"][data-column="metric.accuracy"]').wait_for()
    downwards = ids(page)
    assert said(page) == {"sort": ["-metric.accuracy"]}
    assert page.evaluate("document.activeElement.closest('th').dataset.column") == "metric.accuracy"
    page.keyboard.press("Enter")
    page.locator('th[aria-sort="ascending"]').wait_for()
    assert ids(page) != downwards
    page.go_back()
    page.locator('th[aria-sort="descending"]').wait_for()
    assert ids(page) == downwards
    page.reload()
    assert ids(page) == downwards != first


NAMES = ["metric.accuracy", "metric.loss", 'metric["val.loss"]', "parameter.n", "status"]
JOINS, OPERATORS = ["and ", "or "], ["== ", "!= ", "< ", "<= ", "> ", ">= ", "in [", "not in ["]
AT_BEGIN = [*NAMES, "like(", 'upstream("', 'downstream("', "not "]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", AT_BEGIN), ("acc", ["metric.accuracy"]), ("LOSS", ["metric.loss", 'metric["val.loss"]']), ('metric["v', ['metric["val.loss"]']),
        ("metric.loss ", OPERATORS), ('metric["val.loss"] ', OPERATORS), ("metric.loss < ", []), ("metric.loss < 1 ", JOINS),
        ("metric.loss < 1 and ", AT_BEGIN), ("metric.loss < 1 and acc", ["metric.accuracy"]), ("metric.loss < 1 a", ["and "]),
        ("metric.loss < 1 or metric.accuracy ", OPERATORS), ("not (", AT_BEGIN), ('"good" ', ["in tag", "in input"]), ('"good" in ', ["tag", "input"]),
        ('"good" in tag ', JOINS), ('"goo', []), ('"a and metric', []), ("metric.loss in [1, 2] ", JOINS), ('like(description, "a%") ', JOINS),
        ("status == ", ['"completed"', '"failed"', '"crashed"', '"killed"', '"running"', '"unpublished"']), ('status == "failed" ', JOINS),
        ("upst", ['upstream("']), ("nothing of that name", []),
    ],
)  # fmt: skip
def test_completions_are_what_may_stand_there(modules: Page, text: str, options: list[str]) -> None:
    complete = (
        "async ([text, words]) => (await import('/static/js/query.js')).completions(text, words).options"
    )
    assert modules.evaluate(complete, [text, {"columns": NAMES, "sets": ["tag", "input"]}]) == options


@pytest.mark.parametrize(
    "name",
    ["loss", "val.loss", "n-trees", "if", "__x", "é", '"', "\\", "\n", "a b", "None", "\U0001f600", "1st"],
)
def test_the_browser_says_names_as_the_hub_does(modules: Page, name: str) -> None:
    said = modules.evaluate(
        "async (name) => (await import('/static/js/names.js')).operand('metric', name)", name
    )
    assert said == name_of(Value("metric", name))
    assert parse_column(said) == Value("metric", name)


def test_the_best_so_far_passes_over_what_is_no_number(modules: Page) -> None:
    best = "async ([values, goal]) => (await import('/static/js/charts.js')).bestSoFar(values, goal)"
    assert modules.evaluate(best, [[3, None, "nan", 1, 2, 5], "min"]) == [3, 3, 3, 1, 1, 1]
    assert modules.evaluate(best, [[None, 3, 1, 5], "max"]) == [None, 3, 3, 5]


def test_a_query_is_completed_by_keyboard(hub: RunningHub, page: Page) -> None:
    opened(hub, page)
    box = page.get_by_role("combobox", name="Query")
    box.press_sequentially("accur")
    page.get_by_role("option", name="metric.accuracy").wait_for()
    assert_accessible(page)
    box.press("ArrowDown")
    assert page.locator('[role=option][aria-selected="true"]').inner_text() == "metric.accuracy"
    assert box.get_attribute("aria-activedescendant") == "query-option-0"
    box.press("Enter")
    assert box.input_value() == "metric.accuracy"
    box.press_sequentially(" ")
    page.get_by_role("option", name="> ", exact=True).wait_for()
    box.press_sequentially("> 0.8")
    box.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"
    before = len(ids(page))
    box.press("Enter")
    page.wait_for_url("**query=*")
    wait_until(page, "before => document.querySelectorAll('tr[data-run]').length < before", before)
    assert page.locator("#count").inner_text() == f"{len(ids(page))} runs"


def test_a_name_of_any_characters_is_completed_as_queries_say_it(hub: RunningHub, page: Page) -> None:
    opened(hub, page)
    box = page.get_by_role("combobox", name="Query")
    box.press_sequentially("val.l")
    page.get_by_role("option", name='metric["val.loss"]').click()
    box.press_sequentially(" < 1")
    box.press("Enter")
    page.wait_for_url("**query=*")
    assert page.locator("#problem").inner_text().strip() == ""


def test_a_mistake_is_shown_at_its_character_and_the_table_stays(hub: RunningHub, page: Page) -> None:
    opened(hub, page)
    before = ids(page)
    box = page.get_by_role("combobox", name="Query")
    box.fill("metric.loss = 3")
    box.press("Enter")
    page.locator("#problem mark").wait_for()
    expect_faults(page, "422")
    assert page.locator("#problem mark").inner_text() == "="
    assert page.evaluate("[document.activeElement.id, document.activeElement.selectionStart]") == [
        "query",
        12,
    ]
    assert ids(page) == before
    assert_accessible(page)
    screenshots(page, "runs-mistake")
    box.fill("")
    box.press("Enter")
    page.locator("#problem mark").wait_for(state="detached")


def test_a_run_arrives_and_grows_while_the_reader_looks(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    boxes(page).nth(2).check()
    chosen = ids(page)[2]
    page.evaluate("window.marked = document.querySelectorAll('tr[data-run]')[5]")
    begin_run(
        hub.admin, project, "5e1f" * 8, ["description", "forest of depth 30"], ["parameter", "depth", 30]
    )
    row = page.get_by_role("row", name="forest of depth 30")
    row.get_by_text("running").wait_for()
    assert ids(page)[0] == "5e1f" * 8
    assert page.locator(f'tr[data-run="{chosen}"] input').is_checked()
    assert page.evaluate("window.marked === document.querySelectorAll('tr[data-run]')[6]"), (
        "a row that did not change was replaced"
    )
    go_on(hub.admin, project, "5e1f" * 8, ["metric", "accuracy", 0.987654])
    row.get_by_text("0.98765").wait_for()
    row.get_by_role("checkbox").focus()
    send_run(hub.admin, project, "5e1f" * 8, description="forest of depth 30", metrics={"accuracy": 0.75})
    row.get_by_text("completed").wait_for()
    assert page.evaluate("document.activeElement.closest('tr').dataset.run") == "5e1f" * 8
    screenshots(page, "runs")


def test_runs_are_chosen_and_compared(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    compare = page.get_by_role("link", name="Compare")
    assert compare.get_attribute("href") is None
    for number in (0, 3):
        boxes(page).nth(number).check()
    wanted = [ids(page)[0], ids(page)[3]]
    assert compare.inner_text() == "Compare 2"
    assert compare.get_attribute("href") == f"/projects/{project}/compare?run={wanted[0]}&run={wanted[1]}"
    page.get_by_role("button", name="metric loss").click()
    page.locator('th[aria-sort][data-column="metric.loss"]').wait_for()
    assert page.locator("tr:has(input:checked)").count() == 2


def test_chosen_runs_are_tagged_untagged_and_deleted(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    menu = page.locator("#chosen")
    menu.locator("summary").click()
    menu.get_by_text("Tick runs").wait_for()
    for number in (0, 3, 5):
        boxes(page).nth(number).check()
    wanted = [ids(page)[number] for number in (0, 3, 5)]
    menu.locator("summary", has_text="Edit 3").click()
    menu.get_by_label("New tag").fill("good")
    menu.get_by_role("button", name="Add tag").click()
    page.get_by_text("Tagged 3 runs.").wait_for()
    expect(page.locator(".run .tag", has_text="good")).to_have_count(3)
    assert tagged(hub, project) == set(wanted)
    assert_accessible(page)
    screenshots(page, "runs-chosen")
    boxes(page).nth(5).uncheck()
    menu.locator("summary", has_text="Edit 2").click()
    menu.get_by_role("button", name="Take away the tag good").click()
    page.get_by_text("Taken from 2 runs.").wait_for()
    expect(page.locator(".run .tag", has_text="good")).to_have_count(1)
    assert tagged(hub, project) == {wanted[2]}
    menu.get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Delete 2 runs?").wait_for()
    assert_accessible(page)
    screenshots(page, "runs-delete")
    page.get_by_role("button", name="Keep").click()
    assert len(ids(page)) == 12
    menu.locator("summary").click()
    menu.get_by_role("button", name="Delete").click()
    page.locator("#confirm-delete").get_by_role("button", name="Delete").click()
    expect(page.locator("tr[data-run]")).to_have_count(10)
    assert set(wanted[:2]).isdisjoint(ids(page))
    gone = hub.admin.get(f"/api/projects/{project}/deleted").json()["runs"]
    assert {run["run"] for run in gone} == set(wanted[:2])
    expect(menu.locator("summary")).to_have_text("Edit")


def tagged(hub: RunningHub, project: str) -> set[str]:
    found = hub.admin.get(f"/api/projects/{project}/runs", params={"query": '"good" in tag'}).json()
    return {run["id"] for run in found["runs"]}


def test_what_fails_for_one_run_is_said_and_done_for_the_others(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    gone = ids(page)[1]
    page.route(f"**/runs/{gone}", lambda route: route.fulfill(status=404, json={"detail": "It is gone."}))
    for number in (0, 1, 2):
        boxes(page).nth(number).check()
    page.locator("#chosen summary").click()
    page.locator("#delete-chosen").click()
    page.locator("#confirm-delete").get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted 2 of 3 runs. It is gone.").wait_for()
    expect_faults(page, "404")
    expect(page.locator("tr[data-run]")).to_have_count(10)
    assert len(hub.admin.get(f"/api/projects/{project}/deleted").json()["runs"]) == 2


def test_all_runs_that_are_shown_are_selected_at_once(hub: RunningHub, page: Page) -> None:
    opened(hub, page)
    every = page.get_by_label("Select all that are shown")
    every.check()
    expect(page.locator("tr:has(input:checked)[data-run]")).to_have_count(12)
    boxes(page).nth(4).uncheck()
    assert every.evaluate("box => [box.checked, box.indeterminate]") == [False, True]
    assert page.get_by_role("link", name="Compare").inner_text() == "Compare 11"


def test_viewers_are_offered_no_changes(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    bob = hub.person("bob")
    hub.admin.put(f"/api/projects/{project}/members/bob", json={"role": "viewer"})
    signed_in(page, bob).goto(f"/projects/{project}/runs")
    boxes(page).nth(0).check()
    assert page.get_by_role("link", name="Compare").inner_text() == "Compare 1"
    assert page.locator("#chosen, #confirm-delete").count() == 0


def test_columns_are_chosen(hub: RunningHub, page: Page) -> None:
    opened(hub, page)
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Find a name").fill("mode")
    assert_accessible(page)
    page.locator('#columns-list input[value="label.mode"]').check()
    page.get_by_label("Find a name").fill("")
    page.locator('#columns-list input[value="metric.accuracy"]').uncheck()
    screenshots(page, "runs-columns")
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator('th[data-column="label.mode"]').wait_for()
    assert page.locator('th[data-column="metric.accuracy"]').count() == 0
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="The usual ones").click()
    page.locator('th[data-column="metric.accuracy"]').wait_for()
    assert said(page) == {}


def test_a_view_is_saved_shown_and_removed(hub: RunningHub, page: Page) -> None:
    opened(hub, page, address="?sort=-metric.accuracy&column=metric.accuracy&chart=best&y=metric.accuracy")
    page.locator("#chart .main-svg").first.wait_for()
    best = ids(page)
    page.locator("#views summary").click()
    page.get_by_label("Name of the view").fill("The best")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved as “The best”.").wait_for()
    assert_accessible(page)
    screenshots(page, "runs-views")
    page.goto(urlsplit(page.url).path)
    assert ids(page) != best
    page.locator("#views summary").click()
    page.get_by_role("link", name="The best").click()
    page.locator('th[data-column="metric.accuracy"][aria-sort="descending"]').wait_for()
    page.locator("#chart .main-svg").first.wait_for()
    assert ids(page) == best
    page.locator("#views summary").click()
    page.get_by_role("button", name="Remove the view The best").click()
    page.get_by_text("No view is saved yet.").wait_for()


def test_more_runs_come_below_and_stay_when_something_changes(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page, count=56)
    assert len(ids(page)) == 50
    page.get_by_role("link", name="More runs").click()
    wait_until(page, "document.querySelectorAll('tr[data-run]').length === 56")
    send_run(hub.admin, project, "one-more")
    page.locator('tr[data-run="one-more"]').wait_for()
    assert len(ids(page)) == 57
    assert len(set(ids(page))) == 57


def test_very_many_names_can_be_read_in_the_dialog_of_the_columns(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    send_run(hub.admin, project, "7f3c", parameters={f"parameter {number}": number for number in range(200)})
    signed_in(page, hub.admin).goto(f"/projects/{project}/runs")
    page.get_by_role("button", name="Columns").click()
    label = page.locator("#columns-list label").first
    label.wait_for()
    assert label.evaluate("label => label.offsetHeight >= parseFloat(getComputedStyle(label).lineHeight)")


def test_charts_show_the_runs_that_the_table_shows(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page, count=40)
    loaded: list[str] = []
    page.on("request", lambda asked: loaded.append(urlsplit(asked.url).path))
    page.get_by_role("button", name="Scatter").click()
    page.locator("#chart .main-svg").first.wait_for()
    assert "/static/plotly.min.js" in loaded
    assert (
        page.locator("#chart").get_attribute("aria-label")
        == "Scatter plot of 37 runs: metric.accuracy against parameter.depth."
    )
    page.get_by_label("Across").select_option("parameter.learning_rate")
    page.wait_for_url("**x=parameter.learning_rate*")
    assert_accessible(page)
    screenshots(page, "runs-scatter")
    page.get_by_role("button", name="Best so far").click()
    page.locator("#chart[aria-label*='the best so far is']").wait_for()
    assert page.locator("#chart .scatterlayer .trace").count() == 2
    page.locator("select[name=y]").select_option("metric.loss")
    page.locator("#chart[aria-label^='metric.loss of 37 runs']").wait_for()
    assert page.get_by_label("Best is").input_value() == "min"
    screenshots(page, "runs-best")
    page.get_by_role("button", name="Parallel").click()
    page.locator("svg.parallel").wait_for()
    assert page.locator("svg.parallel .lines path").count() == 40
    assert page.locator("svg.parallel .axis").count() == 7
    assert_accessible(page)
    screenshots(page, "runs-parallel")
    page.locator("svg.parallel .lines path").nth(3).dispatch_event("click")
    page.wait_for_url(re.compile(f"/projects/{project}/runs/[0-9a-f]{{32}}$"))


@pytest.mark.parametrize(("width", "is_beside"), [(1280, True), (1100, True), (1099, False), (390, False)])
def test_a_chart_stands_beside_the_table_where_there_is_room(
    hub: RunningHub, page: Page, width: int, is_beside: bool
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    opened(hub, page, address="?chart=scatter")
    page.locator("#chart .main-svg").first.wait_for()
    chart, table = page.locator("#charts").bounding_box(), page.locator("#table").bounding_box()
    assert chart is not None and table is not None
    assert (chart["x"] >= table["x"] + table["width"]) == is_beside
    assert (chart["y"] + chart["height"] <= table["y"]) != is_beside
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_chart_that_was_open_is_open_again_until_it_is_closed(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    page.get_by_role("button", name="Scatter").click()
    page.get_by_label("Up").select_option("metric.loss")
    page.wait_for_url("**y=metric.loss*")
    page.goto("/")
    page.goto(f"/projects/{project}/runs")
    page.locator("#chart[aria-label*='metric.loss against']").wait_for()
    assert said(page) == {"chart": ["scatter"], "y": ["metric.loss"]}
    page.get_by_role("button", name="Close the chart").click()
    page.locator("#charts").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.dataset.chart") == "scatter"
    page.goto(f"/projects/{project}/runs")
    page.locator("tr[data-run]").first.wait_for()
    assert page.locator("#charts").is_hidden()
    assert said(page) == {}


def test_of_what_the_browser_kept_only_a_chart_comes_into_the_address(hub: RunningHub, page: Page) -> None:
    project = opened(hub, page)
    kept = {"chart": "best", "y": "metric.loss", "x": [1], "query": "status", "cursor": "a", "0": "b"}
    page.evaluate(
        "([name, kept]) => localStorage.setItem(name, kept)", [f"chart of {project}", json.dumps(kept)]
    )
    page.reload()
    page.locator("#chart[aria-label^='metric.loss of']").wait_for()
    assert said(page) == {"chart": ["best"], "y": ["metric.loss"]}


def test_a_chart_shows_the_texts_of_users_as_they_are(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    link = '<a href="https://evil.example/">&lt;'
    for run, model in (("one", link), ("two", "--text")):
        send_run(hub.admin, project, run, parameters={link: model}, metrics={"<b>loss": 0.5})
    address = urlencode(
        {"chart": "scatter", "x": name_of(Value("parameter", link)), "y": name_of(Value("metric", "<b>loss"))}
    )
    signed_in(page, hub.admin).goto(f"/projects/{project}/runs?{address}")
    page.locator("#chart .main-svg").first.wait_for()
    assert page.locator("#chart a").count() == 0
    assert set(page.locator("#chart .xtick text").all_text_contents()) == {link, "--text"}
    assert page.locator("#chart .xtitle").text_content() == f"{name_of(Value('parameter', link))[:31]}…"
    assert page.locator("#chart .ytitle").text_content() == name_of(Value("metric", "<b>loss"))


def test_what_spans_powers_of_ten_is_charted_on_a_logarithmic_scale(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    for power in range(6):
        values = {"optimizer.rate": 10.0**-power, "optimizer.weight decay of the last layer": power}
        send_run(hub.admin, project, f"{power}", parameters=values, metrics={"accuracy": power / 10})
    rate = 'parameter["optimizer.rate"]'
    columns = [rate, 'parameter["optimizer.weight decay of the last layer"]', "metric.accuracy"]
    address = urlencode(
        {"chart": "scatter", "x": rate, "y": "metric.accuracy", "column": columns}, doseq=True
    )
    signed_in(page, hub.admin).goto(f"/projects/{project}/runs?{address}")
    page.locator("#chart .main-svg").first.wait_for()
    assert page.locator("#chart .xtitle").text_content() == f"{rate}, log scale"
    assert page.locator("#chart .ytitle").text_content() == "metric.accuracy"
    page.get_by_role("button", name="Parallel").click()
    page.locator("svg.parallel").wait_for()
    assert page.locator(".axis .kind").all_text_contents() == ["parameter, log scale", "parameter", "metric"]
    names = page.locator(".axis .name").evaluate_all("names => names.map((each) => each.firstChild.data)")
    assert names == ["optimizer.rate", "optimi…he last layer", "accuracy"]


def test_a_chart_of_nothing_says_so(hub: RunningHub, page: Page) -> None:
    opened(hub, page, address="?chart=scatter&query=metric.accuracy>2&x=parameter.depth&y=metric.accuracy")
    page.locator("#charts", has_text="None of these runs has what this chart shows.").wait_for()
    assert page.locator("#chart").is_hidden()
    page.get_by_role("combobox", name="Query").fill("")
    page.get_by_role("button", name="Find").click()
    page.locator("#chart .main-svg").first.wait_for()


def test_a_range_of_an_axis_dims_the_other_runs(hub: RunningHub, page: Page) -> None:
    opened(hub, page, count=20, address="?chart=parallel&column=parameter.depth&column=metric.accuracy")
    grip = page.locator("svg.parallel .grip").first
    box = grip.bounding_box()
    assert box is not None
    x, top = box["x"] + box["width"] / 2, box["y"]
    page.mouse.move(x, top + 2)
    page.mouse.down()
    page.mouse.move(x, top + box["height"] / 2, steps=4)
    page.mouse.up()
    dimmed = page.locator("svg.parallel path.out").count()
    assert 0 < dimmed < 20
    page.mouse.click(x, top + box["height"] / 2)
    assert page.locator("svg.parallel path.out").count() == 0


def test_a_chart_follows_the_colours_of_the_reader(hub: RunningHub, page: Page) -> None:
    opened(hub, page, address="?chart=scatter")
    page.locator("#chart .main-svg").first.wait_for()
    colour = "getComputedStyle(document.querySelector('#chart .xtitle')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    wait_until(page, f"{colour} !== '{light}'")
