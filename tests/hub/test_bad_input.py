"""What no client of ours sends: each gets a precise 4xx, and nothing of it stays."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import func, select

from dotscience.catalog import tables as catalog
from dotscience.hub.access import Access, Asker
from dotscience.hub.problems import Problem
from dotscience.hub.services import blobs
from dotscience.hub.settings import HubSettings, Limits
from dotscience.hub.store import holdings, tables
from dotscience.records.files import FileVersion
from dotscience.records.record import Record

from ..hub_server import Person, RunningHub, running
from . import sending
from .protocols.talking import Dot

if TYPE_CHECKING:
    from ..postgres import Postgres

NOW = datetime.now(timezone.utc)
MIB = 1024 * 1024
LONG = "x" * (10 * MIB)
DATA = b"some content"
DIGEST = hashlib.sha256(DATA).hexdigest()
NASTY = [
    "<script>alert(1)</script>",
    "'; DROP TABLE runs; --",
    '" onmouseover="alert(1)',
    "\ud800 half a character",
    "nul \x00 inside",
    "\u202e backwards",
    "{{ 7 * 7 }} ${7*7}",
    "\r\nSet-Cookie: a=b",
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    database = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = postgres.url(postgres.new_database())
    with running(tmp_path_factory.mktemp("hub"), database=database) as served:
        yield served


def counts(hub: RunningHub) -> dict[str, int]:
    """How many rows there are of everything that a client can make."""
    kept = (*catalog.SHARED, *tables.metadata.sorted_tables)
    passing = {"attempts", "audit", "sessions"}
    return {
        table.name: hub.hub.read(
            lambda connection, table=table: connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
        )
        for table in kept
        if table.name not in passing
    }


def sealed(run: str = "bad", **fields: Any) -> bytes:
    return Record(id=run, status="completed", published=NOW, **fields).to_bytes()


def unsealed(**fields: Any) -> bytes:
    document = json.loads(sealed())
    return json.dumps({**document, **fields}).encode()


RECORDS: dict[str, tuple[Callable[[], bytes], int, str | None]] = {
    "a parameter of 10 MB": (lambda: sealed(parameters={"p": LONG}), 422, "limit"),
    "a label of 10 MB": (lambda: sealed(labels={"p": LONG}), 422, "limit"),
    "a metric of 10 MB": (lambda: sealed(metrics={"p": LONG}), 422, "limit"),
    "a name of 10 MB": (lambda: sealed(labels={LONG: "v"}), 422, "limit"),
    "a description of 10 MB": (lambda: sealed(description=LONG), 422, "limit"),
    "a million parameters": (lambda: sealed(parameters=dict.fromkeys(map(str, range(1_000_000)), 0)), 422, "limit"),
    "a million series": (
        lambda: sealed(series={"names": {str(number): {} for number in range(1_000_000)}}), 422, "limit",
    ),
    "70 MB": (lambda: b"[" + b"1," * (35 * MIB) + b"1]", 413, "limit"),
    "a clock in the future": (lambda: sealed(started=NOW + timedelta(days=400)), 422, "clock"),
    "the year 9999": (lambda: sealed(started=datetime(9999, 12, 31, tzinfo=timezone.utc)), 422, "clock"),
    "content that never came": (
        lambda: sealed(outputs=(FileVersion("a", digest="0" * 64, size=1, kept=True),)), 409, "missing-blobs",
    ),
    "another id than the address says": (lambda: sealed("other"), 422, "unreadable"),
    "no JSON": (lambda: b"{", 422, "unreadable"),
    "nothing": (lambda: b"", 422, "unreadable"),
    "no UTF-8": (lambda: b'{"id": "\xff\xfe"}', 422, "unreadable"),
    "a list": (lambda: b"[]", 422, "unreadable"),
    "nested too deep": (lambda: b"[" * 100_000, 422, "unreadable"),
    "a number too long": (lambda: b'{"record": ' + b"9" * 10_000 + b"}", 422, "unreadable"),
    "another seal": (lambda: sealed().replace(b"completed", b"failed"), 422, "unreadable"),
    "no seal": (lambda: json.dumps({**json.loads(sealed()), "seal": None}).encode(), 422, "unreadable"),
    "fields of other types": (lambda: unsealed(parameters=[1, 2], metrics="x"), 422, "unreadable"),
    "digests that are none": (lambda: unsealed(outputs=[{"path": "a", "sha256": "zz", "kept": True}]), 422, "unreadable"),
    "a path that leads out": (lambda: unsealed(outputs=[{"path": "../../etc/passwd"}]), 422, "unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_that_cannot_be_taken_is_refused_whole(hub: RunningHub, case: str) -> None:
    make, status, reason = RECORDS[case]
    project = new_project(hub)
    before = counts(hub)
    answer = hub.admin.put(f"/api/projects/{project}/runs/bad", data=make())
    assert (answer.status_code, answer.json().get("reason")) == (status, reason), answer.text[:500]
    assert len(answer.text) < 5000
    assert counts(hub) == before


def new_project(hub: RunningHub) -> str:
    return hub.project(hub.admin, f"study {uuid.uuid4()}").id


Ask = Callable[[Person, str], requests.Response]

REQUESTS: dict[str, tuple[Ask, set[int]]] = {
    "a digest that is none": (lambda p, here: p.put(f"{here}/blobs/abc", data=DATA), {422}),
    "a digest in capitals": (lambda p, here: p.put(f"{here}/blobs/{DIGEST.upper()}", data=DATA), {422}),
    "a digest that leads out": (lambda p, here: p.put(f"{here}/blobs/..%2F..%2Fetc", data=DATA), {404, 405, 422}),
    "other bytes than the digest says": (lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=b"else"), {422}),
    "bytes beyond the end": (
        lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=DATA + b"!", headers={"Upload-Length": str(len(DATA))}), {422},
    ),
    "bytes out of order": (
        lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=DATA[5:], headers={"Upload-Offset": "5"}), {409},
    ),
    "an offset below zero": (
        lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=DATA, headers={"Upload-Offset": "-1"}), {422},
    ),
    "an offset beyond all numbers": (
        lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=DATA, headers={"Upload-Offset": "9" * 40}), {409, 413, 422},
    ),
    "a length beyond all numbers": (
        lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=DATA, headers={"Upload-Length": "9" * 40}), {413, 422},
    ),
    "more than a file may have": (
        lambda p, here: p.put(f"{here}/blobs/{DIGEST}", data=DATA, headers={"Upload-Length": str(1 << 50)}), {413},
    ),
    "too many digests at once": (
        lambda p, here: p.post(f"{here}/blobs/missing", json={"digests": [DIGEST] * 1001}), {422},
    ),
    "digests that are no texts": (lambda p, here: p.post(f"{here}/blobs/missing", json={"digests": [1, None]}), {422}),
    "a JSON body of 2 MB": (lambda p, here: p.post(f"{here}/blobs/missing", data=b" " * (2 * MIB)), {413}),
    "an endless JSON body": (
        lambda p, here: p.post("/api/projects", data=(b" " * 65536 for _ in range(64))), {413},
    ),
    "JSON of no UTF-8": (
        lambda p, here: p.post("/api/projects", data=b'{"name": "\xff"}', headers={"Content-Type": "application/json"}), {400, 422},
    ),
    "JSON that is nested too deep": (
        lambda p, here: p.post("/api/projects", data=b"[" * 100_000, headers={"Content-Type": "application/json"}), {400, 422},
    ),
    "a journal that is none": (lambda p, here: p.put(f"{here}/runs/bad/journal?offset=0", data=b"\xff\n\xfe\n"), {422}),
    "a journal with a gap": (lambda p, here: p.put(f"{here}/runs/bad/journal?offset=100", data=b"x"), {409}),
    "a journal without an offset": (lambda p, here: p.put(f"{here}/runs/bad/journal", data=b"x"), {422}),
    "a journal at a huge offset": (lambda p, here: p.put(f"{here}/runs/bad/journal?offset={1 << 70}", data=b"x"), {422}),
    "20 MB of a journal at once": (
        lambda p, here: p.put(f"{here}/runs/bad/journal?offset=0", data=b"x" * (20 * MIB)), {413},
    ),
    "a run id that leads out": (lambda p, here: p.put(f"{here}/runs/..", data=sealed("..")), {404, 405, 409, 422}),
    "a run id with a slash": (lambda p, here: p.put(f"{here}/runs/a%2Fb", data=sealed("a/b")), {404, 405, 422}),
    "a run id with a NUL": (lambda p, here: p.get(f"{here}/runs/a%00b"), {400}),
    "a run id of 10,000 characters": (lambda p, here: p.get(f"{here}/runs/{'a' * 10_000}"), {404}),
    "a path of 100,000 characters": (lambda p, here: p.get(f"{here}/runs/{'a' * 50_000}"), {414}),
    "a header of 100,000 characters": (lambda p, here: p.get(here, headers={"X-Long": "a" * 100_000}), {431}),
    "200 headers": (lambda p, here: p.get(here, headers={f"X-{number}": "a" for number in range(200)}), {431}),
    "SQL for a query": (lambda p, here: p.get(f"{here}/runs", params={"query": "1; DROP TABLE runs"}), {422}),
    "SQL for a sort": (lambda p, here: p.get(f"{here}/runs", params={"sort": "id; DROP TABLE runs"}), {422}),
    "a query of 3,000 brackets": (lambda p, here: p.get(f"{here}/runs", params={"query": "(" * 3_000}), {422}),
    "a query with a NUL": (lambda p, here: p.get(f"{here}/runs", params={"query": 'label.a == "\x00"'}), {400}),
    "a limit below zero": (lambda p, here: p.get(f"{here}/runs", params={"limit": -1}), {422}),
    "a limit beyond all numbers": (lambda p, here: p.get(f"{here}/runs", params={"limit": 10**30}), {422}),
    "a cursor of somebody else": (lambda p, here: p.get(f"{here}/runs", params={"cursor": "e30"}), {422}),
    "a cursor that is none": (lambda p, here: p.get("/api/projects", params={"cursor": "\xff"}), {422}),
    "a cursor of wrong types": (lambda p, here: p.get("/api/projects", params={"cursor": "W1tdLHt9XQ"}), {422}),
    "a role that is none": (lambda p, here: p.put(f"{here}/members/ada", json={"role": "god"}), {422}),
    "a user that is none": (lambda p, here: p.put(f"{here}/members/%00", json={"role": "viewer"}), {400}),
    "a user of SQL": (lambda p, here: p.put(f"{here}/members/' OR 1=1 --", json={"role": "viewer"}), {404}),
    "a project id of SQL": (lambda p, here: p.get("/api/projects/' OR '1'='1"), {404}),
    "an annotation id that is none": (lambda p, here: p.put(f"{here}/runs/bad/annotations/1", json={"tag": "a"}), {404, 422}),
    "a key that expired before it was made": (
        lambda p, here: p.post("/api/keys", json={"name": "k", "expires": "1999-01-01T00:00:00Z"}), {422},
    ),
    "a key for somebody else's project": (
        lambda p, here: p.post("/api/keys", json={"name": "k", "project": "00000000-0000-4000-8000-000000000000"}), {404},
    ),
    "unknown fields": (lambda p, here: p.post("/api/projects", json={"name": "a", "is_admin": True}), {422}),
    "a search for very many words": (lambda p, here: p.get("/api/search", params={"q": "ab " * 21}), {422}),
    "a method that is none": (lambda p, here: p.request("BREW", here), {400, 405}),
    "a name and key that are none": (lambda p, here: p.get("/api/me", auth=("ada", "\x00" * 20)), {401}),
    "a user name with a NUL": (lambda p, here: p.get("/api/me", auth=("a\x00b", "x" * 20)), {401}),
    "a bearer of 10,000 characters": (
        lambda p, here: requests.get(p.url + "/api/me", headers={"Authorization": "Bearer " + "x" * 10_000}, timeout=120), {401},
    ),
    "no Base64": (lambda p, here: requests.get(p.url + "/api/me", headers={"Authorization": "Basic %%%"}, timeout=120), {401}),
    "a range that is none": (lambda p, here: p.get(f"{here}/blobs/{DIGEST}", headers={"Range": "bytes=9-1"}), {404, 416}),
}  # fmt: skip


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_that_cannot_be_served_is_refused_and_changes_nothing(hub: RunningHub, case: str) -> None:
    asked, statuses = REQUESTS[case]
    project = new_project(hub)
    before = counts(hub)
    answer = asked(hub.admin, f"/api/projects/{project}")
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:500]}"
    assert counts(hub) == before
    assert not hub.hub.blobs.has(DIGEST)


@pytest.mark.parametrize("text", NASTY)
def test_whatever_a_text_holds_it_comes_back_as_it_was_and_runs_nowhere(hub: RunningHub, text: str) -> None:
    project, run = new_project(hub), uuid.uuid4().hex
    here = f"/api/projects/{project}"
    raw = sealed(run, parameters={text: text}, labels={"label": text}, description=text, error=text)
    assert hub.admin.put(f"{here}/runs/{run}", data=raw).status_code == 201
    told = hub.admin.get(f"{here}/runs/{run}").json()
    assert (told["description"], told["labels"]["label"], told["parameters"][text]) == (text, text, text)
    (row,) = hub.admin.get(f"{here}/runs").json()["runs"]
    assert row["labels"]["label"] == text
    assert hub.admin.get(f"{here}/runs/{run}/record").content == raw
    noted = hub.admin.put(f"{here}/runs/{run}/annotations/{uuid.uuid4()}", json={"note": text})
    assert noted.status_code in (200, 201, 422), noted.text
    named = hub.admin.post("/api/projects", json={"name": f"{run} {text}", "description": text})
    assert named.status_code in (201, 422), named.text
    for path in ("/api/projects", "/api/home", "/", f"/projects/{project}/runs", "/search"):
        answer = hub.admin.get(
            path,
            params={"q": text.encode("utf-8", "surrogatepass")} if path == "/search" else {},
            headers={"Accept": "text/html"},
        )
        assert answer.status_code in (200, 400, 422), f"{path}: {answer.status_code} {answer.text[:300]}"
        if answer.headers["Content-Type"].startswith("text/html"):
            assert "<script>alert" not in answer.text
            assert 'onmouseover="alert' not in answer.text
        assert "set-cookie" not in {name.lower() for name in answer.headers}


def test_half_an_upload_is_no_blob_and_goes_on_where_it_was(hub: RunningHub) -> None:
    project = new_project(hub)
    address = f"/api/projects/{project}/blobs/{DIGEST}"
    half = hub.admin.put(address, data=DATA[:5], headers={"Upload-Length": str(len(DATA))})
    assert (half.status_code, half.json()["reason"]) == (400, "short")
    assert hub.admin.get(address).status_code == 404
    assert hub.admin.get(f"{address}/upload").json() == {"offset": 5}
    again = hub.admin.put(
        address, data=DATA[7:], headers={"Upload-Offset": "7", "Upload-Length": str(len(DATA))}
    )
    assert (again.status_code, again.json()["offset"]) == (409, 5)
    whole = hub.admin.put(
        address, data=DATA[5:], headers={"Upload-Offset": "5", "Upload-Length": str(len(DATA))}
    )
    assert whole.status_code == 201
    assert hub.admin.get(address).content == DATA
    hub.hub.blobs.delete(DIGEST)  # for the other tests of this module


def test_a_project_takes_no_more_than_it_may_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(
        tmp_path_factory.mktemp("hub"), settings=HubSettings(limits=Limits(project=20, file=15))
    ) as hub:
        here = f"/api/projects/{hub.project(hub.admin).id}/blobs"

        def send(data: bytes, is_chunked: bool) -> requests.Response:
            body = iter([data]) if is_chunked else data
            return hub.admin.put(f"{here}/{hashlib.sha256(data).hexdigest()}", data=body)

        for is_chunked in (True, False):
            assert send(b"x" * 16, is_chunked).json()["reason"] == "limit"
        assert send(b"a" * 15, False).status_code == 201
        for is_chunked in (True, False):
            refused = send(b"b" * 6, is_chunked)
            assert (refused.status_code, refused.json().get("reason")) == (413, "quota")
        assert send(b"c" * 5, True).status_code == 201


def test_files_that_come_at_once_are_no_more_than_a_project_may_hold(tmp_path: Path) -> None:
    with running(tmp_path / "hub", settings=HubSettings(limits=Limits(project=20))) as hub:
        project = hub.project(hub.admin)
        assert hub.admin.user is not None
        access = Access(Asker(hub.admin.user), project)
        coming = []
        for letter in b"ab":  # each is told that there is room
            data = bytes([letter]) * 12
            digest = hashlib.sha256(data).hexdigest()
            coming.append((blobs.receive(hub.hub, access, digest, 0, len(data)), data))
        for receiving, data in coming:
            receiving.write(data)
        coming[0][0].commit()
        with pytest.raises(Problem, match="may hold 20 bytes"):
            coming[1][0].commit()
        held = hub.hub.read(lambda connection: holdings.held_bytes(connection, project.id))
        assert held == 12


def test_half_sent_files_and_runs_in_progress_take_room_too(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    limits = Limits(project=4000)
    with running(tmp_path_factory.mktemp("hub"), settings=HubSettings(limits=limits)) as hub:
        here = f"/api/projects/{hub.project(hub.admin).id}"

        def put(data: bytes, whole: int) -> requests.Response:
            address = f"{here}/blobs/{hashlib.sha256(data).hexdigest()}"
            return hub.admin.put(address, data=data, headers={"Upload-Length": str(whole)})

        assert put(b"a" * 1500, 3000).json()["reason"] == "short"
        assert put(b"b" * 1501, 3001).json()["reason"] == "quota"
        assert put(b"b" * 1000, 1000).status_code == 201
        assert put(b"a" * 1500, 3000).json()["reason"] == "short"  # begun anew, in place of what was kept

        header = json.dumps({"journal": 1, "id": "9a9a", "process": {}}).encode() + b"\n"
        assert hub.admin.put(f"{here}/runs/9a9a/journal?offset=0", data=header).status_code == 200
        points = f"{here}/runs/9a9a/points?offset="
        refused = hub.admin.put(f"{points}0", data=bytes(3000))
        assert (refused.status_code, refused.json()["reason"]) == (413, "quota")


def test_a_limit_of_0_is_none(tmp_path: Path) -> None:
    limits = Limits(value=0, names=0, record=0, file=0, project=0)
    with running(tmp_path / "hub", settings=HubSettings(limits=limits)) as hub:
        project = hub.project(hub.admin).id
        sending.send(hub.admin, project, sending.record("a", labels={"long": "x" * (2 << 20)}))
        sending.Live(hub.admin, project, "b").log((3.0,))
        note = f"/api/projects/{project}/runs/a/annotations/00000000-0000-4000-8000-000000000001"
        assert hub.admin.put(note, json={"note": "short"}).status_code == 200
        Dot(hub.admin, project).commit("c")
        assert sending.upload(hub.admin, project, b"content")


def test_content_that_a_record_takes_over_from_another_project_needs_room_too(tmp_path: Path) -> None:
    with running(tmp_path / "hub", settings=HubSettings(limits=Limits(project=20))) as hub:
        one, other = hub.project(hub.admin, "one").id, hub.project(hub.admin, "other").id
        here = sending.kept(hub.admin, one, "here", b"a" * 12)
        there = sending.kept(hub.admin, other, "there", b"b" * 12)
        sending.send(hub.admin, one, sending.record("a", outputs=(here,)))
        both = sending.record("b", outputs=(here, there)).to_bytes()
        refused = hub.admin.put(f"/api/projects/{one}/runs/b", data=both)
        assert (refused.status_code, refused.json()["reason"]) == (413, "quota")
        assert hub.hub.read(lambda connection: holdings.held_bytes(connection, one)) == 12
        empty = hub.project(hub.admin, "empty").id
        sending.send(hub.admin, empty, sending.record("c", outputs=(there,)))
        assert hub.hub.read(lambda connection: holdings.held_bytes(connection, empty)) == 12
