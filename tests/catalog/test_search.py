"""Runs and files found by words that somebody remembers, on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from dotscience.catalog.search import search_files, search_runs

if TYPE_CHECKING:
    from conftest import Team


@pytest.mark.parametrize("words", ["ärger", "ÄRGER", "Ärger über", "straße", "ÉTÉ", "été"])
def test_the_case_of_letters_does_not_matter_whatever_the_alphabet(team: Team, words: str) -> None:
    run = team.run("p", description="ÄRGER ÜBER die Straße im Été", outputs={"Ärger/über/STRAße/ÉTÉ": b"1"})
    team.run("p", description="anger", outputs={"anger": b"2"})
    assert [found.id for found in search_runs(team.seen_by("p"), words)] == [run]
    assert len(search_files(team.seen_by("p"), words)) == 1


def test_only_the_projects_that_one_sees_are_looked_through(team: Team) -> None:
    """By an index: what is elsewhere is not even read."""
    team.run("p", description="some words")
    said: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(team.catalog.engine, "before_cursor_execute", note)
    assert len(search_runs(team.seen_by("p"), "some words")) == 1
    event.remove(team.catalog.engine, "before_cursor_execute", note)
    (search,) = [statement for statement in said if "description" in statement and "LIKE" in statement]
    assert "runs.shard =" in search
