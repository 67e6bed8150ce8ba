"""The runs of a project as a person uses them, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from dotscience.catalog.columns import name_of, parse_column
from dotscience.catalog.expressions import Value

from ...hub_server import new_hub, serving
from ..browser import assert_accessible, expect_faults, screenshots, signed_in, wait_until
from .study import begin_run, go_on, send_run, send_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
    page.get_by_role("checkbox").nth(2).check()
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
        page.get_by_role("checkbox").nth(number).check()
    wanted = [ids(page)[0], ids(page)[3]]
    assert compare.inner_text() == "Compare 2"
    assert compare.get_attribute("href") == f"/projects/{project}/compare?run={wanted[0]}&run={wanted[1]}"
    page.get_by_role("button", name="metric loss").click()
    page.locator('th[aria-sort][data-column="metric.loss"]').wait_for()
    assert page.locator("tr:has(input:checked)").count() == 2


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
