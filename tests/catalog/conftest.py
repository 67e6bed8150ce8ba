"""A workspace whose runs are written down as a test needs them, without running anything."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from dotscience.catalog.catalog import Catalog
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.records.values import stored
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

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
        on_disk: bool = False,
        **given: Any,
    ) -> str:
        """Publish a run that read and wrote files of these contents; the run's id.

        Args:
            versions_read: inputs of which more is to be said than their content.
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
            "outputs": versions(outputs),
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
