"""Writing runs into a Hub's catalog, on each database."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from dotscience.catalog import tables
from dotscience.catalog.database import is_transient, open_postgres, open_shared_sqlite
from dotscience.catalog.listing import find_runs, get_run
from dotscience.catalog.shared import SharedCatalog
from dotscience.catalog.shared_writing import forget_runs, write_runs
from dotscience.errors import ArgumentError, StateError
from dotscience.records.files import FileVersion

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Team

    from ..postgres import Postgres


def keys(team: Team) -> dict[str, int]:
    runs = tables.runs.c
    wanted = select(runs.id, runs.key)
    return team.catalog.read(lambda connection: {row.id: row.key for row in connection.execute(wanted)})


def sizes(team: Team) -> dict[str, int]:
    """Rows of each table."""
    return team.catalog.read(
        lambda connection: {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables.SHARED
        }
    )


def test_a_run_that_is_written_again_is_replaced_under_its_key(team: Team) -> None:
    first = team.facts(metrics={"loss": 2, "gone": 1}, inputs={"a": b"a"}, status="running", ended=None)
    other = team.facts(metrics={"loss": 7})
    team.catalog.write(lambda connection: write_runs(connection, [(first, "p"), (other, "p")]))
    before = keys(team)
    again = team.facts(id=other.id, metrics={"loss": 8})
    first.metrics, first.status = {"loss": 1}, "completed"
    new = team.facts()
    team.catalog.write(lambda connection: write_runs(connection, [(new, "p"), (again, "p"), (first, "p")]))
    assert {run: keys(team)[run] for run in before} == before
    place = team.seen_by("p")
    assert dict(get_run(place, first.id).metrics) == {"loss": 1}
    assert get_run(place, first.id).status == "completed"
    assert dict(get_run(place, other.id).metrics) == {"loss": 8}
    assert sizes(team)["values"] == 2


def test_of_one_run_twice_in_a_batch_the_last_counts(team: Team) -> None:
    facts = [team.facts(id="same", metrics={"step": step}) for step in range(3)]
    team.catalog.write(lambda connection: write_runs(connection, [(one, "p") for one in facts]))
    assert [dict(row.metrics) for row in find_runs(team.seen_by("p")).rows] == [{"step": 2}]


def test_a_run_of_another_project_is_not_taken_over(team: Team) -> None:
    run = team.run("theirs", metrics={"x": 1})
    with pytest.raises(StateError, match="Another project has a run"):
        team.run("ours", id=run)
    assert get_run(team.seen_by("theirs"), run).metrics == {"x": 1}
    assert find_runs(team.seen_by("ours")).rows == []


def test_what_is_forgotten_leaves_nothing_but_its_file_versions(team: Team) -> None:
    kept = team.run("p", metrics={"x": 1})
    before = sizes(team)
    run = team.run(
        "p",
        parameters={"n": 1},
        inputs={"a": b"a"},
        annotations=[{"at": "2026", "tag": "best"}],
        series={"loss": {"count": 2, "last": 0.5}},
        models={"m": {"type": "sklearn-model"}},
    )
    team.catalog.write(lambda connection: forget_runs(connection, [run, "not there"]))
    assert sizes(team) == {**before, "versions": 1}
    assert [row.id for row in find_runs(team.seen_by("p")).rows] == [kept]


def test_a_file_version_stands_once_in_each_project(team: Team) -> None:
    unseen = [FileVersion("s3://bucket/x", unseen="reference"), FileVersion("caf\udce9", "ab" * 32, 3)]
    for project in ("one", "one", "two"):
        team.run(project, inputs={"a": b"a", "b": b"a"}, outputs={"a": b"a"})
        facts = team.facts(outputs={"a": b"b"})
        facts.inputs = unseen
        team.catalog.write(
            lambda connection, facts=facts, project=project: write_runs(connection, [(facts, project)])
        )
    assert sizes(team)["versions"] == 2 * 5


def test_a_rollback_leaves_nothing_and_the_next_attempt_succeeds(team: Team) -> None:
    facts = team.facts(inputs={"a": b"a"}, metrics={"x": 1})

    def fail(connection: Any) -> None:
        write_runs(connection, [(facts, "p")])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        team.catalog.write(fail)
    assert set(sizes(team).values()) == {0}
    team.catalog.write(lambda connection: write_runs(connection, [(facts, "p")]))
    assert sizes(team)["uses"] == 1


def test_a_savepoint_that_is_rolled_back_harms_no_other_run(team: Team) -> None:
    good, bad = team.facts(inputs={"a": b"a"}), team.facts(inputs={"b": b"b"})

    def work(connection: Any) -> None:
        with connection.begin_nested():
            write_runs(connection, [(good, "p")])
        with pytest.raises(ZeroDivisionError), connection.begin_nested():
            write_runs(connection, [(bad, "p")])
            raise ZeroDivisionError

    team.catalog.write(work)
    assert list(keys(team)) == [good.id]
    assert sizes(team)["versions"] == 1


def test_writers_at_once_get_keys_of_their_own(team: Team) -> None:
    engines = [_again(team.catalog.engine) for _ in range(4)]
    batches = [
        [team.facts(inputs={"shared": b"s", f"own {n}": b"%d" % n}) for n in range(3)] for _ in range(24)
    ]

    def write(number: int) -> None:
        catalog = SharedCatalog(engines[number % len(engines)])
        catalog.write(lambda connection: write_runs(connection, [(one, "p") for one in batches[number]]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(len(batches))))
    assert len(set(keys(team).values())) == 72
    assert sizes(team) == {**dict.fromkeys(sizes(team), 0), "runs": 72, "uses": 144, "versions": 4}
    for engine in engines:
        engine.dispose()


def _again(engine: Engine) -> Engine:
    """Another engine on the same database, as another process has it."""
    if engine.dialect.name == "postgresql":
        return open_postgres(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    with engine.connect() as connection:
        return open_shared_sqlite(connection.exec_driver_sql("PRAGMA database_list").all()[0][2])


def test_a_reader_does_not_wait_for_a_writer(team: Team) -> None:
    run = team.run("p")

    def work(connection: Any) -> None:
        write_runs(connection, [(team.facts(), "p")])
        assert [row.id for row in find_runs(team.seen_by("p")).rows] == [run]

    team.catalog.write(work)
    assert len(find_runs(team.seen_by("p")).rows) == 2


def test_every_commit_is_on_disk_when_it_is_acknowledged(tmp_path: Path) -> None:
    engine = open_shared_sqlite(str(tmp_path / "hub.sqlite"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_server_that_was_restarted_is_asked_again(postgres: Postgres, template: str) -> None:
    name = postgres.new_database(template)
    engine = open_postgres(postgres.url(name))
    catalog = SharedCatalog(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        postgres.stop(at_once=True)
        with pytest.raises(OperationalError) as broken:
            connection.execute(text("SELECT 1"))
    assert is_transient(broken.value)
    with pytest.raises(OperationalError) as away:
        find_runs(catalog.seen_by(["p"]))
    assert is_transient(away.value)
    postgres.start()
    assert find_runs(catalog.seen_by(["p"])).rows == []
    engine.dispose()
    postgres.drop_database(name)


def test_a_transaction_that_was_chosen_to_end_a_deadlock_may_be_tried_again(
    postgres: Postgres, template: str
) -> None:
    name = postgres.new_database(template)
    engine = open_postgres(postgres.url(name))
    with engine.connect() as one, engine.connect() as other, ThreadPoolExecutor(1) as pool:
        lock = "SELECT pg_advisory_xact_lock({})"
        one.exec_driver_sql(lock.format(1))
        other.exec_driver_sql(lock.format(2))
        waiting = pool.submit(one.exec_driver_sql, lock.format(2))
        errors = []
        try:
            other.exec_driver_sql(lock.format(1))
        except OperationalError as error:
            errors.append(error)
        other.rollback()
        try:
            waiting.result()
        except OperationalError as error:
            errors.append(error)
    assert [is_transient(error) for error in errors] == [True]
    engine.dispose()
    postgres.drop_database(name)


def test_a_busy_file_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dotscience.catalog.database.PATIENCE", 0.01)
    engine = open_shared_sqlite(str(tmp_path / "hub.sqlite"))
    catalog = SharedCatalog(engine)

    def work(connection: Any) -> None:
        with pytest.raises(OperationalError) as busy:
            catalog.write(lambda _: None)
        assert is_transient(busy.value)

    catalog.write(work)
    engine.dispose()


def test_what_will_not_change_is_not_tried_again(team: Team) -> None:
    run = team.run("p")

    def twice(connection: Any) -> None:
        held = connection.execute(select(tables.runs)).mappings().one()
        connection.execute(tables.runs.insert(), [{**held, "id": run}])

    with pytest.raises(IntegrityError) as error:
        team.catalog.write(twice)
    assert not is_transient(error.value)
    assert not is_transient(ValueError("locked"))
    with pytest.raises(Exception, match="nothing_there") as missing:
        team.catalog.read(lambda connection: connection.execute(text("SELECT * FROM nothing_there")))
    assert not is_transient(missing.value)


@pytest.mark.parametrize("url", ["", "x", "sqlite:///hub.sqlite", "mysql://host/db", "http://host"])
def test_what_is_no_url_of_postgresql(url: str) -> None:
    with pytest.raises(ArgumentError, match="postgresql://user:password@host/database"):
        open_postgres(url)


def test_options_of_the_url_are_kept(postgres: Postgres) -> None:
    engine = open_postgres(postgres.url() + "?options=-c%20statement_timeout%3D7777&application_name=hub")
    with engine.connect() as connection:
        said = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("statement_timeout", "jit", "application_name")
        ]
    assert said == ["7777ms", "off", "hub"]
    engine.dispose()


def test_a_digest_is_kept_as_bytes(team: Team) -> None:
    team.run("p", outputs={"a": b"a"})
    digest = team.catalog.read(
        lambda connection: connection.execute(select(tables.versions.c.digest)).scalar()
    )
    assert digest == hashlib.sha256(b"a").digest()
