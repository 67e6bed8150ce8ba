"""Changes that share a transaction: each is whole on the disk or not there, whatever becomes of the others."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from dotscience.catalog.database import open_postgres, open_shared_sqlite
from dotscience.hub.store.changes import Changes
from dotscience.hub.store.transactions import changing

if TYPE_CHECKING:
    from ...postgres import Postgres


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


@contextmanager
def held_up(changes: Changes, *made: Callable[[], Any]) -> Iterator[list[Future[Any]]]:
    """What calls of `changes` give that came in this order while it was busy with something else."""
    begun, goes_on = threading.Event(), threading.Event()

    def hold_up(connection: Connection) -> None:
        begun.set()
        goes_on.wait(60)

    with ThreadPoolExecutor(1 + len(made)) as threads:
        first = threads.submit(changes.make, hold_up)
        begun.wait(60)
        waiting: Any = changes._waiting
        futures = []
        for number, make in enumerate(made, 1):
            futures.append(threads.submit(make))
            while waiting.qsize() < number:
                time.sleep(0.001)
        goes_on.set()
        first.result(60)
        yield futures


def test_a_change_that_finds_the_disk_full_takes_no_other_with_it(engine: Engine) -> None:
    changes = Changes(engine)
    works = [adding("a"), adding("b", 1_000_000), adding("c")]
    with held_up(changes, *(partial(changes.make, work) for work in works)) as made:
        assert (made[0].result(60), made[2].result(60)) == ("a", "c")
        with pytest.raises(OperationalError, match="disk is full"):
            made[1].result(60)
    assert names(engine) == ["a", "c"]
    changes.close()
    engine.dispose()


def test_changes_of_one_kind_that_wait_are_made_by_one_call(engine: Engine) -> None:
    changes, calls = Changes(engine), []

    def add_all(connection: Connection, items: Sequence[str]) -> list[str]:
        calls.append(list(items))
        return [adding(item)(connection).upper() for item in items]

    together = partial(changes.make_together, add_all)
    with held_up(
        changes, partial(together, "a"), partial(changes.make, adding("b")), partial(together, "c")
    ) as made:
        assert [each.result(60) for each in made] == ["A", "b", "C"]
    assert calls == [["a", "c"]]
    assert names(engine) == ["a", "b", "c"]
    changes.close()
    engine.dispose()


@pytest.mark.parametrize("size", [-1, 1_000_000])
def test_what_is_wrong_with_one_of_a_kind_is_told_to_it_alone(engine: Engine, size: int) -> None:
    changes = Changes(engine)

    def add_all(connection: Connection, items: Sequence[tuple[str, int]]) -> list[str]:
        made = [adding(name, size)(connection) for name, size in items]
        assert min(size for _, size in items) >= 0, "too small"
        return made

    items = [("a", 1), ("b", size), ("c", 1)]
    calls = [partial(changes.make_together, add_all, item) for item in items]
    with held_up(changes, *calls) as made:
        assert (made[0].result(60), made[2].result(60)) == ("a", "c")
        with pytest.raises((AssertionError, OperationalError), match=r"too small|disk is full"):
            made[1].result(60)
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


def test_processes_of_one_hub_take_turns(postgres: "Postgres") -> None:
    engine = open_postgres(postgres.url(postgres.new_database()))
    with changing(engine) as connection:
        connection.exec_driver_sql(
            "CREATE TABLE things AS SELECT * FROM (VALUES ('a', 0), ('b', 0)) AS made (name, size)"
        )

    def grow(connection: Connection, name: str) -> None:
        connection.exec_driver_sql("UPDATE things SET size = size + 1 WHERE name = %s", (name,))

    def change_both() -> None:
        with changing(engine) as connection:
            grow(connection, "b")
            grow(connection, "a")

    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ThreadPoolExecutor(1) as thread:
        with changing(engine) as connection:
            grow(connection, "a")
            other = thread.submit(change_both)
            while not connection.exec_driver_sql(waiting).scalar():
                time.sleep(0.001)
            grow(connection, "b")  # which the other would hold by now, and wait for ours
        other.result(60)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name, size FROM things ORDER BY name").all() == [
            ("a", 2),
            ("b", 2),
        ]
    engine.dispose()
