"""What a Hub removes when nobody needs it any more, and what it keeps."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from dotscience.errors import CorruptError
from dotscience.hub.hub import Hub
from dotscience.hub.services import garbage
from dotscience.hub.services.blobs import hold
from dotscience.hub.settings import HubSettings
from dotscience.hub.store import holdings
from dotscience.hub.store.tables import executions, records
from dotscience.records.files import FileVersion
from dotscience.records.record import Record

from ...hub_server import Person, RunningHub, running
from ..protocols.talking import Dot

DAY = 24 * 3600
NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)


class Clock:
    """The time of a Hub; blobs are as old as their files say, so it begins now."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(tmp_path: Path, clock: Clock) -> Iterator[RunningHub]:
    with running(tmp_path / "hub", clock=clock) as served:
        yield served


def sent_blob(person: Person, project: str, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    answer = person.put(f"/api/projects/{project}/blobs/{digest}", data=data)
    assert answer.status_code == 201, answer.text
    return digest


def sent_run(person: Person, project: str, run: str, data: bytes) -> str:
    """Send a run that kept one output; its digest."""
    digest = sent_blob(person, project, data)
    version = FileVersion("out.bin", digest=digest, size=len(data), kept=True)
    record = Record(id=run, status="completed", published=NOW, started=NOW, outputs=(version,))
    answer = person.put(f"/api/projects/{project}/runs/{run}", data=record.to_bytes())
    assert answer.status_code == 201, answer.text
    return digest


def stored(hub: RunningHub) -> set[str]:
    return {entry.digest for entry in hub.hub.blobs.entries()}


def test_what_a_record_names_stays_however_old_it_is(hub: RunningHub, clock: Clock) -> None:
    project = hub.project(hub.admin).id
    digest = sent_run(hub.admin, project, "a", b"needed")
    clock.ahead = 1000 * DAY
    swept = garbage.sweep(hub.hub)
    assert (swept.runs, swept.released, swept.blobs) == ([], {}, [])
    assert hub.admin.get(f"/api/projects/{project}/blobs/{digest}").content == b"needed"


def test_a_deleted_run_goes_with_its_content_when_it_can_no_longer_be_restored(
    hub: RunningHub, clock: Clock
) -> None:
    project = hub.project(hub.admin).id
    digest = sent_run(hub.admin, project, "a", b"content")
    hub.admin.delete(f"/api/projects/{project}/runs/a")
    clock.ahead = 29 * DAY
    assert garbage.sweep(hub.hub).runs == []
    assert stored(hub) == {digest}
    clock.ahead = 31 * DAY
    swept = garbage.sweep(hub.hub)
    assert [run.run for run in swept.runs] == ["a"]
    assert list(swept.released[project]) == [digest]
    assert [blob.digest for blob in swept.blobs] == [digest]
    assert stored(hub) == set()
    assert hub.admin.post(f"/api/projects/{project}/runs/a/restore").status_code == 404


def test_looking_says_what_sweeping_does_and_changes_nothing(hub: RunningHub, clock: Clock) -> None:
    project = hub.project(hub.admin).id
    sent_run(hub.admin, project, "a", b"content")
    sent_blob(hub.admin, project, b"never named")
    hub.admin.delete(f"/api/projects/{project}/runs/a")
    clock.ahead = 31 * DAY
    found, again = garbage.find(hub.hub), garbage.find(hub.hub)
    assert found.to_json() == again.to_json()
    assert len(found.blobs) == 2
    assert garbage.sweep(hub.hub).to_json() == found.to_json()
    assert garbage.find(hub.hub).to_json() == {
        "runs": [], "released": {}, "blobs": [], "size": 0, "uploads": [], "sessions": 0,
    }  # fmt: skip


def test_content_stays_for_a_day_because_its_record_may_be_on_the_way(hub: RunningHub, clock: Clock) -> None:
    project = hub.project(hub.admin).id
    digest = sent_blob(hub.admin, project, b"early")
    clock.ahead = 0.9 * DAY
    garbage.sweep(hub.hub)
    assert stored(hub) == {digest}
    clock.ahead = 1.1 * DAY
    garbage.sweep(hub.hub)
    assert stored(hub) == set()


def test_content_that_another_project_needs_stays(hub: RunningHub, clock: Clock) -> None:
    one, two = hub.project(hub.admin, "one").id, hub.project(hub.admin, "two").id
    digest = sent_run(hub.admin, one, "a", b"shared")
    sent_run(hub.admin, two, "b", b"shared")
    hub.admin.delete(f"/api/projects/{one}")
    clock.ahead = 40 * DAY
    assert garbage.sweep(hub.hub).blobs == []
    assert hub.admin.get(f"/api/projects/{two}/blobs/{digest}").content == b"shared"


def test_a_removed_project_takes_its_content_along(hub: RunningHub, clock: Clock) -> None:
    project = hub.project(hub.admin).id
    sent_run(hub.admin, project, "a", b"content")
    hub.admin.delete(f"/api/projects/{project}")
    clock.ahead = 2 * DAY
    garbage.sweep(hub.hub)
    assert stored(hub) == set()


def test_a_record_that_comes_while_we_look_keeps_its_content(hub: RunningHub, clock: Clock) -> None:
    """The content was sent long ago and named by nothing; its record comes between the look and the removal."""
    project = hub.project(hub.admin).id
    digest = sent_blob(hub.admin, project, b"late")
    clock.ahead = 2 * DAY
    real, blobs = hub.hub.blobs.entries, hub.hub.blobs

    def entries() -> Any:  # asked for after the records were read, before anything is removed
        blobs.entries = real  # type: ignore[method-assign]
        sent_late(hub, project, digest)
        return real()

    blobs.entries = entries  # type: ignore[method-assign]
    garbage.sweep(hub.hub)
    assert stored(hub) == {digest}
    assert hub.admin.get(f"/api/projects/{project}/blobs/{digest}").content == b"late"


def sent_late(hub: RunningHub, project: str, digest: str) -> None:
    version = FileVersion("out.bin", digest=digest, size=4, kept=True)
    record = Record(id="late", status="completed", published=NOW, started=NOW, outputs=(version,))
    assert hub.admin.put(f"/api/projects/{project}/runs/late", data=record.to_bytes()).status_code == 201


def test_whoever_stores_content_that_is_removed_at_that_moment_is_told(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    digest = hub.hub.blobs.put_bytes(b"content")
    hub.hub.blobs.delete(digest)  # the sweep, between storing and holding
    with pytest.raises(Exception, match="Send it again"):
        hold(hub.hub, project, {digest: 7})
    assert hub.hub.read(lambda connection: holdings.holds(connection, project, digest)) is None


def test_sweeping_while_others_publish_takes_nothing_that_was_acknowledged(
    tmp_path: Path, database: str | None
) -> None:
    """The sweep believes it is two days later, so no content is too young for it."""
    with running(tmp_path / "hub", database=database) as served:
        later = Hub(HubSettings(), served.hub.catalog, served.hub.blobs, lambda: time.time() + 2 * DAY)
        projects = [served.project(served.admin, f"study {number}").id for number in range(2)]
        is_over = threading.Event()

        def publish(number: int) -> dict[tuple[str, str], bytes]:
            kept = {}
            with served.with_key(served.admin) as mine:
                for turn in range(40):
                    project, data = projects[(number + turn) % 2], f"shared {turn}".encode()
                    if is_sent(mine, project, f"run-{number}-{turn}", data):
                        kept[project, hashlib.sha256(data).hexdigest()] = data
            return kept

        def clean() -> int:
            removed = 0
            while not is_over.is_set():
                removed += len(garbage.sweep(later).blobs)
            return removed

        with ThreadPoolExecutor(4) as threads:
            sweeping = threads.submit(clean)
            published = list(threads.map(publish, range(3)))
            is_over.set()
            sweeping.result()
        for kept in published:
            assert kept
            for (project, digest), data in kept.items():
                assert served.admin.get(f"/api/projects/{project}/blobs/{digest}").content == data
        later.changes.close()


def is_sent(person: Person, project: str, run: str, data: bytes) -> bool:
    """Send a run as clients do, trying again where its content went meanwhile."""
    digest = hashlib.sha256(data).hexdigest()
    version = FileVersion("out.bin", digest=digest, size=len(data), kept=True)
    record = Record(id=run, status="completed", published=NOW, started=NOW, outputs=(version,)).to_bytes()
    for _ in range(5):
        blob = person.put(f"/api/projects/{project}/blobs/{digest}", data=data).status_code
        assert blob in (200, 201, 503, 409), blob
        answer = person.put(f"/api/projects/{project}/runs/{run}", data=record)
        if answer.status_code in (200, 201):
            return True
        assert (answer.status_code, answer.json()["reason"]) == (409, "missing-blobs")
    return False


def test_an_upload_that_broke_off_stays_for_a_week(hub: RunningHub, clock: Clock) -> None:
    with hub.hub.blobs.upload("half") as upload:
        upload.write(b"half of it")
    clock.ahead = 6 * DAY
    assert garbage.sweep(hub.hub).uploads == []
    clock.ahead = 8 * DAY
    assert garbage.sweep(hub.hub).uploads == ["half"]
    assert hub.hub.blobs.upload_offset("half") == 0


@pytest.mark.parametrize("document", [b"no zlib", zlib.compress(b"[]")])
def test_a_record_that_cannot_be_read_stops_the_sweep_before_anything_is_removed(
    hub: RunningHub, clock: Clock, document: bytes
) -> None:
    project = hub.project(hub.admin).id
    digest = sent_run(hub.admin, project, "a", os.urandom(10))
    damaged = update(records).values(document=document)
    hub.hub.change(lambda connection: connection.execute(damaged))
    clock.ahead = 40 * DAY
    with pytest.raises(CorruptError):
        garbage.sweep(hub.hub)
    assert stored(hub) == {digest}


def sent_execution(person: Person, project: str, execution: str, runs: list[str], printed: bytes) -> str:
    """Send what `ds run` executed, with what it printed; its digest."""
    digest = sent_blob(person, project, printed)
    said = {
        "execution": 1, "id": execution, "command": ["true"], "directory": "/", "exit_code": 0, "runs": runs,
        "started": NOW.isoformat(), "ended": NOW.isoformat(), "stdout": {"sha256": digest, "size": len(printed)},
    }  # fmt: skip
    answer = person.put(f"/api/projects/{project}/executions/{execution}", json=said)
    assert answer.status_code == 201, answer.text
    return digest


def test_a_log_stays_as_long_as_a_run_of_it(tmp_path: Path, clock: Clock, database: str | None) -> None:
    with running(tmp_path / "hub", database=database, clock=clock) as hub:
        project, other = (hub.project(hub.admin, name).id for name in ("one", "two"))
        runs = {sent_run(hub.admin, project, run, run.encode()) for run in "ab"}
        log = sent_execution(hub.admin, project, "both", ["a", "b", "elsewhere"], b"printed")
        others = sent_run(hub.admin, other, "c", b"c")
        others_log = sent_execution(hub.admin, other, "both", ["c"], b"printed there")
        hub.admin.delete(f"/api/projects/{project}/runs/a")
        clock.ahead = 31 * DAY
        garbage.sweep(hub.hub)
        assert {log, others, others_log} <= stored(hub) and len(stored(hub)) == 4
        hub.admin.delete(f"/api/projects/{project}/runs/b")
        clock.ahead += 29 * DAY
        assert garbage.sweep(hub.hub).blobs == []
        clock.ahead += 2 * DAY
        found = garbage.find(hub.hub)
        assert {blob.digest for blob in found.blobs} == {log, *runs} & stored(hub)
        assert garbage.sweep(hub.hub).to_json() == found.to_json()
        assert stored(hub) == {others, others_log}
        left = select(func.count()).select_from(executions)
        assert hub.hub.read(lambda connection: connection.execute(left).scalar()) == 1


def test_a_run_that_is_forgotten_comes_again_with_its_commit(
    tmp_path: Path, clock: Clock, database: str | None
) -> None:
    with running(tmp_path / "hub", database=database, clock=clock) as hub:
        project = hub.project(hub.admin).id
        dot, run = Dot(hub.admin, project), f"/api/projects/{project}/runs/run-1"
        made = dot.commit("run-1")
        assert dot.commit("run-1") == made  # the client may not have seen the answer
        hub.admin.delete(run)
        clock.ahead = 31 * DAY
        assert [each.run for each in garbage.sweep(hub.hub).runs] == ["run-1"]
        assert dot.commit("run-1") != made
        assert hub.admin.get(run).status_code == 200
