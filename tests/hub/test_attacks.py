"""What somebody tries who wants a Hub to fail, to forget, or to tell what is not theirs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import Connection, text

from dotscience.hub.access import Access, Asker
from dotscience.hub.services import accounts, intake
from dotscience.hub.services.intake import Arrival
from dotscience.hub.store import live, projects
from dotscience.hub.store.transactions import changing
from dotscience.records.record import Record, seal_of
from dotscience.storage.points import Layout, layout_frame

from ..hub_server import Person, RunningHub, running

if TYPE_CHECKING:
    from ..postgres import Postgres

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
DIGEST = hashlib.sha256(b"some content").hexdigest()
WIDE = "".join(chr(0x1F300 + number * 7 % 900) for number in range(1000))
"""Characters of four bytes that no compression makes short."""
HALVES = "".join(chr(0xD800 + number * 7 % 2000) for number in range(1000))
"""Halves of characters, which a database holds as seven bytes each."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    database = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = postgres.url(postgres.new_database())
    with running(tmp_path_factory.mktemp("hub"), database=database) as served:
        yield served


@pytest.fixture
def here(hub: RunningHub) -> str:
    """The address of a new project of the administrator's."""
    return f"/api/projects/{hub.project(hub.admin, f'study {uuid.uuid4()}').id}"


def sealed(run: str, **fields: Any) -> bytes:
    """A record as its writer would send it, whatever its fields hold."""
    document = {"record": 1, "id": run, "status": "completed", "published": "2026-11-01T08:30:00Z", **fields}
    body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")
    return b'{"seal":"%s",%s\n' % (seal_of(body).encode(), body[1:])


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


ODD_RECORDS: dict[str, dict[str, Any]] = {
    "a name of 500 wide characters": {"parameters": {WIDE[:500]: 1}},
    "a name of 500 halves of characters": {"labels": {HALVES[:500]: "a"}},
    "a series of 500 halves of characters": {"series": {"names": {HALVES[:500]: {}}}},
    "a path of 1000 wide characters": {"outputs": [{"path": WIDE, "sha256": DIGEST}]},
    "a path of 1000 halves of characters": {"inputs": [{"path": HALVES, "sha256": DIGEST}]},
    "a series that counts to True": {"series": {"names": {"a": {"count": True, "last": True, "min": False}}}},
    "a series of half a point": {"series": {"names": {"a": {"count": 1.5}}}},
    "a series of more points than there are numbers": {"series": {"names": {"a": {"count": 1 << 80}}}},
    "a series of -1 points": {"series": {"names": {"a": {"count": -1}}}},
    "a series of infinitely many points": {"series": {"names": {"a": {"count": 1e999, "last": 1e999}}}},
    "a series that is a list": {"series": {"names": [1, 2]}},
    "a digest of packages that is a NUL": {"environment": {"packages": {"sha256": "\0"}}},
    "a digest of packages that is half a character": {"environment": {"packages": {"sha256": "\ud800"}}},
    "a digest of packages that is a word": {"environment": {"packages": {"sha256": "word"}}},
    "a digest of a million characters": {"git": {"diff": {"sha256": "0" * 1_000_000}}},
    "digests in capitals": {"series": {"blob": {"sha256": DIGEST.upper()}}},
    "a time before all times": {"started": "0001-01-01T00:00:00+14:00"},
    "a time after all times": {"ended": "9999-12-31T23:59:59-14:00"},
    "the first of all times": {"started": "0001-01-01T00:00:00Z", "ended": "0001-01-01T00:00:00Z"},
    "a size beyond 63 bits": {"outputs": [{"path": "a", "sha256": DIGEST, "size": 1 << 63}]},
    "a size below zero": {"outputs": [{"path": "a", "sha256": DIGEST, "size": -1}]},
    "a size of 63 bits": {"outputs": [{"path": "a", "sha256": DIGEST, "size": (1 << 63) - 1, "mtime": 10**30}]},
    "numbers of 4000 digits": {"metrics": {"a": 10**4000, "b": -(10**4000)}},
    "numbers that are none": {
        "metrics": {"a": {"type": "t", "text": "nan", "value": float("nan")}, "b": {"type": "t", "text": "x", "value": 1e999}}
    },
    "values nested 100 deep": {"parameters": {"a": {"type": "t", "text": "x", "value": nested(100)}}},
    "values nested 400 deep": {"parameters": {"a": {"type": "t", "text": "x", "value": nested(400)}}},
    "values nested 800 deep": {"parameters": {"a": {"type": "t", "text": "x", "value": nested(800)}}},
    "values nested 930 deep": {"parameters": {"a": {"type": "t", "text": "x", "value": nested(930)}}},
    "facts nested 930 deep": {"environment": {"a": nested(930)}},
    "facts nested 900 deep": {"environment": {"a": nested(900)}},
    "a model nested deep": {"labels": {"artefact:a": '{"files":' + "[" * 900 + "]" * 900 + "}"}},
    "a model of numbers": {"labels": {"artefact:a": '{"files": {"model": 1}, "type": [], "version": 1e999}'}},
    "code that is a list": {"code": {"workload": [], "modules": [None, 1, "a", {"path": 1}], "cells": [1, {"source": 1}]}},
    "arguments that are numbers": {"environment": {"argv": [1, None, "\ud800"], "variables": [1]}, "git": {"commit": 1}},
    "a tag for a status": {"status": "running"},
    "an unknown field": {"admin": True},
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_RECORDS)
def test_an_odd_record_is_taken_or_refused_and_what_was_taken_can_be_shown(
    hub: RunningHub, here: str, case: str
) -> None:
    run = uuid.uuid4().hex
    put = hub.admin.put(f"{here}/runs/{run}", data=sealed(run, **ODD_RECORDS[case]))
    assert put.status_code in (201, 409, 422), put.text[:500]
    assert len(put.text) < 2000
    paths = ["", "/files", "/series", "/record"]
    shown = [f"{here}/runs/{run}{path}" for path in paths] + [
        f"{here}/runs",
        f"{here}/names",
        f"{here}/files",
    ]
    for path in [*shown, "/api/home"]:
        answer = hub.admin.get(path)
        assert answer.status_code in (200, 404) if put.status_code != 201 else answer.status_code == 200, (
            f"{path}: {answer.status_code} {answer.text[:300]}"
        )
    if put.status_code == 201:
        noted = hub.admin.put(f"{here}/runs/{run}/annotations/{uuid.uuid4()}", json={"tag": "seen"})
        assert noted.status_code == 200, noted.text
        assert hub.admin.delete(f"{here}/runs/{run}").status_code == 204
        assert hub.admin.post(f"{here}/runs/{run}/restore").status_code == 200


def header(run: str) -> dict[str, Any]:
    return {"journal": 1, "id": run, "root": "/study", "process": {}}


ODD_JOURNALS: dict[str, list[Any]] = {
    "the same file with and without a size": [["inputs", [{"path": "a", "size": 1}, {"path": "a"}]]],
    "the same file with and without a digest": [["inputs", [{"path": "a", "sha256": DIGEST, "size": 1}, {"path": "a"}]]],
    "times that are none": [["started", 1e999], ["started", True], ["ended", -1e18], ["started", "x"], ["ended", 10**400]],
    "values that are none": [["metric", "a"], ["metric", 1, 2], ["label"], ["parameter", "a", [1]], ["metric", "a", 1e999]],
    "events that are none": [[1], {}, "x", [], ["nonsense"], [["a"]], None],
    "inputs that are none": [["inputs", 1], ["inputs", [1]], ["inputs", [{"path": "a", "size": -1}]], ["inputs"]],
    "a status that is none": [["closed", "completed"], ["closed", {}], ["closed"]],
    "surroundings of other types": [["surroundings", {"code": []}], ["surroundings", {"notices": [1]}], ["surroundings", 1]],
    "surroundings that say nothing": [["surroundings", {"environment": {"argv": "x"}, "git": {"dirty": 1}}]],
    "an output of halves of characters": [["output", HALVES]],
    "a name of halves of characters": [["metric", HALVES[:500], 1]],
    "values nested 900 deep": [["metric", "a", {"type": "t", "text": "x", "value": nested(900)}]],
    "facts nested 900 deep": [["surroundings", {"environment": {"a": nested(900)}}]],
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_JOURNALS)
def test_an_odd_journal_is_taken_or_refused_and_what_was_taken_can_be_shown(
    hub: RunningHub, here: str, case: str
) -> None:
    run = uuid.uuid4().hex
    lines = [header(run), ["started", NOW.timestamp()], *ODD_JOURNALS[case]]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    put = hub.admin.put(f"{here}/runs/{run}/journal?offset=0", data=data)
    assert put.status_code in (200, 422), put.text[:500]
    for path in (f"{here}/runs/{run}", f"{here}/runs/{run}/series", f"{here}/runs", "/api/home"):
        answer = hub.admin.get(path)
        assert answer.status_code in ((200,) if put.status_code == 200 else (200, 404)), (
            f"{path}: {answer.text[:300]}"
        )


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


Ask = Callable[[Person, str], requests.Response]
ODD_REQUESTS: dict[str, Ask] = {
    "a cursor of projects with a NUL": lambda p, h: p.get("/api/projects", params={"cursor": cursor("a", "\0")}),
    "a cursor of projects with half a character": lambda p, h: p.get("/api/projects", params={"cursor": cursor("\ud800", "\ud800")}),
    "a cursor of runs with a NUL": lambda p, h: p.get(f"{h}/runs", params={"cursor": cursor(0, 1, "\0")}),
    "a cursor of runs with half a character": lambda p, h: p.get(f"{h}/runs", params={"cursor": cursor(0, 1, "\ud800")}),
    "a cursor of files with odd numbers": lambda p, h: p.get(f"{h}/files", params={"cursor": cursor(0, "a", 1 << 62, "ff", 1 << 62)}),
    "a cursor of no number": lambda p, h: p.get(f"{h}/runs", params={"sort": "metric.a", "cursor": cursor(0, float("nan"), "", None, None, "")}),
    "a cursor of infinity": lambda p, h: p.get(f"{h}/runs", params={"sort": "metric.a", "cursor": cursor(0, float("inf"), "", 0, 1, "")}),
    "a sort by a hundred metrics": lambda p, h: p.get(f"{h}/runs", params={"sort": [f"metric.m{number}" for number in range(100)]}),
    "a hundred columns": lambda p, h: p.get(f"{h}/columns", params={"column": [f"metric.m{number}" for number in range(100)]}),
    "a query of 5000 negations": lambda p, h: p.get(f"{h}/runs", params={"query": "not " * 1200 + "status == 'a'"}),
    "a query with a huge number": lambda p, h: p.get(f"{h}/runs", params={"query": "metric.a > " + "9" * 4000}),
    "a query with an infinite number": lambda p, h: p.get(f"{h}/runs", params={"query": "metric.a > 1e999 or duration > 1e999"}),
    "a query with a huge year": lambda p, h: p.get(f"{h}/runs", params={"query": "started > '0001-01-01T00:00+14:00'"}),
    "a query with escaped halves": lambda p, h: p.get(f"{h}/runs", params={"query": r"label.a == '\ud800\x00' or '\ud800*\x00' in input"}),
    "lineage of a half": lambda p, h: p.get(f"{h}/runs", params={"query": r"upstream('\ud800\x00')"}),
    "a note of a long part": lambda p, h: p.get(f"{h}/runs", params={"query": f"'{'a' * 2000}' in note"}),
    "lineage of nothing": lambda p, h: p.get("/api/lineage", params={"digest": ""}),
    "lineage of a path of wildcards": lambda p, h: p.get("/api/lineage", params={"project": h[14:], "path": "%/_"}),
    "a search for wildcards": lambda p, h: p.get("/api/search", params={"q": "%_! \\ ' \" /"}),
    "a search for a hundred words": lambda p, h: p.get("/api/search", params={"q": "a " * 100}),
    "a range of 5000 digits": lambda p, h: p.get(f"{h}/blobs/{_blob(p, h)}", headers={"Range": f"bytes={'9' * 5000}-"}),
    "a range of 5000 last digits": lambda p, h: p.get(f"{h}/blobs/{_blob(p, h)}", headers={"Range": f"bytes=-{'9' * 5000}"}),
    "a length of 4000 digits": lambda p, h: p.put(f"{h}/blobs/{DIGEST}", data=b"x", headers={"Upload-Length": "9" * 4000}),
    "a length of 5000 digits": lambda p, h: p.put(f"{h}/blobs/{DIGEST}", data=b"x", headers={"Upload-Length": "9" * 5000}),
    "a password of half a character": lambda p, h: _json(p, "PUT", "/api/me/password", r'{"new": "\ud800aaaaaaaaaaaa"}'),
    "an old password of half a character": lambda p, h: _json(p, "PUT", "/api/me/password", r'{"new": "a", "old": "\ud800"}'),
    "a project of half a character": lambda p, h: _json(p, "POST", "/api/projects", r'{"name": "\ud800"}'),
    "a description of half a character": lambda p, h: _json(p, "PATCH", h, r'{"description": "\ud800\u0000"}'),
    "a key of half a character": lambda p, h: _json(p, "POST", "/api/keys", r'{"name": "\ud800\u0000"}'),
    "a key for a project of half a character": lambda p, h: _json(p, "POST", "/api/keys", r'{"name": "a", "project": "\ud800\u0000"}'),
    "a key that ends after all times": lambda p, h: _json(p, "POST", "/api/keys", '{"name": "a", "expires": "9999-12-31T23:59:59-14:00"}'),
    "a role of half a character": lambda p, h: _json(p, "PUT", f"{h}/members/ada", r'{"role": "\ud800"}'),
    "a view of half a character": lambda p, h: _json(p, "POST", f"{h}/views", r'{"name": "a\ud800", "settings": {"query": ""}}'),
    "digests of half a character": lambda p, h: _json(p, "POST", f"{h}/blobs/missing", r'{"digests": ["\ud800"]}'),
    "a note before all times": lambda p, h: p.put(f"{h}/runs/{_run(p, h)}/annotations/{uuid.uuid4()}", json={"note": "a", "at": "0001-01-01T00:00:00+14:00"}),
    "a note after all times": lambda p, h: p.put(f"{h}/runs/{_run(p, h)}/annotations/{uuid.uuid4()}", json={"note": "a", "at": "9999-12-31T23:59:59-14:00"}),
    "a journal whose root is nested deep": lambda p, h: p.put(f"{h}/runs/deep/journal?offset=0", data=b'{"journal":1,"id":"deep","root":' + b"[" * 900 + b"]" * 900 + b"}\n"),
    "a file name of half a character": lambda p, h: p.get(f"{h}/blobs/{_blob(p, h)}/preview", params={"name": "a.\ufdd0"}),
    "points nobody logged": lambda p, h: p.get(f"{h}/runs/{_run(p, h)}/series/points", params={"name": "a"}),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_REQUESTS)
def test_an_odd_request_is_answered_or_refused_and_never_fails(hub: RunningHub, here: str, case: str) -> None:
    answer = ODD_REQUESTS[case](hub.admin, here)
    assert answer.status_code < 500, answer.text[:500]


def _json(person: Person, method: str, path: str, body: str) -> requests.Response:
    return person.request(method, path, data=body, headers={"Content-Type": "application/json"})


def _blob(person: Person, here: str) -> str:
    data = uuid.uuid4().bytes
    digest = hashlib.sha256(data).hexdigest()
    assert person.put(f"{here}/blobs/{digest}", data=data).status_code == 201
    return digest


def _run(person: Person, here: str) -> str:
    run = uuid.uuid4().hex
    assert person.put(f"{here}/runs/{run}", data=sealed(run)).status_code == 201
    return run


def test_a_piece_of_nonsense_costs_no_more_than_its_beginning(hub: RunningHub, here: str) -> None:
    run = uuid.uuid4().hex
    data = json.dumps(header(run)).encode() + b"\n" * (1 << 20)
    assert hub.admin.put(f"{here}/runs/{run}/journal?offset=0", data=data).status_code == 200
    notices = hub.admin.get(f"{here}/runs/{run}").json()["notices"]
    assert len(notices) == 101 and "too many" in notices[-1]


def test_a_small_file_of_series_that_unpacks_to_a_large_index_is_not_read(hub: RunningHub, here: str) -> None:
    index = zlib.compress(b'{"layouts":[],"chunks":[' + b"[]," * (11 << 20) + b"[]]}")
    data = b"DSSERIES" + index + struct.pack("<I8s", len(index), b"DSSERIES")
    digest, run = hashlib.sha256(data).hexdigest(), uuid.uuid4().hex
    assert hub.admin.put(f"{here}/blobs/{digest}", data=data).status_code == 201
    said = sealed(run, series={"blob": {"sha256": digest}, "names": {"a": {"count": 1}}})
    assert hub.admin.put(f"{here}/runs/{run}", data=said).status_code == 201
    answer = hub.admin.get(f"{here}/runs/{run}/series/points", params={"name": "a"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "unreadable")


def test_a_layout_of_long_names_is_refused(hub: RunningHub, here: str) -> None:
    run = uuid.uuid4().hex
    journal = json.dumps(header(run)).encode() + b"\n"
    assert hub.admin.put(f"{here}/runs/{run}/journal?offset=0", data=journal).status_code == 200
    data = layout_frame(0, Layout(("a" * 501,), False))
    answer = hub.admin.put(f"{here}/runs/{run}/points?offset=0", data=data)
    assert (answer.status_code, answer.json()["reason"]) == (422, "limit")


@pytest.mark.parametrize("is_published", [True, False])
def test_of_a_run_of_somebody_else_a_live_run_says_no_more_than_that_its_id_is_taken(
    hub: RunningHub, here: str, is_published: bool
) -> None:
    run = uuid.uuid4().hex
    journal = json.dumps(header(run)).encode() + b"\n"
    if is_published:
        assert hub.admin.put(f"{here}/runs/{run}", data=sealed(run)).status_code == 201
    else:
        assert hub.admin.put(f"{here}/runs/{run}/journal?offset=0", data=journal).status_code == 200
    eve = hub.person(f"eve{run[:8]}")
    theirs = f"/api/projects/{hub.project(eve).id}/runs/{run}"
    for answer in (eve.put(f"{theirs}/journal?offset=0", data=journal), eve.put(theirs, data=sealed(run))):
        assert (answer.status_code, answer.json()["reason"]) == (409, "elsewhere")
    assert eve.get(theirs).status_code == 404


def test_what_was_said_of_a_run_that_was_dropped_goes_with_it(hub: RunningHub, here: str) -> None:
    run = uuid.uuid4().hex
    journal = json.dumps(header(run)).encode() + b"\n"
    assert hub.admin.put(f"{here}/runs/{run}/journal?offset=0", data=journal).status_code == 200
    noted = hub.admin.put(f"{here}/runs/{run}/annotations/{uuid.uuid4()}", json={"note": "not for eve"})
    assert noted.status_code == 200
    assert hub.admin.delete(f"{here}/runs/{run}").status_code == 204
    eve = hub.person(f"eve{run[:8]}")
    theirs = f"/api/projects/{hub.project(eve).id}/runs/{run}"
    assert eve.put(theirs, data=sealed(run)).status_code == 201
    assert eve.get(theirs).json()["notes"] == []


def test_a_project_that_is_removed_while_content_comes_is_no_project(hub: RunningHub, here: str) -> None:
    data = b"content" * 1000

    def body() -> Iterator[bytes]:
        yield data[:10]
        assert hub.admin.delete(here).status_code == 204
        yield data[10:]

    answer = hub.with_key(hub.admin).put(f"{here}/blobs/{hashlib.sha256(data).hexdigest()}", data=body())
    assert answer.status_code == 404


def test_a_piece_that_comes_again_is_compared_with_what_is_held_of_it(hub: RunningHub, here: str) -> None:
    run = uuid.uuid4().hex
    data = json.dumps(header(run)).encode() + b"\n" + b'["metric","a",1]\n' * 20
    address = f"{here}/runs/{run}/journal"
    for offset in range(0, len(data), 50):
        assert hub.admin.put(f"{address}?offset={offset}", data=data[offset : offset + 50]).status_code == 200
    for start, stop in ((0, 1), (49, 51), (100, 220), (0, len(data))):
        assert hub.admin.put(f"{address}?offset={start}", data=data[start:stop]).json() == {
            "length": len(data)
        }
        wrong = data[start : stop - 1] + b"!"
        assert hub.admin.put(f"{address}?offset={start}", data=wrong).json()["reason"] == "differs"
    held = hub.hub.read(lambda connection: live.content(connection, run, "journal", 60, 3))
    assert held == data[60:63]


def test_a_pattern_that_fits_in_too_many_ways_does_not_stop_the_hub(hub: RunningHub, here: str) -> None:
    run, path = uuid.uuid4().hex, "a" * 900 + "/x/b"
    said = sealed(run, outputs=[{"path": path}], labels={"a": "a" * 100_000 + "b"})
    assert hub.admin.put(f"{here}/runs/{run}", data=said).status_code == 201
    for query in ("'*a*a*a*a*a*a*a*a*a/b' in output", "like(label.a, '%a%a%a%a%a%a%a%a%a%B')"):
        assert hub.admin.get(f"{here}/runs", params={"query": query}).json()["runs"] == []


def test_more_projects_than_a_statement_takes_are_counted(hub: RunningHub) -> None:
    many = [str(uuid.uuid4()) for _ in range(70_000)]
    assert hub.hub.read(lambda connection: projects.count_runs(connection, many)) == {}


def test_a_session_ends_with_the_key_that_it_began_with(tmp_path: Path) -> None:
    clock = Clock()
    with running(tmp_path, clock=clock) as hub:
        assert hub.admin.user is not None
        _, key = accounts.add_key(hub.hub, hub.admin.user, "short", expires=hub.hub.now() + 60_000_000)
        hub.nobody.post("/signin", data={"name": "ada", "secret": key})
        assert hub.nobody.get("/api/me").status_code == 200
        clock.now += 61
        assert hub.nobody.get("/api/me").status_code == 401


def test_a_session_shows_itself_to_the_api_by_a_header_and_not_in_the_body(
    hub: RunningHub, here: str
) -> None:
    password = "correct horse battery"
    person = hub.person(f"bob{uuid.uuid4().hex[:8]}", password=password)
    assert person.user is not None
    project = f"/api/projects/{hub.project(person).id}"
    with requests.Session() as browser:
        browser.post(f"{hub.url}/signin", data={"name": person.user.name, "secret": password}, timeout=120)
        found = re.search('name="csrf-token" content="([^"]+)"', browser.get(hub.url + "/", timeout=120).text)
        assert found is not None
        csrf = found[1]
        data = f"csrf={csrf}&more=".encode() + b"x" * 100
        address = f"{hub.url}{project}/blobs/{hashlib.sha256(data).hexdigest()}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert browser.put(address, data=data, headers=form, timeout=120).json()["reason"] == "csrf"
        sent = browser.put(address, data=data, headers={**form, "X-CSRF-Token": csrf}, timeout=120)
        assert sent.status_code == 201


def test_a_piece_that_waits_for_the_record_of_its_run_does_not_undo_it(
    require: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    postgres: Postgres = request.getfixturevalue("postgres")
    with (
        running(tmp_path, database=postgres.url(postgres.new_database())) as hub,
        ThreadPoolExecutor(1) as thread,
    ):
        assert hub.admin.user is not None
        project = hub.project(hub.admin)
        address = f"/api/projects/{project.id}/runs/late"
        journal = json.dumps(header("late")).encode() + b"\n"
        record = Record.from_bytes(sealed("late"))
        access = Access(Asker(hub.admin.user), project)
        engine = hub.hub.catalog.engine
        with changing(engine) as connection:  # another process, which publishes the run
            assert intake.keep(connection, [Arrival(access, record, sealed("late"), hub.hub.now(), 0)]) == [
                True
            ]
            late = thread.submit(hub.admin.put, f"{address}/journal?offset=0", data=journal)
            while not hub.hub.read(_waits):
                time.sleep(0.01)
        assert late.result().json()["reason"] == "published"
        (row,) = hub.admin.get(f"/api/projects/{project.id}/runs").json()["runs"]
        assert row["status"] == "completed"


def _waits(connection: Connection) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return bool(connection.execute(text(waiting)).scalar())


class Clock:
    """A time that passes when it is told to."""

    now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now
