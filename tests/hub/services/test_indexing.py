"""The catalog of a Hub that is made anew while others publish."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, update

from dotscience.catalog.rows import from_record
from dotscience.catalog.shared import SharedCatalog
from dotscience.catalog.shared_writing import forget_runs, write_runs
from dotscience.hub.database import open_database
from dotscience.hub.hub import Hub
from dotscience.hub.services.indexing import reindex
from dotscience.hub.settings import HubSettings
from dotscience.hub.store import tables

from ...hub_server import RunningHub, running
from ..sending import record, send


def listed(hub: RunningHub, project: str) -> set[str]:
    runs = hub.admin.get(f"/api/projects/{project}/runs", params={"limit": 500}).json()["runs"]
    return {run["id"] for run in runs}


def test_what_the_hub_does_not_hold_leaves_the_catalog(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record("held"))
    stray = (from_record(record("stray")), project)
    hub.hub.change(lambda connection: write_runs(connection, [stray]))
    assert listed(hub, project) == {"held", "stray"}
    reindex(hub.hub)
    assert listed(hub, project) == {"held"}


@pytest.mark.parametrize("damaged", [b"no zlib", zlib.compress(b"[]")])
def test_what_cannot_be_read_keeps_no_other_run_out(hub: RunningHub, damaged: bytes) -> None:
    project = hub.project(hub.admin).id
    for run in ("a", "b", "c"):
        send(hub.admin, project, record(run))

    def damage(connection: Connection) -> None:
        connection.execute(update(tables.records).where(tables.records.c.run == "a").values(document=damaged))
        forget_runs(connection, ["a", "b", "c"])

    hub.hub.change(damage)
    done = reindex(hub.hub)
    assert (done.runs, len(done.problems)) == (2, 1)
    assert done.problems[0].startswith("run a: record: ")
    assert listed(hub, project) == {"b", "c"}


def test_runs_that_come_meanwhile_stay_in_the_catalog(tmp_path: Path, database: str | None) -> None:
    with running(tmp_path / "hub", database=database) as hub:
        project, sent = hub.project(hub.admin).id, set()
        send(hub.admin, project, record("before"))

        def another(connection: Connection, *_: object) -> None:
            if not connection.get_execution_options().get("writes"):  # else nobody else can
                sent.add(f"run-{len(sent)}")
                send(hub.admin, project, record(f"run-{len(sent) - 1}"))

        again = Hub(
            HubSettings(),
            SharedCatalog(open_database(database or str(tmp_path / "hub/hub.sqlite"))),
            hub.hub.blobs,
        )
        event.listen(again.catalog.engine, "after_cursor_execute", another)
        reindex(again)
        again.close()
        assert sent
        assert listed(hub, project) == {"before", *sent}
