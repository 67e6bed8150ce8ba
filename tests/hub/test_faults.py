"""What goes wrong on the Hub's side: it is killed, its disk is full, its database goes away, and others serve beside it."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from dotscience.records.files import FileVersion

from ..hub_server import RunningHub, new_hub, running, serving
from .processes import HubProcess
from .scene import a_record

if TYPE_CHECKING:
    from ..postgres import Postgres
    from .s3 import S3

Require = Callable[..., None]


def send(session: requests.Session, url: str, project: str, run: str) -> tuple[bool, bool]:
    """Send a run with one output; whether the content was acknowledged, and whether the run was."""
    data = f"content of {run}".encode()
    digest = hashlib.sha256(data).hexdigest()
    kept = FileVersion("out.bin", digest=digest, size=len(data), kept=True)
    here, has_blob = f"{url}/api/projects/{project}", False
    try:
        has_blob = session.put(f"{here}/blobs/{digest}", data=data, timeout=60).status_code in (200, 201)
        record = a_record(run, outputs=(kept,))
        return has_blob, session.put(f"{here}/runs/{run}", data=record, timeout=60).status_code in (200, 201)
    except requests.RequestException:
        return has_blob, False


def keep_sending(
    hub: HubProcess, project: str, name: str, sent: dict[str, tuple[bool, bool]], is_over: threading.Event
) -> None:
    """Send one run after the other, and note what was acknowledged."""
    with hub.ada() as session:
        for number in itertools.count():
            if is_over.is_set():
                return
            sent[f"{name}-{number}"] = send(session, hub.url, project, f"{name}-{number}")


def check(session: requests.Session, url: str, project: str, sent: dict[str, tuple[bool, bool]]) -> None:
    """All that was acknowledged is there, once and whole."""
    here = f"{url}/api/projects/{project}"
    listed = session.get(f"{here}/runs", params={"limit": 500}).json()
    ids = [run["id"] for run in listed["runs"]]
    assert len(ids) == len(set(ids)) == listed["count"]
    for run, (has_blob, has_run) in sent.items():
        data = f"content of {run}".encode()
        if has_blob:
            assert session.get(f"{here}/blobs/{hashlib.sha256(data).hexdigest()}").content == data
        if has_run:
            assert run in ids
            assert session.get(f"{here}/runs/{run}/record").status_code == 200


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    sent: dict[str, tuple[bool, bool]] = {}
    project = ""
    for turn in range(5):
        with HubProcess(tmp_path / "hub") as hub, hub.ada() as ada:
            if not project:
                project = ada.post(f"{hub.url}/api/projects", json={"name": "study"}).json()["id"]
            check(ada, hub.url, project, sent)
            is_over = threading.Event()

            with ThreadPoolExecutor(4) as threads:
                for thread in range(4):
                    threads.submit(keep_sending, hub, project, f"{turn}-{thread}", sent, is_over)
                while sum(done for _, done in list(sent.values())) < 20 * (turn + 1):
                    time.sleep(0.01)
                hub.kill()
                is_over.set()
    with HubProcess(tmp_path / "hub") as hub, hub.ada() as ada:
        check(ada, hub.url, project, sent)
        assert hub.stop() == 0


@pytest.fixture
def small_disk(tmp_path: Path, require: Require) -> Iterator[Path]:
    """A disk of 300 MB."""
    require("mkfs.xfs", "mount")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["truncate", "-s", "320M", tmp_path / "image"], check=True)
    subprocess.run(["mkfs.xfs", "-q", tmp_path / "image"], check=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", tmp_path / "image", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_takes_nothing_and_still_gives(small_disk: Path) -> None:
    app = new_hub(small_disk / "hub")
    with serving(app) as url:
        hub = RunningHub(url, app.state.hub)
        project = hub.project(hub.admin).id
        assert send(hub.admin, url, project, "first") == (True, True)
        filler = small_disk / "filler"
        with filler.open("wb") as stream, pytest.raises(OSError, match="No space left"):
            while True:
                stream.write(os.urandom(1 << 20))
                stream.flush()
        here, data = f"/api/projects/{project}", os.urandom(8 << 20)
        address = f"{here}/blobs/{hashlib.sha256(data).hexdigest()}"
        refused = hub.admin.put(address, data=data)
        assert (refused.status_code, refused.json()["reason"]) == (507, "full")
        assert str(small_disk) not in refused.text
        large = a_record("large", labels={str(number): os.urandom(400).hex() for number in range(9000)})
        refused = hub.admin.put(f"{here}/runs/large", data=large)
        assert (refused.status_code, refused.json()["reason"]) == (507, "full")
        assert hub.admin.get(f"{here}/runs").json()["count"] == 1
        kept = hashlib.sha256(b"content of first").hexdigest()
        assert hub.admin.get(f"{here}/blobs/{kept}").content == b"content of first"
        assert hub.nobody.get("/healthz").status_code == 200
        filler.unlink()
        offset = hub.admin.get(f"{address}/upload").json()["offset"]
        rest = hub.admin.put(address, data=data[offset:], headers={"Upload-Offset": str(offset)})
        assert rest.status_code == 201
        assert hub.admin.put(f"{here}/runs/large", data=large).status_code == 201
        hub.close()


def test_a_database_that_restarts_under_load_loses_nothing(tmp_path: Path, postgres: Postgres) -> None:
    with running(tmp_path / "hub", database=postgres.url(postgres.new_database())) as hub:
        project = hub.project(hub.admin).id
        statuses: list[int] = []
        sent: dict[str, bool] = {}
        is_over = threading.Event()

        def publish(name: str) -> None:
            with hub.with_key(hub.admin) as mine:
                number = 0
                while not is_over.is_set():
                    number += 1
                    run = f"{name}-{number}"
                    answer = mine.put(f"/api/projects/{project}/runs/{run}", data=a_record(run), timeout=60)
                    statuses.append(answer.status_code)
                    sent[run] = answer.status_code in (200, 201)

        with ThreadPoolExecutor(4) as threads:
            working = [threads.submit(publish, str(thread)) for thread in range(4)]
            for at_once in (False, True):
                before = sum(sent.values())
                while sum(sent.values()) < before + 20:
                    time.sleep(0.01)
                postgres.restart(at_once=at_once)
            before = sum(sent.values())
            while sum(sent.values()) < before + 20:
                time.sleep(0.01)
            is_over.set()
            for thread in working:
                thread.result()
        assert set(statuses) <= {200, 201, 503}
        for run, was_acknowledged in sent.items():
            if was_acknowledged:
                assert hub.admin.get(f"/api/projects/{project}/runs/{run}/record").status_code == 200


def test_two_processes_on_one_database_and_one_bucket_are_one_hub(
    tmp_path: Path, postgres: Postgres, s3: S3
) -> None:
    database = postgres.url(postgres.new_database())
    environ = {**s3.options, "DOTSCIENCE_HUB_DATABASE": database, "DOTSCIENCE_HUB_BLOBS": s3.bucket()}
    with (
        HubProcess(tmp_path / "one", environ=environ) as one,
        HubProcess(tmp_path / "two", environ=environ) as two,
    ):
        with one.ada() as ada:
            project = ada.post(f"{one.url}/api/projects", json={"name": "study"}).json()["id"]
        runs = [f"run-{number}" for number in range(30)]

        def publish(hub: HubProcess) -> list[Any]:
            with hub.ada() as mine:
                return [send(mine, hub.url, project, run) for run in runs]

        with ThreadPoolExecutor(4) as threads:
            for acknowledged in threads.map(publish, (one, two, one, two)):
                assert acknowledged == [(True, True)] * len(runs)
        for hub in (one, two):
            with hub.ada() as mine:
                check(mine, hub.url, project, dict.fromkeys(runs, (True, True)))
                assert mine.get(f"{hub.url}/api/projects/{project}/runs").json()["count"] == len(runs)
                assert mine.get(f"{hub.url}/readyz").status_code == 200
        half = f"half of it {uuid.uuid4()}".encode()
        digest = hashlib.sha256(half).hexdigest()
        with one.ada() as first, two.ada() as second:
            there = f"/api/projects/{project}/blobs/{digest}"
            length = {"Upload-Length": str(len(half))}
            assert first.put(one.url + there, data=half[:9], headers=length).status_code == 400
            offset = second.get(f"{two.url}{there}/upload").json()["offset"]
            rest = second.put(
                two.url + there, data=half[offset:], headers={**length, "Upload-Offset": str(offset)}
            )
            assert (offset, rest.status_code) == (9, 201)
        assert (one.stop(), two.stop()) == (0, 0)
    assert not (tmp_path / "one").exists()
