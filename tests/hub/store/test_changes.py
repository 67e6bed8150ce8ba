"""Changes that share a transaction: each is whole on the disk or not there, whatever becomes of the others."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from dotscience.catalog.database import open_shared_sqlite
from dotscience.hub.store.changes import Changes


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A database on a disk of 80 kB."""
    engine = open_shared_sqlite(str(tmp_path / "hub.sqlite"))
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 20"))
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("CREATE TABLE things (name TEXT, data BLOB)")
    return engine


def adding(name: str, size: int = 1) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.exec_driver_sql("INSERT INTO things VALUES (?, zeroblob(?))", (name, size))
        return name

    return work


def names(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT name FROM things ORDER BY name")]


def test_a_change_that_finds_the_disk_full_takes_no_other_with_it(engine: Engine) -> None:
    changes = Changes(engine)
    begun, goes_on = threading.Event(), threading.Event()

    def hold_up(connection: Connection) -> None:
        begun.set()
        goes_on.wait(30)

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(changes.make, hold_up)
        begun.wait(30)
        waiting: Any = changes._waiting
        made = []
        for number, work in enumerate((adding("a"), adding("b", 1_000_000), adding("c")), 1):
            made.append(threads.submit(changes.make, work))
            while waiting.qsize() < number:
                pass
        goes_on.set()
        first.result(30)
        assert (made[0].result(30), made[2].result(30)) == ("a", "c")
        with pytest.raises(OperationalError, match="disk is full"):
            made[1].result(30)
    assert names(engine) == ["a", "c"]
    changes.close()
    engine.dispose()


def test_a_change_that_fails_leaves_nothing_of_itself(engine: Engine) -> None:
    changes = Changes(engine)

    def half(connection: Connection) -> None:
        adding("half")(connection)
        raise KeyError("and no further")

    with pytest.raises(KeyError):
        changes.make(half)
    assert changes.make(adding("whole")) == "whole"
    assert names(engine) == ["whole"]
    changes.close()
    engine.dispose()
