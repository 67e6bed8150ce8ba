"""A workspace whose runs are written down as a test needs them, without running anything."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine

from dotscience.catalog import tables
from dotscience.catalog.catalog import Catalog
from dotscience.catalog.database import open_postgres, open_shared_sqlite, writing
from dotscience.catalog.rows import Facts
from dotscience.catalog.shared import Seen, SharedCatalog
from dotscience.catalog.shared_writing import write_runs
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.records.values import stored
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

if TYPE_CHECKING:
    from ..postgres import Postgres

START = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)

Files = Mapping[str, bytes]


class Study:
    """A workspace in a folder. Each run that is published starts a minute after the one before and takes thirty seconds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.workspace = Workspace(str(root))
        self.place = Path(self.workspace.prepare())
        self.count = 0

    def publish(
        self,
        *,
        inputs: Files = MappingProxyType({}),
        outputs: Files = MappingProxyType({}),
        versions_read: tuple[FileVersion, ...] = (),
        versions_written: tuple[FileVersion, ...] = (),
        on_disk: bool = False,
        **given: Any,
    ) -> str:
        """Publish a run that read and wrote files of these contents; the run's id.

        Args:
            versions_read, versions_written: inputs and outputs of which more is to be said than their content.
            on_disk: write the outputs to disk too.
            given: fields of the record; parameters, metrics and labels of any type.
        """
        self.count += 1
        start = START + timedelta(minutes=self.count)
        values = {name: stored_values(given.pop(name, {})) for name in ("parameters", "metrics", "labels")}
        fields: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "status": "completed",
            "started": start,
            "ended": start + timedelta(seconds=30),
            "published": start + timedelta(seconds=31),
            "inputs": versions(inputs) + versions_read,
            "outputs": versions(outputs) + versions_written,
            **values,
            **given,
        }
        record = Record(**fields)
        folder = self.folder(record.id)
        os.makedirs(folder.path)
        Path(folder.record_path).write_bytes(record.to_bytes())
        if on_disk:
            for path, content in outputs.items():
                self.write(path, content)
        return record.id

    def folder(self, run: str) -> RunFolder:
        """The folder of a run, which need not be there."""
        return RunFolder(str(self.place / "runs" / run))

    def write(self, path: str, content: bytes) -> Path:
        """Write a file of the workspace."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def catalog(self) -> Catalog:
        """A catalog of its own, up to date."""
        catalog = Catalog(self.workspace)
        catalog.refresh()
        return catalog

    def settle(self) -> None:
        """Make everything look as if it was written a minute ago."""
        a_minute_ago = START.timestamp()
        for folder, _, files in os.walk(self.place / "runs", topdown=False):
            for name in (*files, "."):
                os.utime(os.path.join(folder, name), (a_minute_ago, a_minute_ago))


def stored_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stored(value) for name, value in values.items()}


def versions(files: Files) -> tuple[FileVersion, ...]:
    return tuple(
        FileVersion(path, hashlib.sha256(content).hexdigest(), len(content))
        for path, content in files.items()
    )


class Team:
    """A Hub's catalog that is filled without a Hub. Each run starts a minute after the one before and takes thirty seconds."""

    def __init__(self, catalog: SharedCatalog) -> None:
        self.catalog = catalog
        self.count = 0

    def facts(
        self, *, inputs: Files = MappingProxyType({}), outputs: Files = MappingProxyType({}), **given: Any
    ) -> Facts:
        """What is known of a run that read and wrote files of these contents; values of any type."""
        self.count += 1
        start = START + timedelta(minutes=self.count)
        values = {name: stored_values(given.pop(name, {})) for name in ("parameters", "metrics", "labels")}
        fields: dict[str, Any] = {
            "id": f"{self.count:03}-run",
            "status": "completed",
            "started": start,
            "ended": start + timedelta(seconds=30),
            "published": start + timedelta(seconds=31),
            "inputs": versions(inputs),
            "outputs": versions(outputs),
            **values,
            **given,
        }
        return Facts(**fields)

    def run(self, project: str, **given: Any) -> str:
        """Write such a run of a project; its id."""
        facts = self.facts(**given)
        self.catalog.write(lambda connection: write_runs(connection, [(facts, project)]))
        return facts.id

    def seen_by(self, *projects: str) -> Seen:
        """What somebody sees who may view those projects."""
        return self.catalog.seen_by(projects)


@pytest.fixture
def team(shared: SharedCatalog) -> Team:
    """A Hub's catalog to be filled, empty, on each kind of database in turn."""
    return Team(shared)


@pytest.fixture
def new_study() -> type[Study]:
    """Makes a workspace in a folder."""
    return Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A workspace in the current directory."""
    return Study(tmp_path)


@pytest.fixture
def other_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A workspace elsewhere."""
    return Study(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a PostgreSQL database that holds the empty tables of a Hub's catalog."""
    name = postgres.new_database()
    engine = open_postgres(postgres.url(name))
    _make_shared(engine)
    engine.dispose()
    return name


def _make_shared(engine: Engine) -> None:
    with writing(engine) as connection:
        tables.metadata.create_all(connection, tables=tables.SHARED)


@contextmanager
def _shared_engine(request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    """A Hub's database of the kind that the fixture's parameter says, with empty tables."""
    if request.param == "sqlite":
        engine = open_shared_sqlite(str(folder / "hub.sqlite"))
        _make_shared(engine)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = server.new_database(request.getfixturevalue("template"))
        engine = open_postgres(server.url(name))
    yield engine
    engine.dispose()
    if request.param != "sqlite":
        server.drop_database(name)


DATABASES = ("sqlite", "postgres")


@pytest.fixture(scope="module", params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A Hub's database for all tests of a module, on each kind of database in turn."""
    with _shared_engine(request, tmp_path_factory.mktemp("shared")) as engine:
        yield engine


@pytest.fixture(params=DATABASES)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SharedCatalog]:
    """A Hub's catalog, empty, on each kind of database in turn."""
    with _shared_engine(request, tmp_path) as engine:
        yield SharedCatalog(engine)
