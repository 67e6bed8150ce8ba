"""A Hub in a process of its own for the benchmarks, filled with many runs where they are asked for."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests

from dotscience.catalog.rows import from_record
from dotscience.catalog.shared_writing import write_runs
from dotscience.hub.database import migrate, open_database
from dotscience.hub.store import projects
from dotscience.hub.store.accounts import user_by_name
from dotscience.hub.store.projects import Project
from dotscience.hub.store.transactions import changing
from dotscience.records.files import FileVersion
from dotscience.records.record import Record

__all__ = ["KEY", "USER", "Served", "add_many_runs", "deep_lineage", "memory", "postgres", "serving"]

USER, KEY = "ada", "a-key-of-the-benchmarks-0123456789"
_START = datetime(2026, 11, 1, tzinfo=timezone.utc)
_AT_ONCE = 500


@dataclass
class Served:
    """A Hub that serves.

    Attributes:
        pid: of its process; `started`: seconds until it took requests.
    """

    url: str
    pid: int
    started: float

    def session(self) -> requests.Session:
        """Who asks as the first user."""
        session = requests.Session()
        session.auth = (USER, KEY)
        session.trust_env = False
        return session

    def project(self, name: str = "study") -> str:
        """The id of a project, which is made where it is missing."""
        with self.session() as session:
            found = session.get(f"{self.url}/api/projects", params={"name": name}).json()["projects"]
            return str(
                (found or [session.post(f"{self.url}/api/projects", json={"name": name}).json()])[0]["id"]
            )


@contextmanager
def serving(data: str = "hub", database: str = "") -> Iterator[Served]:
    """Serve a Hub in a folder until the block ends."""
    environ = {
        **os.environ,
        "DOTSCIENCE_HUB_USER": USER,
        "DOTSCIENCE_HUB_APIKEY": KEY,
        "DOTSCIENCE_HUB_DATA": os.path.abspath(data),
        "DOTSCIENCE_HUB_DATABASE": database,
    }
    command = [sys.executable, "-m", "dotscience", "hub", "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                found = re.search(r"http://127\.0\.0\.1:\d+", line)
                if found:
                    yield Served(found[0], process.pid, time.perf_counter() - began)
                    break
            else:
                raise RuntimeError("the Hub did not start")
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server of its own."""
    from tests.postgres import Postgres, find_programs

    programs = find_programs()
    if programs is None:
        raise RuntimeError("needs the programs of a PostgreSQL server")
    server = Postgres(programs)
    try:
        yield server.url(server.new_database())
    finally:
        server.stop()


def memory(pid: int) -> tuple[int, int]:
    """What a process holds now, and the most it held, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, most = (int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def add_many_runs(database: str, count: int, names: int = 20) -> str:
    """Runs with so many metrics and parameters each, in one project, written into the database; the project's id."""
    chance = random.Random(1)
    engine, project = open_database(database), str(uuid.uuid4())
    migrate(engine)
    _add_project(database, project)
    for begin in range(0, count, _AT_ONCE):
        batch = []
        for number in range(begin, min(count, begin + _AT_ONCE)):
            moment = _START + timedelta(seconds=number)
            record = Record(
                id=f"{number:08x}-0000-4000-8000-000000000000",
                status="completed" if number % 50 else "failed",
                published=moment,
                started=moment,
                ended=moment + timedelta(seconds=1),
                description=f"trial {number}",
                parameters={f"p{each}": chance.randrange(10) for each in range(names)},
                metrics={f"m{each}": chance.random() for each in range(names)},
            )
            batch.append((from_record(record), project))
        with changing(engine) as connection:
            write_runs(connection, batch)
    _analyze(database)
    engine.dispose()
    return project


def deep_lineage(database: str, levels: int = 20, versions: int = 1_000_000) -> tuple[str, str]:
    """A chain of runs among many file versions; the project's id, and the digest at the end of the chain."""
    engine, project = open_database(database), str(uuid.uuid4())
    migrate(engine)
    _add_project(database, project)
    per_run = 1000
    runs = versions // per_run
    every = runs // levels
    number, batch = 0, []
    for run in range(runs):
        moment = _START + timedelta(minutes=run)
        step, is_link = divmod(run, every)
        outputs = []
        for _ in range(per_run - 1):
            number += 1
            outputs.append(FileVersion(f"data/{run}/{number}.bin", f"{number:064x}", 1024))
        inputs: tuple[FileVersion, ...] = ()
        if is_link == 0:
            outputs.append(FileVersion(f"chain/{step}", f"{step:x}".rjust(8, "0").ljust(64, "c"), 10))
            if step:
                inputs = (FileVersion(f"chain/{step - 1}", f"{step - 1:x}".rjust(8, "0").ljust(64, "c"), 10),)
        record = Record(
            id=str(uuid.UUID(int=run)),
            status="completed",
            published=moment,
            started=moment,
            ended=moment + timedelta(seconds=30),
            inputs=inputs,
            outputs=tuple(outputs),
        )
        batch.append((from_record(record), project))
        if len(batch) == 50 or run == runs - 1:
            with changing(engine) as connection:
                write_runs(connection, batch)
            batch = []
    _analyze(database)
    engine.dispose()
    return project, f"{levels - 1:x}".rjust(8, "0").ljust(64, "c")


def _add_project(database: str, project: str) -> None:
    """A project of the first user, whom the Hub has made."""
    engine = open_database(database)
    with changing(engine) as connection:
        user = user_by_name(connection, USER)
        assert user is not None
        made = Project(project, f"bench {project[:8]}", "", USER, False, 0, 0, "owner")
        projects.add_project(connection, made, user.id)
    engine.dispose()


def _analyze(database: str) -> None:
    """Tell the database what it holds, as it finds out itself in the course of a night (PostgreSQL: of minutes)."""
    engine = open_database(database)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "VACUUM (ANALYZE)" if connection.dialect.name == "postgresql" else "ANALYZE"
        )
    engine.dispose()
