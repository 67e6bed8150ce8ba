"""Both stores, and processes that write to them."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dotscience.hub.blobs.open import open_blobs
from dotscience.storage.blobs import Blobs


@dataclass(frozen=True)
class Place:
    """Where a store is, so that others can open it too."""

    url: str
    options: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> Blobs:
        """The store as another process or machine sees it."""
        return open_blobs(self.url, self.options)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store that holds nothing yet."""
    if request.param == "folder":
        return Place(str(tmp_path / "blobs"))
    s3 = request.getfixturevalue("s3")
    return Place(f"{s3.bucket()}/some/prefix", s3.options)


@pytest.fixture
def blobs(place: Place) -> Blobs:
    return place.open()


@pytest.fixture
def writer(place: Place) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """`writer(script, *arguments)` starts a process that has `blobs`; its input and output are pipes."""
    started: list[subprocess.Popen[str]] = []
    preamble = (
        "import hashlib, os, sys\n"
        "from dotscience.hub.blobs.open import open_blobs\n"
        "blobs = open_blobs(sys.argv[1])\n"
    )

    def start(script: str, *arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", preamble + script, place.url, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **place.options},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content(blobs: Blobs, digest: str) -> bytes:
    return b"".join(blobs.read(digest))
