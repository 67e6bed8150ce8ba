"""`ds hub` as a process: how it starts, what it says, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dotscience.errors import StateError
from dotscience.hub import database
from dotscience.hub.database import migrate, open_database

from .processes import KEY, HubProcess

if TYPE_CHECKING:
    from ..postgres import Postgres


def test_the_first_start_makes_a_user_and_shows_the_key_once(tmp_path: Path) -> None:
    with HubProcess(tmp_path / "hub", key=None, environ={"DOTSCIENCE_HUB_USER": "ada"}) as hub:
        found = re.fullmatch(r"first user   ada\nAPI key      (ds_\S+)\n", hub.line() + hub.line())
        assert found
        with hub.ada() as session:
            session.auth = ("ada", found[1])
            assert session.get(f"{hub.url}/api/me").json()["user"] == {"name": "ada", "is_admin": True}
        hub.stop()
    with HubProcess(tmp_path / "hub", key=None) as again:
        again.process.send_signal(signal.SIGTERM)
        assert "API key" not in again.rest()


def test_a_key_that_is_given_is_not_printed_and_opens(tmp_path: Path) -> None:
    with HubProcess(tmp_path / "hub") as hub, hub.ada() as ada:
        assert ada.get(f"{hub.url}/api/me").json()["user"]["name"] == "ada"
        hub.process.send_signal(signal.SIGTERM)
        assert KEY not in hub.said + hub.rest() + "".join(hub.log)


def test_nobody_else_of_the_machine_reads_a_hub_in_a_folder_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub").chmod(0o755)
    with HubProcess(tmp_path / "hub") as hub:
        hub.stop()
    made = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / "hub").iterdir()}
    assert {"blobs", "hub.sqlite"} <= made.keys()
    assert not any(made.values()), made


def test_a_first_user_that_does_not_fit_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^ds: DOTSCIENCE_HUB_USER .* 1 to 64 letters.*\n$"):
        HubProcess(tmp_path / "hub", environ={"DOTSCIENCE_HUB_USER": "ada lovelace"})


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            RuntimeError, match=rf"^ds: Cannot listen on 127.0.0.1:{port}: .* Try another.*\n$"
        ):
            HubProcess(tmp_path / "hub", port=port)
    assert not (tmp_path / "hub").exists()


def test_a_request_in_progress_ends_before_the_process_does(tmp_path: Path) -> None:
    with HubProcess(tmp_path / "hub") as hub, hub.ada() as ada:
        project = ada.post(f"{hub.url}/api/projects", json={"name": "study"}).json()["id"]
        data = os.urandom(100_000)
        digest = hashlib.sha256(data).hexdigest()
        is_half_sent, may_go_on = threading.Event(), threading.Event()

        def body() -> object:
            yield data[:50_000]
            is_half_sent.set()
            may_go_on.wait(120)
            yield data[50_000:]

        with ThreadPoolExecutor(1) as thread:
            sent = thread.submit(ada.put, f"{hub.url}/api/projects/{project}/blobs/{digest}", data=body())
            is_half_sent.wait(120)
            hub.process.send_signal(signal.SIGTERM)
            while True:  # until it takes nobody else
                try:
                    socket.create_connection(("127.0.0.1", hub.port), 5).close()
                except OSError:
                    break
            may_go_on.set()
            assert sent.result().status_code == 201
        assert hub.process.wait(120) == 0


def test_processes_that_start_at_once_make_one_hub(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        hubs = list(threads.map(lambda _: HubProcess(tmp_path / "hub"), range(3)))
    try:
        for hub in hubs:
            with hub.ada() as ada:
                assert [user["name"] for user in ada.get(f"{hub.url}/api/users").json()["users"]] == ["ada"]
                assert len(ada.get(f"{hub.url}/api/keys").json()["keys"]) == 1
    finally:
        codes = [hub.stop() for hub in hubs]
        for hub in hubs:
            hub.close()
    assert codes == [0, 0, 0]


def test_processes_that_start_at_once_on_postgresql_make_one_hub(tmp_path: Path, postgres: Postgres) -> None:
    environ = {"DOTSCIENCE_HUB_DATABASE": postgres.url(postgres.new_database())}
    with ThreadPoolExecutor(2) as threads:
        hubs = list(threads.map(lambda _: HubProcess(tmp_path / "hub", environ=environ), range(2)))
    try:
        for hub in hubs:
            with hub.ada() as ada:
                assert [user["name"] for user in ada.get(f"{hub.url}/api/users").json()["users"]] == ["ada"]
    finally:
        codes = [hub.stop() for hub in hubs]
        for hub in hubs:
            hub.close()
    assert codes == [0, 0]


def test_a_line_per_request_is_json_and_holds_no_secret(tmp_path: Path) -> None:
    with HubProcess(tmp_path / "hub") as hub, hub.ada() as ada:
        answer = ada.get(f"{hub.url}/api/projects", params={"name": "sought-after"})
        ada.get(f"{hub.url}/api/me", auth=("ada", "a-wrong-key-that-is-long"))
        hub.stop()
    lines = [json.loads(line) for line in hub.log]
    (line,) = [line for line in lines if line.get("request") == answer.headers["X-Request-Id"]]
    assert (line["method"], line["path"], line["status"], line["user"]) == (
        "GET",
        "/api/projects",
        200,
        "ada",
    )
    for secret in (KEY, "a-wrong-key-that-is-long", "sought-after"):
        assert secret not in "".join(hub.log)


def test_lines_for_requests_can_be_turned_down(tmp_path: Path) -> None:
    with HubProcess(tmp_path / "hub", environ={"DOTSCIENCE_HUB_LOG": "problems"}) as hub, hub.ada() as ada:
        ada.get(f"{hub.url}/api/me")
        hub.stop()
    assert hub.log == []


def test_starting_loads_nothing_that_only_some_pages_need() -> None:
    code = "import sys, dotscience.hub.server; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert (
        loaded & {"plotly", "igraph", "numpy", "pandas", "alembic", "obstore", "IPython", "schemathesis"}
        == set()
    )


def test_a_database_of_a_newer_hub_is_left_alone(tmp_path: Path) -> None:
    engine = open_database(str(tmp_path / "hub.sqlite"))
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE migrations SET version_num = '9999'"))
    with pytest.raises(StateError, match=r"newer Hub.*9999"):
        migrate(engine)
    engine.dispose()


def test_the_name_of_the_latest_migration_is_its_revision() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == database.head()
