"""Real servers for tests of the Hub."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

from .s3 import S3, running_s3

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from ..hub_server import RunningHub
    from ..postgres import Postgres


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 endpoint on the loopback interface; `s3.bucket()` makes a bucket of one's own."""
    for part in ("moto", "obstore"):
        if importlib.util.find_spec(part) is None:
            _lack(part)
    with running_s3() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """For tests of both: the address of a new PostgreSQL database, or None for SQLite in the Hub's own folder."""
    if request.param == "sqlite":
        return None
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.url(postgres.new_database())


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A Chromium. Of a module, not of the session: while it runs no other test of this thread could use asyncio."""
    from .browser import running_chromium

    program = shutil.which("chromium")
    if program is None:
        _lack("chromium")
    with running_chromium(program) as browser:
        yield browser


@pytest.fixture
def page(browser: "Browser", hub: "RunningHub") -> "Iterator[Page]":
    """A page in Chromium, of nobody yet: see browser.py."""
    from .browser import opened

    with opened(browser, hub) as page:
        yield page


def _lack(part: str) -> NoReturn:
    """As `require` does, for fixtures that outlive a test."""
    reason = f"needs {part}, which this machine lacks"
    if os.environ.get("DOTSCIENCE_TEST_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)
