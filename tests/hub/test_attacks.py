"""What somebody tries who wants a Hub to fail, to forget, or to tell what is not theirs."""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests

from dotscience.records.files import FileVersion
from dotscience.records.record import Record, canonical, seal_of

from ..hub_server import Person, RunningHub, new_hub, serving

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
    app = new_hub(tmp_path_factory.mktemp("hub"), database=database)
    with serving(app) as url:
        running = RunningHub(url, app.state.hub)
        yield running
        running.close()


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
    shown = [f"{here}/runs/{run}{path}" for path in paths] + [f"{here}/runs", f"{here}/names", f"{here}/files"]
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
        assert answer.status_code in ((200,) if put.status_code == 200 else (200, 404)), f"{path}: {answer.text[:300]}"


def cursor(*values: Any) -> str:
    import base64

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
