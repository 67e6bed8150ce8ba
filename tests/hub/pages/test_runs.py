"""The runs of a project as the server writes them: columns, order, mistakes, permissions, escaping, weight."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dotscience.hub.pages.render

from .html import html_of
from .study import MARKUP, begin_run, send_run

if TYPE_CHECKING:
    from ...hub_server import Person, RunningHub

STATIC = Path(dotscience.hub.pages.render.STATIC)


def text_of(person: Person, project: str, status: int = 200, **asked: Any) -> str:
    return html_of(
        person.get(f"/projects/{project}/runs", params=asked, headers={"Accept": "text/html"}), status
    )


def heads(text: str) -> list[str]:
    return re.findall(r'data-column="([^"]*)"', text)


def ids(text: str) -> list[str]:
    return re.findall(r'<tr data-run="([^"]*)"', text)


def test_who_chose_nothing_sees_the_metrics_and_parameters_that_most_runs_have(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send_run(hub.admin, project, "a", metrics={"rare": 1, "loss": 1}, parameters={"n": 1})
    send_run(hub.admin, project, "b", metrics={"loss": 2}, parameters={"n": 2}, labels={"mode": "x"})
    assert heads(text_of(hub.admin, project)) == [
        "started",
        "duration",
        "metric.loss",
        "metric.rare",
        "parameter.n",
    ]


def test_the_address_says_which_columns_in_which_order(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for run, loss in (("a", 2.5), ("b", 0.5), ("c", 1.25)):
        send_run(hub.admin, project, run, metrics={"val.loss": loss}, labels={"mode": run})
    text = text_of(hub.admin, project, column=["label.mode", 'metric["val.loss"]'], sort='metric["val.loss"]')
    assert heads(text) == ["started", "duration", "label.mode", "metric[&#34;val.loss&#34;]"]
    assert ids(text) == ["b", "c", "a"]
    assert 'data-column="metric[&#34;val.loss&#34;]" aria-sort="ascending"' in text
    assert 'name="sort" value="-metric[&#34;val.loss&#34;]"' in text
    assert re.findall(r'<td class="number">(\d.*?)</td>', text)[1::2] == ["0.50", "1.25", "2.50"]


def test_a_mistake_is_shown_at_its_character(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    text = text_of(hub.admin, project, 422, query="metric.loss = 3")
    assert "metric.loss <mark>=</mark> 3" in text
    assert 'data-position="12"' in text


def test_numbers_of_any_size_have_a_place(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for run, value in enumerate(
        [10**400, -1, 0.0, 1e-300, 1e300, float("inf"), float("nan"), 0.125, True, "text", None, [1]]
    ):
        send_run(hub.admin, project, f"r{run:02}", metrics={"x": value})
    cells = re.findall(
        r'<td class="(?:number|text|none number)">([^<]*)</td>',
        text_of(hub.admin, project, column="metric.x", sort="id"),
    )
    said = [cell for cell in cells if cell != "4 min"]
    assert said[0].startswith("1000000")
    assert len(said[0]) < 100
    assert said[-5:] == ["0.125", "True", "text", "", "[1]"]
    assert {"-1", "0", "1e-300", "1e+300", "inf", "nan"} <= set(said)


@pytest.mark.parametrize(
    "asked",
    [
        {"sort": "3"},
        {"column": "-metric.x"},
        {"column": "nothing"},
        {"cursor": "none"},
        {"limit": 501},
        {"column": ["started"] * 51},
    ],
)
def test_wrong_addresses_are_refused(hub: RunningHub, asked: dict[str, Any]) -> None:
    text_of(hub.admin, hub.project(hub.admin).id, 422, **asked)


def test_every_text_is_shown_as_it_is(hub: RunningHub) -> None:
    project = hub.project(hub.admin, MARKUP).id
    hub.admin.patch(f"/api/projects/{project}", json={"description": MARKUP})
    hub.admin.post(
        f"/api/projects/{project}/views",
        json={"name": MARKUP, "settings": {"query": f"status != {MARKUP!r}"}},
    )
    send_run(
        hub.admin,
        project,
        "a",
        description=MARKUP,
        parameters={MARKUP: MARKUP, "list": [MARKUP], "torn": "a\udce9\x00\x1b[31m"},
        metrics={MARKUP: 1},
        labels={"mode": MARKUP},
    )
    hub.admin.put(
        f"/api/projects/{project}/runs/a/annotations/{'0' * 32}", json={"tag": MARKUP.replace(" ", "")}
    )
    for asked in (
        {},
        {"query": f'"{MARKUP}" in metric'},
        {"query": MARKUP},
        {"column": ["label.mode", "parameter.torn"]},
    ):
        answer = hub.admin.get(f"/projects/{project}/runs", params=asked)
        text = answer.text
        assert answer.status_code in (200, 422)
        assert "<script>alert" not in text
        assert "<b onmouseover" not in text
        assert "\x1b" not in text
        assert "\x00" not in text


def test_the_state_for_scripts_cannot_end_its_element(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send_run(hub.admin, project, "a", metrics={"</script><script>alert(1)</script>": 1})
    state = text_of(hub.admin, project).partition('id="state">')[2]
    assert state.index("</script>") > state.index("}")


def test_viewers_get_no_buttons_that_would_be_refused(hub: RunningHub) -> None:
    bob, carl = hub.person("bob"), hub.person("carl")
    project = hub.project(hub.admin, editor=bob, viewer=carl).id
    bob.post(
        f"/api/projects/{project}/views",
        json={"name": "good", "settings": {"query": "status == 'completed'"}},
    )
    hub.admin.patch(f"/api/projects/{project}", json={"is_public": True})
    for person, may_edit in ((bob, True), (carl, False), (hub.nobody, False)):
        text = text_of(person, project)
        assert ('id="save-view"' in text, "Remove the view good" in text) == (may_edit, may_edit)
        assert "?query=status+%3D%3D+%27completed%27" in text


def test_a_private_project_is_not_there_for_others(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    text_of(hub.person("bob"), project, 404)


def test_a_project_is_first_of_all_its_runs(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    answer = hub.admin.get(f"/projects/{project}", allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/projects/{project}/runs")


def test_a_run_in_progress_says_when_it_was_heard_of(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    begin_run(hub.admin, project, "live")
    assert re.search(r"running</span>\s*<small[^>]*>heard <time", text_of(hub.admin, project))


def test_pages_follow_each_other_by_a_link(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for number in range(5):
        send_run(hub.admin, project, f"r{number}", metrics={"x": number})
    text, found = text_of(hub.admin, project, sort="metric.x", limit=2), []
    while True:
        found += ids(text)
        more = re.search(r'id="more" class="button" href="([^"]*)"', text)
        if more is None:
            break
        text = html_of(hub.admin.get(f"/projects/{project}/runs{more[1].replace('&amp;', '&')}"))
    assert found == ["r0", "r1", "r2", "r3", "r4"]


def test_a_page_of_many_columns_is_light(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    values = {f"value_{number}": number / 7 for number in range(20)}
    for number in range(50):
        send_run(
            hub.admin,
            project,
            f"{number:032x}",
            description="a study of forests",
            metrics=values,
            parameters=values,
        )
    columns = [f"{kind}.{name}" for kind in ("metric", "parameter") for name in values]
    text = text_of(hub.admin, project, column=columns)
    assert len(ids(text)) == 50
    named = re.findall(r'(?:src|href)="/static/([^"]*)"', text)
    loaded = with_imports({STATIC / name for name in named})
    assert {"runs.js", "query.js", "base.css", "runs.css"} < {path.name for path in loaded}
    assert len(text.encode()) + sum(path.stat().st_size for path in loaded) < 200_000


def with_imports(paths: set[Path]) -> set[Path]:
    """Those files, and the modules that they import."""
    imported = {
        path.parent / name for path in paths for name in re.findall(r'from "./([^"]*)"', path.read_text())
    }
    return paths if imported <= paths else with_imports(paths | imported)
