"""A real Hub on loopback: its own database and blobs, uvicorn on a free port, and clients that ask it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import requests
import uvicorn

from dotscience.catalog.shared import SharedCatalog
from dotscience.hub.access import Access, Asker
from dotscience.hub.app import create_app
from dotscience.hub.database import migrate, open_database
from dotscience.hub.hub import Hub
from dotscience.hub.server import configuration, listen
from dotscience.hub.services import accounts, projects
from dotscience.hub.settings import HubSettings
from dotscience.hub.store.accounts import User
from dotscience.hub.store.projects import Project
from dotscience.storage.blobs import Blobs, LocalBlobs

__all__ = ["Person", "RunningHub", "Switch", "new_hub", "running", "serving"]


class Person(requests.Session):
    """A user with an API key, who asks the Hub.

    Example:
        >>> ada.get("/api/me").json()["user"]["name"]
        'ada'
    """

    def __init__(self, url: str, user: User | None, key: str | None) -> None:
        super().__init__()
        self.url, self.user, self.key = url, user, key
        self.trust_env = False
        if user is not None and key is not None:
            self.auth = (user.name, key)

    def request(self, method: str, url: str, *args: Any, **more: Any) -> requests.Response:  # type: ignore[override]
        """A request to a path of the Hub, or to an address."""
        more.setdefault("timeout", 120)
        more.setdefault("allow_redirects", False)
        return super().request(method, self.url + url if url.startswith("/") else url, *args, **more)


class RunningHub:
    """A Hub that serves.

    Attributes:
        url: its address, without a slash at its end.
        hub: what its services are given.
        admin: the first user, an administrator.
    """

    def __init__(self, url: str, hub: Hub) -> None:
        self.url, self.hub = url, hub
        self._people: list[Person] = []
        self.admin = self.person("ada", is_admin=True)
        self.nobody = self._asking(None, None)

    def person(self, name: str, *, password: str | None = None, is_admin: bool = False) -> Person:
        """A new user with an API key."""
        user = accounts.add_user(self.hub, name, password=password, is_admin=is_admin)
        _, key = accounts.add_key(self.hub, user, "test")
        return self._asking(user, key)

    def with_key(self, person: Person, **limits: Any) -> Person:
        """The same user with another key, such as one for a project alone."""
        assert person.user is not None
        _, key = accounts.add_key(self.hub, person.user, "other", **limits)
        return self._asking(person.user, key)

    def project(self, owner: Person, name: str = "study", **members: Person) -> Project:
        """A project; further arguments are members by role: `project(ada, editor=bob)`."""
        assert owner.user is not None
        access = Access(Asker(owner.user))
        project = projects.add(self.hub, access, name)
        within = Access(access.asker, project)
        for role, person in members.items():
            assert person.user is not None
            projects.set_member(self.hub, within, person.user.name, role)
        return project

    def close(self) -> None:
        """Close the connections of all people."""
        for person in self._people:
            person.close()

    def _asking(self, user: User | None, key: str | None) -> Person:
        person = Person(self.url, user, key)
        self._people.append(person)
        return person


@cache
def _empty_database() -> Path:
    """A migrated SQLite file to copy: migrating takes longer than most tests."""
    path = Path(mkdtemp(prefix="dotscience-hub-")) / "hub.sqlite"
    engine = open_database(str(path))
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def new_hub(
    folder: Path,
    *,
    settings: HubSettings | None = None,
    database: str | None = None,
    blobs: Blobs | None = None,
    clock: Callable[[], float] = time.time,
) -> Any:
    """The application of a new Hub in a folder, or over a database of its own (migrated here) and a store of its own."""
    os.makedirs(folder, exist_ok=True)
    if database is None:
        shutil.copyfile(_empty_database(), folder / "hub.sqlite")
    engine = open_database(database or str(folder / "hub.sqlite"))
    if database is not None:
        migrate(engine)
    return create_app(
        settings or HubSettings(), SharedCatalog(engine), blobs or LocalBlobs(str(folder / "blobs")), clock
    )


class Switch:
    """An application that passes requests on to another one: to start and stop a server takes longer than most tests."""

    def __init__(self) -> None:
        self.app: Any = None
        self.state = SimpleNamespace(hub=SimpleNamespace(settings=HubSettings()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            for moment in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{moment}.complete"})
        else:
            await self.app(scope, receive, send)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application on a free port of loopback; gives its address."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(configuration(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


@contextmanager
def running(folder: Path, **parts: Any) -> Iterator[RunningHub]:
    """A Hub of one's own; `hub.admin` is its user ada.

    Args:
        parts: as `new_hub` takes them.
    """
    app = new_hub(folder, **parts)
    with serving(app) as url:
        hub = RunningHub(url, app.state.hub)
        try:
            yield hub
        finally:
            hub.close()
