"""Pages of runs on each database: the order is total, no page overlaps another, and a cursor is not to be trusted."""

from __future__ import annotations

import base64
import json
import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from sqlalchemy import Connection, event, select

from dotscience.catalog import listing, tables
from dotscience.catalog.listing import find_and_count, find_runs, fitting, get_run, names_in_use
from dotscience.catalog.place import Held, Place
from dotscience.catalog.shared_writing import forget_runs, write_runs
from dotscience.errors import AmbiguousError, ArgumentError, QueryError

if TYPE_CHECKING:
    from conftest import Team

VALUES = [0, 1, 1.0, 0.5, -1, math.nan, math.inf, -math.inf, 0.1 + 0.2, 2**53 + 1, 2**53, 10**30, True, None]
TEXTS = ["", "1", "0.5", "b", "B", "é", "a\udce9", "\0", "ä", "_", "Z"]


def fill(team: Team, count: int = 60) -> None:
    chosen = random.Random(7)
    for number in range(count):
        value = chosen.choice([*VALUES, *TEXTS])
        given: dict[str, Any] = {"metrics": {"x": value} if chosen.random() < 0.8 else {}}
        if number % 7 == 0:
            given.update(started=None, ended=None)
        if number % 5 == 0:
            given["description"] = chosen.choice(TEXTS)
        team.run("p", parameters={"n": number % 3}, labels={"odd": str(number % 2)}, **given)


def pages(place: Place, limit: int, query: str = "", sort: Any = "-started") -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = find_runs(place, query, sort, limit, cursor)
        found.append([row.id for row in page.rows])
        cursor = page.next
        if cursor is None:
            return found


SORTS = [
    "-started", "started", "id", "-id", "status", "duration", "-duration", "description", "-description",
    "metric.x", "-metric.x", "parameter.n", "-label.odd", "metric.none",
    ["parameter.n", "-metric.x"], ["-metric.x", "label.odd"], ["metric.none", "-description"], [],
]  # fmt: skip


def test_pages_of_any_size_and_order_are_the_list_as_a_whole(team: Team) -> None:
    fill(team)
    team.run("another", metrics={"x": 3})
    place = team.seen_by("p")
    for sort in SORTS:
        (whole,) = pages(place, 1000, sort=sort)
        assert len(whole) == len(set(whole)) == 60, sort
        for limit in (1, 7, 59, 60, 61):
            parts = pages(place, limit, sort=sort)
            assert [run for part in parts for run in part] == whole, (sort, limit)
            assert all(len(part) == limit for part in parts[:-1])
            assert parts[-1], "a page that is not the last says so"


def test_every_database_gives_the_same_order(team: Team) -> None:
    fill(team)
    place = team.seen_by("p")
    rows = find_runs(place, limit=1000).rows

    def as_number(value: Any) -> float | None:
        try:
            number = None if isinstance(value, list | dict) else float(value)
        except (TypeError, ValueError):
            return None
        return None if number is None or math.isnan(number) else value if isinstance(value, int) else number

    for down in (False, True):
        ids = pages(place, 11, sort=f"{'-' if down else ''}metric.x")
        ordered = {row.id: row for row in rows}
        values = [ordered[run].metrics.get("x", "missing") for part in ids for run in part]
        numbers = [number for value in values if (number := as_number(value)) is not None]
        assert numbers == sorted(numbers, reverse=down)
        assert values[: len(numbers)] == [value for value in values if as_number(value) is not None]
    texts = [row.description for row in find_runs(place, 'description >= ""', "description", 1000).rows]
    escaped = [
        text.replace("\udce9", "\ufdd0dce9").replace("\0", "\ufdd00000") for text in texts if text is not None
    ]
    assert escaped == sorted(escaped)


def test_pages_of_a_query(team: Team) -> None:
    fill(team)
    place = team.seen_by("p")
    query = 'parameter.n == 1 and label.odd == "0"'
    found = [run for part in pages(place, 3, query, "-metric.x") for run in part]
    assert len(found) == find_and_count(place, query)[1] == 10
    assert set(found) == {
        row.id
        for row in find_runs(place, limit=1000).rows
        if row.parameters["n"] == 1 and row.labels["odd"] == "0"
    }


QUERIES = [
    "metric.x > 0", "metric.x >= 0 or parameter.n == 1", "not metric.x > 0", '"0" != label.odd and metric.x < 1',
    "metric.x > parameter.n", '"x" in metric and "even" in tag', '"in/*.csv" in input', 'status == "completed"',
]  # fmt: skip


@pytest.mark.parametrize("few", [0, 1000], ids=["followed", "put in order"])
def test_pages_of_a_query_are_the_same_whichever_way_they_are_found(
    team: Team, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    fill(team, 30)
    for number in range(4):
        tags = [{"at": "2026", "tag": "even"}] if number % 2 == 0 else []
        team.run("p", metrics={"x": number}, inputs={f"in/{number}.csv": b"raw"}, annotations=tags)
    team.run("another", metrics={"x": 1}, inputs={"in/0.csv": b"raw"})
    place = team.seen_by("p")
    for sort in ("-started", "metric.x", ["-parameter.n", "label.odd"]):
        (order,) = pages(place, 1000, sort=sort)
        for query in QUERIES:
            fit = place.read(
                lambda connection, query=query: set(
                    connection.execute(
                        select(tables.runs.c.id).where(fitting(Held(place, connection), query, None))
                    ).scalars()
                )
            )
            monkeypatch.setattr(listing, "FEW", few)
            found = [run for part in pages(place, 5, query, sort) for run in part]
            assert found == [run for run in order if run in fit], (query, sort)
            assert found


def test_a_page_is_of_one_moment(team: Team) -> None:
    runs = [team.run("p", metrics={"x": number}) for number in range(3)]
    place = team.seen_by("p")
    others = list[str]()

    def change(connection: Connection, cursor: object, statement: str, *rest: object) -> None:
        if "sort_0" in statement and not others:
            team.catalog.write(lambda other: forget_runs(other, runs[1:]))
            others.extend(team.run("secret", metrics={"x": -1}) for _ in range(2))  # under the same keys

    event.listen(team.catalog.engine, "after_cursor_execute", change)
    found = find_runs(place).rows
    assert others
    assert [(row.id, row.metrics) for row in found] == [(runs[n], {"x": n}) for n in (2, 1, 0)]


def test_what_comes_while_one_turns_the_pages_disturbs_nothing(team: Team) -> None:
    runs = [team.run("p") for _ in range(6)]
    place = team.seen_by("p")
    first = find_runs(place, limit=2)
    new = team.run("p")
    second = find_runs(place, limit=2, after=first.next)
    assert [row.id for row in (*first.rows, *second.rows)] == runs[:1:-1]
    assert new not in {row.id for row in second.rows}


def test_the_count_stops_where_it_is_told_to(team: Team) -> None:
    for _ in range(5):
        team.run("p", metrics={"x": 1})
    place = team.seen_by("p")
    assert [find_and_count(place, "metric.x == 1", most=most)[1] for most in (0, 3, 5, 9)] == [1, 4, 5, 5]


def encoded(value: object, sort: str = "-started") -> str:
    """As a cursor of that order is, where the value is a list."""
    said = [crc32(json.dumps([sort]).encode()), *value] if isinstance(value, list) else value
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


CURSORS = [
    "", "x", "=", "é", "\0", "A" * 100_000, encoded(None), encoded([]), encoded({}), encoded([0]), encoded("0"),
    encoded([-1, 1, 3]), encoded([9, 1, 3]), encoded([True, 1, 3]), encoded([0.0, 1, 3]), encoded([0, "1", 3]),
    encoded([0, 1, "3"]), encoded([0, 1, 3, 4]), encoded([0, 1]), encoded([0, 2**70, 3]), encoded([0, 1, 2**31]),
    encoded([0, True, 3]), encoded([0, [1], 3]), encoded([0, 1, {}]), encoded([0, math.nan, 3]),
    encoded([0, 1.5, 3]), encoded(["0", 1, 3]), encoded([[0], 1, 3]), encoded([0, 1, ["3 OR 1=1 --"]]),
]  # fmt: skip


@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
def test_a_cursor_that_is_none_is_an_error(team: Team, cursor: str) -> None:
    team.run("p")
    with pytest.raises(ArgumentError, match="ask for the first page again"):
        find_runs(team.seen_by("p"), after=cursor)


def test_a_cursor_that_was_tampered_with_shows_nothing_that_may_not_be_seen(team: Team) -> None:
    team.run("theirs", metrics={"x": 1})
    own = team.run("ours", metrics={"x": 2})
    place = team.seen_by("ours")
    far = 2**62
    for values in ([0, far, 0], [0, None, None], [1, 0]):
        assert {row.id for row in find_runs(place, after=encoded(values)).rows} <= {own}
    for value in (1e400, -1e400, 0.5, 3, None, far):
        found = find_runs(place, sort="-metric.x", after=encoded([0, value, 0], "-metric.x"))
        assert {row.id for row in found.rows} <= {own}
    for text in ("", "\ud800\0", None):
        found = find_runs(place, sort="-metric.x", after=encoded([1, text, 0], "-metric.x"))
        assert {row.id for row in found.rows} <= {own}


def test_a_cursor_of_another_order_is_an_error(team: Team) -> None:
    fill(team, 5)
    place = team.seen_by("p")
    with pytest.raises(ArgumentError):
        find_runs(place, sort="description", after=find_runs(place, limit=2).next)


@pytest.mark.parametrize(("sort", "other"), [("-started", "started"), ("-metric.x", "-metric.y")])
def test_a_cursor_whose_values_would_fit_another_order_is_an_error(team: Team, sort: str, other: str) -> None:
    for number in range(5):
        team.run("p", metrics={"x": number, "y": -number})
    place = team.seen_by("p")
    cursor = find_runs(place, sort=sort, limit=2).next
    assert len(find_runs(place, sort=sort, after=cursor).rows) == 3
    with pytest.raises(ArgumentError, match="in this order"):
        find_runs(place, sort=other, after=cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001, True, 1.5, "3", None])
def test_a_wrong_limit(team: Team, limit: Any) -> None:
    with pytest.raises(ArgumentError, match="1 to 1000 rows"):
        find_runs(team.seen_by("p"), limit=limit)


def test_a_wrong_query_or_order(team: Team) -> None:
    for given in ({"query": "metrics.a > 1"}, {"sort": "startd"}):
        with pytest.raises(QueryError):
            find_runs(team.seen_by("p"), **given)
    with pytest.raises(QueryError):
        find_and_count(team.seen_by("p"), "metrics.a > 1")


def test_values_come_back_as_they_were(team: Team) -> None:
    values = {
        f"v{number}": value for number, value in enumerate([*VALUES, *TEXTS, [1, "a"]]) if value != 10**30
    }
    run = team.run("p", parameters=values, description="\0 and \udce9")
    row = get_run(team.seen_by("p"), run)
    assert {name: repr(value) for name, value in row.parameters.items()} == {
        name: repr(value) for name, value in values.items()
    }
    assert row.description == "\0 and \udce9"


def test_long_texts_in_lists_of_a_hub_are_cut(team: Team) -> None:
    long, exact = "x" * 5000, "x" * 1000
    figure = 2**62
    team.run(
        "p", description=long, parameters={"text": long, "exact": exact, "list": [1] * 5000, "figure": figure}
    )
    (row,) = find_runs(team.seen_by("p")).rows
    assert row.description == f"{exact}…"
    assert row.parameters["text"] == f"{exact}…"
    assert row.parameters["exact"] == exact
    assert row.parameters["figure"] == figure
    assert row.parameters["list"] == f"{str([1] * 5000)[:1000]}…"


def test_what_is_cut_of_a_value_is_said_whatever_it_claims_to_be(team: Team) -> None:
    """A record may have been written by anybody: the text of a value need not be that of its form."""
    claimed: dict[str, Any] = {
        "a": {"type": "T", "text": "words", "value": 10**1500},
        "b": {"type": "T", "text": "x" * 5000, "value": 1},
        "c": {"type": "T", "text": "few", "value": ["word"] * 500},
    }
    facts = replace(team.facts(description="\0" * 990 + "x" * 100), parameters=claimed)
    team.catalog.write(lambda connection: write_runs(connection, [(facts, "p")]))
    team.run("p", description="\0" * 200)
    long, short = find_runs(team.seen_by("p"), sort="started").rows
    assert long.parameters == {"a": "words…", "b": f"{'x' * 1000}…", "c": "few…"}
    assert long.description == "\0" * 200 + "…"
    assert short.description == "\0" * 200


def test_a_page_of_a_hub_holds_fewer_runs_where_they_have_very_many_values(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_VALUES", 5)
    counts = [2, 2, 2, 9, 1, 0]
    for count in counts:
        team.run("p", metrics={f"m{number}": number for number in range(count)})
    found = pages(team.seen_by("p"), 50, sort="started")
    assert list(map(len, found)) == [2, 1, 1, 2]
    assert len({run for page in found for run in page}) == len(counts)


def test_a_run_is_named_by_its_id_or_the_beginning_of_it(team: Team) -> None:
    for run in ("aaaa1111", "aaaa2222", "aaaa", "bbbb", "b%", "\U0010ffff"):
        team.run("p", id=run)
    place = team.seen_by("p")
    for ref, run in (
        ("aaaa1", "aaaa1111"),
        ("aaaa", "aaaa"),
        ("bb", "bbbb"),
        ("b%", "b%"),
        ("\U0010ffff", "\U0010ffff"),
    ):
        assert get_run(place, ref).id == run
    with pytest.raises(AmbiguousError, match=r"'aaa' fits several runs \(aaaa, aaaa1111, aaaa2222\)"):
        get_run(place, "aaa")
    with pytest.raises(LookupError):
        get_run(place, "")


def test_names_in_use_are_those_of_runs_that_are_there(team: Team) -> None:
    first = team.run("p", parameters={"b": 1, "a": 1, "": 2}, metrics={"m\udce9": 1}, labels={"é": "x"})
    team.run("p", parameters={"b": 1, "c": 2})
    place = team.seen_by("p")
    names = names_in_use(place)
    assert (names.parameters, names.metrics, names.labels) == (["", "a", "b", "c"], ["m\udce9"], ["é"])
    team.catalog.write(lambda connection: forget_runs(connection, [first]))
    assert names_in_use(place).parameters == ["b", "c"]
    assert names_in_use(place).metrics == []
