"""The Hub behaves the same over SQLite and a folder, and over PostgreSQL and an object store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dotscience.hub.access import Access, Asker
from dotscience.hub.blobs.open import open_blobs
from dotscience.hub.database import migrate
from dotscience.hub.migrations.everything import everything
from dotscience.hub.services import projects
from dotscience.hub.store.projects import Project
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.storage.journal import encode_events
from dotscience.storage.points import Layout, layout_frame, rows_frame

from ..hub_server import RunningHub, new_hub, serving
from .protocols.talking import Dot, packed
from .sending import Live

if TYPE_CHECKING:
    from ..postgres import Postgres
    from .s3 import S3

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(params=["sqlite and a folder", "postgresql and s3"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A Hub over each pair of stores."""
    folder = tmp_path_factory.mktemp("hub")
    if request.param == "sqlite and a folder":
        app = new_hub(folder)
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        s3: S3 = request.getfixturevalue("s3")
        blobs = open_blobs(s3.bucket(), s3.options)
        app = new_hub(folder, database=postgres.url(postgres.new_database()), blobs=blobs)
    with serving(app) as url:
        running = RunningHub(url, app.state.hub)
        yield running
        running.close()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def record(run: str, hour: int = 0, **fields: Any) -> Record:
    moment = NOON + timedelta(hours=hour)
    return Record(run, "completed", moment, moment, moment + timedelta(minutes=1), **fields)


def send(hub: RunningHub, project: str, sent: Record) -> int:
    answer = hub.admin.put(f"/api/projects/{project}/runs/{sent.id}", data=sent.to_bytes())
    return answer.status_code


def test_the_migrations_make_the_tables_that_the_code_means(hub: RunningHub) -> None:
    with hub.hub.catalog.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "migrations"})
        assert compare_metadata(context, everything()) == []


def test_migrating_twice_changes_nothing(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub, project, record("a"))
    migrate(hub.hub.catalog.engine)
    assert hub.admin.get(f"/api/projects/{project}/runs/a").status_code == 200


def test_runs_are_found_sorted_and_paged(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for number in range(7):
        assert send(hub, project, record(f"run-{number}", number, metrics={"loss": number % 3})) == 201
    address = f"/api/projects/{project}/runs"
    seen: list[str] = []
    cursor = None
    while True:
        query = {"query": "metric.loss < 2", "sort": "-metric.loss", "limit": 2, "cursor": cursor}
        page = hub.admin.get(address, params=query).json()
        seen += [run["id"] for run in page["runs"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["run-4", "run-1", "run-6", "run-3", "run-0"]


def test_content_is_stored_once_and_read_through_a_project_that_holds_it(hub: RunningHub) -> None:
    one, other = hub.project(hub.admin, "one").id, hub.project(hub.person("bob"), "other").id
    data = b"model" * 100_000
    address = f"/api/projects/{one}/blobs/{sha(data)}"
    assert hub.admin.put(address, data=data).status_code == 201
    assert hub.admin.put(address, data=data).status_code == 200
    part = hub.admin.get(address, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, b"model")
    assert hub.admin.get(f"/api/projects/{other}/blobs/{sha(data)}").status_code == 404
    assert list(hub.hub.blobs) == [sha(data)]


def test_an_upload_that_broke_off_goes_on_where_it_was(hub: RunningHub) -> None:
    project, data = hub.project(hub.admin).id, bytes(range(256)) * 8192
    address = f"/api/projects/{project}/blobs/{sha(data)}"
    half = len(data) // 2
    short = hub.admin.put(address, data=data[:half], headers={"Upload-Length": str(len(data))})
    assert (short.status_code, short.json()["reason"]) == (400, "short")
    assert hub.admin.get(f"{address}/upload").json() == {"offset": half}
    rest = hub.admin.put(
        address, data=data[half:], headers={"Upload-Offset": str(half), "Upload-Length": str(len(data))}
    )
    assert rest.status_code == 201
    assert hub.admin.get(address).content == data


def test_a_record_waits_for_its_content(hub: RunningHub) -> None:
    project, data = hub.project(hub.admin).id, b"weights"
    sent = record("a", outputs=(FileVersion("model", sha(data), len(data), kept=True),))
    refused = hub.admin.put(f"/api/projects/{project}/runs/a", data=sent.to_bytes())
    assert (refused.status_code, refused.json()["missing"]) == (409, [sha(data)])
    hub.admin.put(f"/api/projects/{project}/blobs/{sha(data)}", data=data)
    assert send(hub, project, sent) == 201


def test_a_run_in_progress_is_shown_and_then_published(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    home = f"/api/projects/{project}/runs/live"
    journal = encode_events(
        [
            {"journal": 1, "id": "live", "root": "/study", "process": {}},
            ["started", NOON.timestamp()],
            ["parameter", "lr", 0.1],
        ]
    )
    frames = layout_frame(0, Layout(("loss",), False)) + rows_frame(0, 1, _row(7, 0.25))
    assert hub.admin.put(f"{home}/journal?offset=0", data=journal).json() == {"length": len(journal)}
    assert hub.admin.put(f"{home}/points?offset=0", data=frames).json() == {"length": len(frames)}
    running = hub.admin.get(home).json()
    assert (running["status"], running["parameters"], running["is_published"]) == (
        "running",
        {"lr": 0.1},
        False,
    )
    assert send(hub, project, Record("live", "completed", NOON, NOON, NOON, parameters={"lr": 0.1})) == 201
    assert hub.admin.get(home).json()["is_published"]
    assert hub.admin.put(f"{home}/journal?offset=0", data=journal).json()["reason"] == "published"


def test_deleting_tagging_and_restoring(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub, project, record("a"))
    home = f"/api/projects/{project}/runs/a"
    hub.admin.put(f"{home}/annotations/00000000-0000-4000-8000-000000000001", json={"tag": "good"})
    assert hub.admin.delete(home).status_code == 204
    assert hub.admin.get(home).status_code == 404
    hub.admin.post(f"{home}/restore")
    found = hub.admin.get(f"/api/projects/{project}/runs", params={"query": '"good" in tag'}).json()
    assert [run["id"] for run in found["runs"]] == ["a"]


def test_a_removed_project_takes_its_runs_with_it(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub, project, record("a", outputs=(FileVersion("model", sha(b"x"), 1),)))
    assert hub.admin.delete(f"/api/projects/{project}").status_code == 204
    assert hub.admin.get("/api/lineage", params={"digest": sha(b"x")}).status_code == 404
    again = hub.project(hub.admin).id
    assert send(hub, again, record("a")) == 201


def test_a_removed_project_takes_its_runs_in_progress_with_it(hub: RunningHub) -> None:
    project, mallory = hub.project(hub.admin).id, hub.person("mallory")
    Live(hub.admin, project, "secret").say(["parameter", "password", "hunter2"])
    assert hub.admin.delete(f"/api/projects/{project}").status_code == 204
    taken = f"/api/projects/{hub.project(mallory).id}/runs/secret"
    assert mallory.put(f"{taken}/journal?offset=0", data=b"").json() == {"length": 0}
    shown = mallory.get(taken)
    assert (shown.status_code, "hunter2" in shown.text) == (200, False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/runs/a", {"data": record("a").to_bytes()}),
        ("PUT", "/runs/a/journal?offset=0", {"data": b'{"journal": 1, "id": "a", "process": {}}\n'}),
        ("PUT", f"/blobs/{sha(b'model')}", {"data": b"model"}),
        ("PUT", "/members/bob", {"json": {"role": "viewer"}}),
        ("POST", "/views", {"json": {"name": "mine", "settings": {}}}),
        ("PATCH", "", {"json": {"name": "other"}}),
    ],
)
def test_what_comes_to_a_project_that_is_removed_at_this_moment_finds_none(
    hub: RunningHub, method: str, path: str, body: dict[str, Any]
) -> None:
    hub.person("bob")
    removed_first(hub, project := hub.project(hub.admin))
    answer = hub.admin.request(method, f"/api/projects/{project.id}{path}", **body)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("headers", [{}, {"Extract": "true"}])
def test_files_that_come_to_a_dot_that_is_removed_at_this_moment_find_none(
    hub: RunningHub, headers: dict[str, str]
) -> None:
    project = hub.project(hub.admin)
    dot = Dot(hub.admin, project.id)
    dot.put("first", b"1")
    removed_first(hub, project)
    answer = dot.put("second", packed(a=b"1") if headers else b"2", **headers)
    assert answer.status_code == 404, answer.text


def removed_first(hub: RunningHub, project: Project) -> None:
    """Remove a project right before the next change, when whoever wants that was let in already."""
    hub.admin.get("/api/me")  # or the next change would be the note that the key was used
    make, make_together = hub.hub.changes.make, hub.hub.changes.make_together
    access = Access(Asker(hub.admin.user), project)

    def then(call: Any) -> Any:
        def first(*given: Any) -> Any:
            del hub.hub.changes.make, hub.hub.changes.make_together
            projects.remove(hub.hub, access)
            return call(*given)

        return first

    hub.hub.changes.make = then(make)  # type: ignore[method-assign]
    hub.hub.changes.make_together = then(make_together)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "text", ["", "Zoë 😀", "NUL \0 here", "\ud800 alone", "'; DROP TABLE runs; --", "%_!\\"]
)
def test_any_text_comes_back_as_it_was(hub: RunningHub, text: str) -> None:
    project = hub.project(hub.admin).id
    sent = record("a", labels={text: text}, description=text)
    assert send(hub, project, sent) == 201
    assert hub.admin.get(f"/api/projects/{project}/runs/a").json()["labels"] == {text: text}
    (found,) = hub.admin.get(f"/api/projects/{project}/runs").json()["runs"]
    assert (found["labels"], found["description"]) == ({text: text}, text)


def _row(step: int, value: float) -> bytes:
    import struct

    return struct.pack("<qqd", step, int(NOON.timestamp() * 1000), value)
