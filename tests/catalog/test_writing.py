"""Writing what run folders said into a workspace's catalog."""

from __future__ import annotations

from sqlalchemy import select

from dotscience.catalog import tables
from dotscience.catalog.database import make_tables, open_sqlite, writing
from dotscience.catalog.reading import Reading
from dotscience.catalog.rows import Facts
from dotscience.catalog.scan import OPEN, Known
from dotscience.catalog.writing import Writer


def reading(run: str, stamp: str) -> Reading:
    return Reading(".dotscience", run, Known(stamp, OPEN), Facts(run, "unpublished"))


def test_a_new_run_does_not_take_the_key_of_one_that_is_written_again_with_it() -> None:
    engine = open_sqlite(None)
    with writing(engine) as connection:
        make_tables(connection)
    writer = Writer(engine, "/study")
    writer.write([reading("old", "1")])
    writer.write([reading("new", "1"), reading("old", "2")])
    with engine.connect() as connection:
        keys = {row.id: row.key for row in connection.execute(select(tables.runs.c.id, tables.runs.c.key))}
    assert keys == {"old": 1, "new": 2}
    engine.dispose()
