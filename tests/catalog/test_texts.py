"""Every text survives the database, whatever its characters."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dotscience.catalog import tables
from dotscience.catalog.database import insert_many, make_tables, open_sqlite, writing
from dotscience.catalog.texts import MARK, escape, unescape

ANY_TEXT = st.text(st.characters() | st.sampled_from(["\0", "\ud800", "\udcff", MARK, "0", "d", "f"]))


@given(ANY_TEXT)
def test_unescape_gives_back_what_was_escaped(text: str) -> None:
    assert unescape(escape(text)) == text


@given(ANY_TEXT)
def test_an_escaped_text_can_be_stored_anywhere(text: str) -> None:
    escaped = escape(text)
    assert "\0" not in escaped
    escaped.encode("utf-8")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=["\0", MARK])))
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert escape(text) == text


def test_a_column_gives_back_names_that_are_no_utf8() -> None:
    engine = open_sqlite(None)
    path = "raw/\udce9t\udce9.csv\0"
    with writing(engine) as connection:
        make_tables(connection)
        insert_many(connection, tables.versions, [(1, escape(path), None, None, 0)])
        found = connection.execute(select(tables.versions.c.path).where(tables.versions.c.path == path))
        assert found.scalars().all() == [path]
    engine.dispose()
