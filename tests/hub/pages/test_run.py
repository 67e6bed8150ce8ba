"""The page of a run: everything that is known of it, escaped and within bounds, whatever its record holds."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotscience.hub.settings import HubSettings
from dotscience.records.files import FileVersion
from dotscience.records.record import Record

from ...hub_server import RunningHub, running
from ..sending import NOW, Live, kept, record, send, upload
from .html import html_of
from .rich import NOTEBOOK, PNG, send_rich
from .study import MARKUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response


def sent(hub: RunningHub, **fields: Any) -> str:
    """The address of the page of a published run with those fields."""
    project = hub.project(hub.admin).id
    send(hub.admin, project, record(**fields))
    return f"/projects/{project}/runs/7f3c"


def test_a_run_has_its_page_and_the_addresses_that_the_old_client_prints(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send_rich(hub.admin, project)
    for address in (
        f"/projects/{project}/runs/7f3c0000",
        f"/project/{project}/runs/metric/7f3c0000",
        f"/project/{project}/runs/summary/7f3c0000",
    ):
        text = html_of(hub.admin.get(address))
        assert "<h1>Train with rate 0.01</h1>" in text
        assert "fingerprint only" in text and "unseen: there was no such file" in text
    moved = hub.admin.get(f"/project/{project}", allow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (303, f"/projects/{project}/runs")


def test_the_twin_is_answered_with_304_until_something_changes(hub: RunningHub) -> None:
    twin = "/api" + sent(hub, metrics={"loss": 1.0})
    first = hub.admin.get(twin)
    known = {"If-None-Match": first.headers["ETag"]}
    assert hub.admin.get(twin, headers=known).status_code == 304
    hub.admin.put(f"{twin}/annotations/00000000-0000-4000-8000-000000000001", json={"tag": "good"})
    assert hub.admin.get(twin, headers=known).json()["tags"] == ["good"]


@pytest.mark.parametrize("path", ["", "/files?role=inputs", "/packages"])
def test_a_run_of_another_project_is_not_shown(hub: RunningHub, path: str) -> None:
    bob = hub.person("bob")
    sent(hub)
    theirs = hub.project(bob, "other").id
    assert bob.get(f"/projects/{theirs}/runs/7f3c{path}").status_code == 404


def test_texts_stand_as_they_are(hub: RunningHub) -> None:
    markup = {MARKUP: MARKUP}
    text = html_of(
        hub.admin.get(
            sent(
                hub,
                description=MARKUP,
                error=MARKUP,
                workload_file=MARKUP,
                labels=markup,
                parameters=markup,
                metrics=markup,
                inputs=(FileVersion(MARKUP, "a" * 64, 1),),
                process={"traceback": MARKUP},
                code={"cells": [{"source": MARKUP, "count": 1}]},
                git={"commit": MARKUP},
                environment={"argv": [MARKUP], "variables": markup},
                notices=(MARKUP,),
            )
        )
    )
    assert "<script>alert" not in text and "<b onmouseover" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 14


def test_long_values_are_cut_and_say_so(hub: RunningHub) -> None:
    address = sent(
        hub, parameters={"long": "x" * 1_000_000}, labels={"nested": {"type": "t", "text": "y" * 500_000}}
    )
    text = html_of(hub.admin.get(address))
    assert len(text) < 100_000
    assert "998,000 more characters" in text and "498,000 more characters" in text


def test_thousands_of_files_are_grouped_by_directory_and_listed_on_demand(hub: RunningHub) -> None:
    inputs = tuple(
        FileVersion(f"data/part{number % 3}/{number}.csv", f"{number:064x}", 10) for number in range(3000)
    )
    address = sent(hub, inputs=inputs)
    text = html_of(hub.admin.get(address))
    assert text.count("<tr>") < 200 and "Show all 3,000" in text
    assert "<code>data/part2/</code>" in text and "1,000 files" in text
    assert html_of(hub.admin.get(f"{address}/files?role=inputs")).count("/lineage?digest=") == 3000
    assert hub.admin.get(f"{address}/files?role=others").status_code == 422
    assert len(hub.admin.get(f"/api{address}/files").json()["inputs"]) == 3000


def test_a_run_that_is_silent_is_said_to_be(tmp_path: Path) -> None:
    now = [NOW.timestamp()]
    with running(tmp_path, clock=lambda: now[0]) as hub:
        project = hub.project(hub.admin).id
        Live(hub.admin, project, "9a9a")
        assert 'data-heard="1793521800000" hidden>' in html_of(
            hub.admin.get(f"/projects/{project}/runs/9a9a")
        )
        now[0] += 91
        assert 'data-heard="1793521800000">' in html_of(hub.admin.get(f"/projects/{project}/runs/9a9a"))


def test_as_many_sources_are_coloured_as_a_page_takes(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dotscience.hub.pages.highlight._MOST", 25)
    cells = [
        {"source": f"import m{number}", "count": number} for number in range(4)
    ]  # of ten characters each
    project = hub.project(hub.admin).id
    send(hub.admin, project, record(code={"cells": cells}))
    shown = hub.admin.get(f"/projects/{project}/runs/7f3c").text
    assert shown.count('<span class="kn">import</span>') == 2
    assert shown.count(">import m") == 2


# Previews


def preview(hub: RunningHub, name: str, data: bytes) -> Any:
    project = hub.project(hub.admin).id
    digest = upload(hub.admin, project, data)
    html_of(hub.admin.get(f"/projects/{project}/previews/{digest}", params={"name": name}))
    return hub.admin.get(f"/api/projects/{project}/blobs/{digest}/preview", params={"name": name}).json()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.csv", b"a,b\n1,2\n", "table"),
        ("a.tsv", b"a\tb\n1\t2\n", "table"),
        ("a.csv", b"a;b\n1;2\n", "table"),
        ("a.csv", b'a,b\n"' + b"x" * 200_000 + b'",2\n', "text"),
        ("a.csv", b"\x00\x01", "none"),
        ("a.csv", b"", "empty"),
        ("a.png", PNG, "image"),
        ("a.txt", PNG, "image"),
        ("a.png", b"<svg onload=alert(1)>", "text"),
        ("a.svg", b"<svg onload=alert(1)>", "text"),
        ("a.html", b"<script>alert(1)</script>", "text"),
        ("a.ipynb", NOTEBOOK, "notebook"),
        ("a.ipynb", b'{"cells": [1, {}, {"source": 5, "outputs": [1, {"data": 2}]}]}', "notebook"),
        ("a.ipynb", b"[" * 100_000, "text"),
        ("a.ipynb", b'{"cells": [' + b"{}," * 400_000 + b"{}]}", "text"),
        ("a.json", b"{" * 5000, "text"),
        ("a.py", "größer\u2028\x1b[31m".encode(), "text"),
        ("a.bin", bytes(range(256)), "none"),
        ("a.pkl", b"\x80\x04cos\nsystem\n", "none"),
    ],
)
def test_a_file_is_shown_as_what_it_is(hub: RunningHub, name: str, data: bytes, kind: str) -> None:
    assert preview(hub, name, data)["kind"] == kind


def test_a_long_text_is_cut(hub: RunningHub) -> None:
    found = preview(hub, "a.log", "é".encode() * 1_000_000)
    assert len(found["text"]) == 131_072 and found["note"] == "The first 256 KiB are shown."


def test_pictures_are_served_as_what_they_are_and_nothing_else_is(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    picture, page = upload(hub.admin, project, PNG), upload(hub.admin, project, b"<svg onload=alert(1)>")
    shown = hub.admin.get(f"/projects/{project}/images/{picture}")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert hub.admin.get(f"/projects/{project}/images/{page}").status_code == 415


@pytest.mark.parametrize("address", ["images/{}", "previews/{}"])
def test_a_digest_that_the_project_does_not_hold_opens_nothing(hub: RunningHub, address: str) -> None:
    digest = upload(hub.admin, hub.project(hub.admin).id, PNG)
    bob = hub.person("bob")
    theirs = hub.project(bob, "other").id
    assert bob.get(f"/projects/{theirs}/{address.format(digest)}").status_code == 404
    assert bob.get(f"/projects/{theirs}/{address.format('x')}").status_code == 422


def test_content_that_a_run_in_progress_names_but_the_project_does_not_hold_stays_closed(
    hub: RunningHub,
) -> None:
    bob = hub.person("bob")
    secret = upload(hub.admin, hub.project(hub.admin).id, b'{"secret": "1.0"}')
    theirs = hub.project(bob, "other").id
    live = Live(bob, theirs, "9a9a")
    live.say(["surroundings", {"environment": {"packages": {"sha256": secret}}}])
    assert "secret" not in html_of(bob.get(f"/projects/{theirs}/runs/9a9a/packages"))


# Whatever a record holds

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=8), anything, max_size=3)


def having(*names: str) -> st.SearchStrategy[Any]:
    """An object that has some of those fields, of any kind."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, anything)) | objects


texts = st.text(max_size=40)
values = st.dictionaries(
    st.text(max_size=10),
    st.text(max_size=10)
    | st.integers(-(1 << 62), 1 << 62)
    | st.booleans()
    | st.none()
    | st.fixed_dictionaries({"type": texts, "text": texts}, optional={"value": anything}),
    max_size=4,
)
digests = st.sampled_from(["a" * 64, "b" * 64])
files = st.lists(
    st.builds(
        FileVersion, texts, st.none() | digests, st.none() | st.integers(0, 1 << 62), unseen=st.none() | texts
    ),
    max_size=4,
).map(tuple)
fields = st.fixed_dictionaries(
    {},
    optional={
        "description": texts,
        "error": texts,
        "mode": texts,
        "workload_file": texts,
        "continues": texts,
        "labels": values
        | st.fixed_dictionaries({"artefact:m": texts | st.just('{"files": {"a": 1}, "type": []}')}),
        "parameters": values,
        "metrics": values,
        "inputs": files,
        "outputs": files,
        "series": having("names", "other"),
        "workspace": having("root", "host"),
        "process": having("rank", "world_size", "traceback", "execution"),
        "code": having("workload", "modules", "cells", "notebook", "workload_unknown"),
        "git": having("commit", "branch", "dirty", "untracked"),
        "environment": having("argv", "variables", "cpu", "ram", "gpus", "python", "platform"),
        "notices": st.lists(texts, max_size=3).map(tuple),
    },
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One Hub for many examples."""
    with running(tmp_path_factory.mktemp("hub"), settings=HubSettings()) as hub:
        yield hub


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(fields, fields)
def test_whatever_records_hold_no_page_fails(
    shared: RunningHub, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    project = shared.project(shared.admin, f"study {first}").id
    answers = [offered(shared, project, run, given) for run, given in ((first, one), (second, other))]
    assert all(answer.status_code in (201, 409, 422) for answer in answers), [
        answer.text for answer in answers
    ]
    for run, answer in zip((first, second), answers, strict=True):
        if answer.status_code == 201:
            for address in ("", "/packages", "/files?role=outputs"):
                html_of(shared.admin.get(f"/projects/{project}/runs/{run}{address}"))
            for address in ("", "/files", "/series"):
                json.loads(shared.admin.get(f"/api/projects/{project}/runs/{run}{address}").text)
    if all(answer.status_code == 201 for answer in answers):
        html_of(shared.admin.get(f"/projects/{project}/compare?run={first}&run={second}"))
        assert (
            shared.admin.get(f"/api/projects/{project}/compare?run={first}&run={second}").status_code == 200
        )


def offered(hub: RunningHub, project: str, run: str, given: dict[str, Any]) -> Response:
    """The answer to a record of those fields."""
    raw = Record(run, "completed", NOW, **given).to_bytes()
    return hub.admin.put(f"/api/projects/{project}/runs/{run}", data=raw)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(anything, max_size=3).map(lambda rest: ["label", *rest]) | st.lists(anything, max_size=4),
        max_size=5,
    ),
    having("code", "git", "environment", "notices"),
)
def test_whatever_a_journal_says_no_page_fails(shared: RunningHub, events: list[Any], around: Any) -> None:
    run = str(uuid.uuid4())
    project = shared.project(shared.admin, f"live {run}").id
    live = Live(shared.admin, project, run)
    lines = [*events, ["surroundings", around], ["inputs", [{"path": "a", "sha256": "a" * 64, "kept": True}]]]
    answer = live.offer("journal", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert answer.status_code in (200, 422), answer.text
    html_of(shared.admin.get(f"/projects/{project}/runs/{run}"))
    assert shared.admin.get(f"/api/projects/{project}/runs/{run}").status_code == 200


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 990])
def test_a_value_that_is_nested_deep_is_refused_or_shown(hub: RunningHub, depth: int) -> None:
    project = hub.project(hub.admin).id
    nested = '{"a":' * depth + "1" + "}" * depth
    body = f'{{"environment":{{"x":{nested}}},"id":"7f3c","parameters":{{"p":{{"text":"t","type":"t","value":{nested}}}}},"published":"2026-11-01T08:30:00.000000Z","record":1,"status":"completed"}}'
    raw = f'{{"seal":"{hashlib.sha256(body.encode()).hexdigest()}",{body[1:]}\n'
    answer = hub.admin.put(f"/api/projects/{project}/runs/7f3c", data=raw)
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 201:
        html_of(hub.admin.get(f"/projects/{project}/runs/7f3c"))
        assert hub.admin.get(f"/api/projects/{project}/runs/7f3c").status_code in (200, 422)


def test_kept_content_can_be_downloaded(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    version = kept(hub.admin, project, "a/b.csv", b"a,b\n")
    send(hub.admin, project, record(outputs=(version,)))
    text = html_of(hub.admin.get(f"/projects/{project}/runs/7f3c"))
    assert f'href="/api/projects/{project}/blobs/{version.digest}" download="b.csv"' in text
