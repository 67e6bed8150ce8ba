"""Two processes serve one Hub: what one receives, the other commits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dotscience.hub.services.dot_runs import GRACE
from dotscience.storage.blobs import LocalBlobs

from ...hub_server import Person, RunningHub, new_hub, serving
from .talking import Dot, digest, half_sent, packed
from .test_raw_sockets import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from ...postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dot, Dot]]:
    """A dot as two servers over one database and one store show it."""
    folder: Path = tmp_path_factory.mktemp("hub")
    database = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = postgres.url(postgres.new_database())
    first = new_hub(folder, database=database, blobs=LocalBlobs(str(folder / "blobs")))
    path = database or str(folder / "hub.sqlite")
    second = new_hub(folder / "other", database=path, blobs=LocalBlobs(str(folder / "blobs")))
    with serving(first) as here, serving(second) as there:
        hub = RunningHub(here, first.state.hub)
        ada, other = hub.admin, Person(there, hub.admin.user, hub.admin.key)
        project = hub.project(ada).id
        yield Dot(ada, project), Dot(other, project)
        other.close()
        hub.close()


def test_a_file_sent_to_one_is_found_by_a_commit_at_the_other(both: tuple[Dot, Dot]) -> None:
    here, there = both
    here.put("model", packed(a=b"1", b=b"2"), Extract="true")
    there.commit("r", output_files='["model/a", "model/b"]')
    assert [output["sha256"] for output in here.run("r")["outputs"]] == [digest(b"1"), digest(b"2")]


def test_a_commit_at_one_waits_for_a_file_that_comes_to_the_other(both: tuple[Dot, Dot]) -> None:
    here, there = both
    there.call("Lookup")
    with half_sent(here, "slow", b"one") as connection, ThreadPoolExecutor(1) as thread:
        commit = thread.submit(there.commit, "r", output_files='["slow"]')
        time.sleep(1.5 * GRACE)  # longer than it would wait for a file that nobody sends
        assert not commit.done()
        connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        commit.result(120)
    assert there.run("r")["outputs"][0]["sha256"] == digest(b"onetwo")


def test_uploads_at_once_get_numbers_of_their_own(both: tuple[Dot, Dot]) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda number: both[number % 2].put(f"a{number}", b"x").status_code, range(24))
        )
    assert answers == [200] * 24
    wait_until(lambda: len(both[0].keys()) == 24)
    commits = both[1].call("Commits")
    assert len(commits) == 25 and len({commit["Id"] for commit in commits}) == 25


def test_one_commit_sent_to_both_is_one_run(both: tuple[Dot, Dot]) -> None:
    with ThreadPoolExecutor(2) as threads:
        commits = list(threads.map(lambda dot: dot.commit("r", description="one"), both))
    assert commits[0] == commits[1]
    runs = both[0].person.get(f"/api/projects/{both[0].project}/runs").json()["runs"]
    assert [run["id"] for run in runs] == ["r"]
