"""Columns of many runs for charts, on each database."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.catalog.columns import MOST_RUNS, name_of, parse_column, read_columns
from dotscience.catalog.expressions import FIELDS, Field, Value
from dotscience.errors import ArgumentError, QueryError

if TYPE_CHECKING:
    from conftest import Team


def columns(team: Team, *names: str, **more: Any) -> dict[str, list[Any]]:
    found = read_columns(team.seen_by("p"), [parse_column(name) for name in names], **more)
    return dict(zip(names, found.values, strict=True)) | {"runs": found.runs}


def test_a_column_has_a_value_or_nothing_for_each_run_and_the_latest_comes_first(team: Team) -> None:
    first = team.run("p", metrics={"loss": 0.5}, parameters={"n": 1})
    second = team.run("p", parameters={"n": 2})
    team.run("q", metrics={"loss": 9})
    found = columns(team, "metric.loss", "parameter.n", "duration", "status")
    assert found == {
        "runs": [second, first],
        "metric.loss": [None, 0.5],
        "parameter.n": [2, 1],
        "duration": [30.0, 30.0],
        "status": ["completed", "completed"],
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, 3), (0.25, 0.25), (True, True), (False, False), (None, None), ("deep", "deep"), ("12", 12),
        (math.nan, "nan"), (math.inf, "inf"), ("x" * 500, "x" * 200), ("a\udce9", "a\udce9"),
    ],
)  # fmt: skip
def test_values_are_numbers_where_they_are_finite_and_short_texts_else(
    team: Team, value: Any, shown: Any
) -> None:
    team.run("p", metrics={"x": value})
    (found,) = columns(team, "metric.x")["metric.x"]
    assert (found, type(found)) == (shown, type(shown))


def test_a_query_chooses_the_runs_and_a_limit_the_latest_of_them(team: Team) -> None:
    runs = [team.run("p", metrics={"x": number}) for number in range(6)]
    assert columns(team, "metric.x", query="metric.x > 1")["metric.x"] == [5, 4, 3, 2]
    found = read_columns(team.seen_by("p"), [], limit=2)
    assert (found.runs, found.is_complete) == ([runs[5], runs[4]], False)
    assert read_columns(team.seen_by("p"), [], limit=6).is_complete


def test_a_run_without_a_start_comes_last(team: Team) -> None:
    lost = team.run("p", started=None, ended=None, metrics={"x": 1})
    late = team.run("p", metrics={"x": 2})
    assert columns(team, "started", "metric.x") == {
        "runs": [late, lost],
        "started": ["2026-11-01T08:02:00.000000Z", None],
        "metric.x": [2, 1],
    }


def test_many_runs_are_read_in_parts(team: Team) -> None:
    facts = [(team.facts(metrics={"x": number}), "p") for number in range(1201)]
    from dotscience.catalog.shared_writing import write_runs

    team.catalog.write(lambda connection: write_runs(connection, facts))
    assert columns(team, "metric.x")["metric.x"] == list(range(1200, -1, -1))


@pytest.mark.parametrize("limit", [0, -1, MOST_RUNS + 1])
def test_a_wrong_limit_is_refused(team: Team, limit: int) -> None:
    with pytest.raises(ArgumentError, match="1 to 5000 runs"):
        read_columns(team.seen_by("p"), [], limit=limit)


@pytest.mark.parametrize("name", ["-metric.x", "nothing", "metric", "1", "", "metric.x > 1"])
def test_what_is_no_column_is_refused(name: str) -> None:
    with pytest.raises(QueryError):
        parse_column(name)


@given(st.sampled_from(["metric", "parameter", "label"]), st.text(st.characters(), min_size=1))
def test_every_name_can_be_said(kind: str, name: str) -> None:
    assert parse_column(name_of(Value(kind, name))) == Value(kind, name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loss", "metric.loss"), ("val.loss", 'metric["val.loss"]'), ("n-trees", 'metric["n-trees"]'), ("if", 'metric["if"]'),
        ("__x", 'metric["__x"]'), ("é", 'metric["é"]'), ('"', 'metric["\\""]'), ("\udce9", 'metric["\\udce9"]'),
    ],
)  # fmt: skip
def test_a_name_is_said_as_people_write_it(name: str, said: str) -> None:
    assert name_of(Value("metric", name)) == said


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_a_column(team: Team, field: str) -> None:
    team.run("p")
    assert name_of(parse_column(field)) == field
    assert len(read_columns(team.seen_by("p"), [Field(field)]).values[0]) == 1
