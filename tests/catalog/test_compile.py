"""What a query finds in the database is what its words say: compared with a small interpreter of the language."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from dotscience.catalog import tables
from dotscience.catalog.compile import compile_condition
from dotscience.catalog.database import insert_many, writing
from dotscience.catalog.ordering import sorted_by
from dotscience.catalog.query import parse, parse_sort
from dotscience.catalog.rows import Facts, Rows, run_rows
from dotscience.catalog.texts import escape
from dotscience.records.values import stored

T0 = datetime(2026, 11, 1, tzinfo=timezone.utc)
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

NAMES = st.sampled_from(["a", "n-estimators", "", "é", "a\udce9", "x' OR 1=1 --"])
VALUES = (
    st.sampled_from([0, 1, 2, -1, 0.5, 1.0, True, False, None, math.nan, math.inf, 2**53 + 1, 2**53, 10**30])
    | st.sampled_from(
        ["", "1", "0.5", "test", "Test", "True", "false", "nan", "te%st", "é", "\udce9", "\0", "'", "1e400"]
    )
    | st.lists(st.integers(0, 2), max_size=2)
)
VALUE_MAPS = st.dictionaries(NAMES, VALUES, max_size=3)
TAGS = st.lists(st.sampled_from(["best", "é", "a'b"]), max_size=2, unique=True)


@dataclass
class Run:
    """What the interpreter knows of a run."""

    status: str
    started: datetime | None
    duration: float | None
    description: str | None
    values: Mapping[str, Mapping[str, Any]]
    tags: Sequence[str] = field(default_factory=list)

    def facts(self, number: int) -> Facts:
        ended = (
            None
            if self.started is None or self.duration is None
            else self.started + timedelta(seconds=self.duration)
        )
        return Facts(
            id=f"run-{number}",
            status=self.status,
            started=self.started,
            ended=ended,
            description=self.description,
            annotations=[{"at": "2026", "tag": tag} for tag in self.tags],
            **{
                f"{kind}s": {name: stored(one) for name, one in values.items()}
                for kind, values in self.values.items()
            },
        )


RUNS = st.builds(
    Run,
    status=st.sampled_from(["completed", "failed"]),
    started=st.none() | st.integers(0, 3).map(lambda days: T0 + timedelta(days=days)),
    duration=st.none() | st.integers(0, 3).map(float),
    description=st.none() | st.sampled_from(["", "first", "\udce9", "a%b"]),
    values=st.fixed_dictionaries({"parameter": VALUE_MAPS, "metric": VALUE_MAPS, "label": VALUE_MAPS}),
    tags=TAGS,
)


class Query:
    """A condition as text, and what it means."""

    def __init__(self, text: str, fits: Callable[[Run], bool]) -> None:
        self.text, self.fits = text, fits

    def __repr__(self) -> str:
        return self.text


def quoted(text: str) -> str:
    return ascii(text)


def as_number(value: Any) -> float | None:
    """A value as a number; NaN, and what is none, is None."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        value = float(value)
    return value if isinstance(value, int | float) and not math.isnan(value) else None


def compare(value: Any, op: str, constant: Any) -> bool:
    if isinstance(constant, bool):
        truth = (
            {"True": True, "true": True, "False": False, "false": False}.get(value)
            if isinstance(value, str)
            else value
        )
        return isinstance(truth, bool) and OPERATORS[op](truth, constant)
    if isinstance(constant, str):
        return OPERATORS[op](escape(str(value)), escape(constant))
    number = as_number(value)
    return number is not None and OPERATORS[op](number, constant)


MISSING = object()
KINDS = st.sampled_from(["parameter", "metric", "label"])
CONSTANTS = st.sampled_from([0, 1, 0.5, -1, 2**53, 2**53 + 1, "test", "", "1", "é", "'", "x' OR '1'='1"])


@st.composite
def of_a_value(draw: st.DrawFn) -> Query:
    kind, name = draw(KINDS), draw(NAMES)
    constant = draw(CONSTANTS | st.booleans())
    ops = ["==", "!="] if isinstance(constant, bool) else list(OPERATORS)
    op = draw(st.sampled_from(ops))

    def fits(run: Run) -> bool:
        value = run.values[kind].get(name, MISSING)
        return value is not MISSING and compare(value, op, constant)

    shown = quoted(constant) if isinstance(constant, str) else repr(constant)
    return Query(f"{kind}[{quoted(name)}] {op} {shown}", fits)


@st.composite
def of_a_list(draw: st.DrawFn) -> Query:
    kind, name = draw(KINDS), draw(NAMES)
    items = draw(st.lists(CONSTANTS | st.booleans(), max_size=3))
    negated = draw(st.booleans())

    def fits(run: Run) -> bool:
        value = run.values[kind].get(name, MISSING)
        if value is MISSING:
            return False
        if negated:
            return all(compare(value, "!=", item) for item in items)
        return any(compare(value, "==", item) for item in items)

    shown = ", ".join(quoted(item) if isinstance(item, str) else repr(item) for item in items)
    return Query(f"{kind}[{quoted(name)}] {'not in' if negated else 'in'} [{shown}]", fits)


@st.composite
def of_two_values(draw: st.DrawFn) -> Query:
    sides = [(draw(KINDS), draw(NAMES)) for _ in range(2)]
    op = draw(st.sampled_from(list(OPERATORS)))

    def fits(run: Run) -> bool:
        one, other = (run.values[kind].get(name, MISSING) for kind, name in sides)
        if one is MISSING or other is MISSING:
            return False
        numbers = [as_number(one), as_number(other)]
        if None not in numbers:
            return OPERATORS[op](*numbers)
        texts = [
            escape(str(side))
            for side in (one, other)
            if as_number(side) is None and not isinstance(side, float)
        ]
        return len(texts) == 2 and OPERATORS[op](*texts)

    left, right = (f"{kind}[{quoted(name)}]" for kind, name in sides)
    return Query(f"{left} {op} {right}", fits)


@st.composite
def of_a_field(draw: st.DrawFn) -> Query:
    op = draw(st.sampled_from(list(OPERATORS)))
    name = draw(st.sampled_from(["status", "description", "started", "duration"]))
    constant: Any
    if name == "started":
        constant = T0 + timedelta(days=draw(st.integers(0, 3)))
        shown = quoted(f"{constant:%Y-%m-%d}")
    elif name == "duration":
        constant = draw(st.integers(0, 3))
        shown = repr(constant)
    else:
        constant = draw(st.sampled_from(["completed", "failed", "first", ""]))
        shown = quoted(constant)

    def fits(run: Run) -> bool:
        value = getattr(run, name)
        if name == "duration" and run.started is None:
            value = None  # there is no end without a start here
        value = escape(value) if isinstance(value, str) else value
        return value is not None and OPERATORS[op](value, constant)

    return Query(f"{name} {op} {shown}", fits)


@st.composite
def of_a_pattern(draw: st.DrawFn) -> Query:
    kind, name = draw(KINDS), draw(NAMES)
    pattern = draw(st.sampled_from(["te%", "%", "_", "T%t", "te\\%st", "%e%"]))
    regex = {"te%": "te.*", "%": ".*", "_": ".", "T%t": "T.*t", "te\\%st": "te%st", "%e%": ".*e.*"}[pattern]

    def fits(run: Run) -> bool:
        value = run.values[kind].get(name, MISSING)
        return value is not MISSING and re.fullmatch(regex, str(value), re.DOTALL) is not None

    return Query(f"like({kind}[{quoted(name)}], {quoted(pattern)})", fits)


@st.composite
def of_a_set(draw: st.DrawFn) -> Query:
    item, negated = draw(st.sampled_from(["best", "é", "a'b", "worst"])), draw(st.booleans())
    return Query(
        f"{quoted(item)} {'not in' if negated else 'in'} tag", lambda run: (item in run.tags) != negated
    )


def combined(parts: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    pairs = st.tuples(parts, parts)
    return (
        pairs.map(
            lambda pair: Query(
                f"({pair[0]}) and ({pair[1]})", lambda run: pair[0].fits(run) and pair[1].fits(run)
            )
        )
        | pairs.map(
            lambda pair: Query(
                f"({pair[0]}) or ({pair[1]})", lambda run: pair[0].fits(run) or pair[1].fits(run)
            )
        )
        | parts.map(lambda part: Query(f"not ({part})", lambda run: not part.fits(run)))
    )


LEAVES = of_a_value() | of_a_list() | of_two_values() | of_a_field() | of_a_pattern() | of_a_set()
QUERIES = st.recursive(LEAVES, combined, max_leaves=6)


def fill(engine: Engine, runs: Sequence[Run]) -> None:
    """The runs with these as their keys: 0, 1, …"""
    rows: Rows = {table.name: [] for table in tables.SHARED}
    for number, run in enumerate(runs):
        run_rows(run.facts(number), number, "/study", rows)
    with writing(engine) as connection:
        for table in tables.SHARED:
            connection.execute(table.delete())
            insert_many(connection, table, rows[table.name])


def found(engine: Engine, query: str) -> set[int]:
    runs = tables.runs.c.key
    together, each = (
        compile_condition(parse(query), lambda related: (), each=each) for each in (False, True)
    )
    with engine.connect() as connection:
        fit = set(connection.execute(select(runs).where(together)).scalars())
        assert set(connection.execute(select(runs).where(each)).scalars()) == fit
        return fit


@settings(max_examples=300)
@given(runs=st.lists(RUNS, min_size=1, max_size=4), queries=st.lists(QUERIES, min_size=1, max_size=5))
def test_the_database_finds_what_the_words_say(engine: Engine, runs: list[Run], queries: list[Query]) -> None:
    fill(engine, runs)
    for query in queries:
        assert found(engine, query.text) == {number for number, run in enumerate(runs) if query.fits(run)}, (
            query
        )


@given(runs=st.lists(RUNS, max_size=5), kind=KINDS, name=NAMES, downwards=st.booleans())
def test_missing_values_come_last_and_numbers_before_texts(
    engine: Engine, runs: list[Run], kind: str, name: str, downwards: bool
) -> None:
    fill(engine, runs)
    key = f"{'-' if downwards else ''}{kind}[{quoted(name)}]"
    statement, _ = sorted_by(select(tables.runs.c.key), parse_sort(key))
    with engine.connect() as connection:
        order = connection.execute(statement).scalars().all()
    assert sorted(order) == list(range(len(runs)))
    values = [runs[number].values[kind].get(name, MISSING) for number in order]
    ranks = [2 if value is MISSING else 1 if as_number(value) is None else 0 for value in values]
    assert ranks == sorted(ranks)
    numbers = [as_number(value) for value, rank in zip(values, ranks, strict=True) if rank == 0]
    assert numbers == sorted(numbers, reverse=downwards)  # type: ignore[type-var]


def test_a_missing_key_makes_a_comparison_false_and_its_negation_true(engine: Engine) -> None:
    fill(engine, [Run("completed", None, None, None, {"parameter": {}, "metric": {}, "label": {}})])
    for query in (
        "metric.a > 1",
        "metric.a != 1",
        "metric.a not in [1]",
        "duration > 0",
        'like(label.a, "%")',
    ):
        assert found(engine, query) == set()
        assert found(engine, f"not ({query})") == {0}


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE runs; --",
        '" OR ""="',
        "') OR 1=1 --",
        "%",
        "\\",
        "{}",
        "%s",
        ":name",
        "?",
        "\x1a",
        "]]>",
    ],
)
def test_texts_never_become_sql(engine: Engine, text: str) -> None:
    values = {"parameter": {text: text}, "metric": {}, "label": {}}
    fill(
        engine,
        [
            Run("completed", None, None, text, values, [text]),
            Run("failed", None, None, None, {**values, "parameter": {}}),
        ],
    )
    for query in (
        f"parameter[{quoted(text)}] == {quoted(text)}",
        f"description == {quoted(text)}",
        f"description in [{quoted(text)}]",
        f"{quoted(text)} in tag",
        f"{quoted(text)} in parameter",
    ):
        assert found(engine, query) == {0}
    found(engine, f"{quoted(text.replace('[', '').replace(']', ''))} in input")
    found(engine, f"like(description, {quoted(text.rstrip(chr(92)))})")


def test_as_many_conditions_and_levels_as_are_allowed_also_run(engine: Engine) -> None:
    fill(engine, [])
    found(engine, " or ".join(["metric.a > 1"] * 199))
    found(engine, " and ".join(["started < ended"] * 199))
    found(engine, "metric.a in [" + "1," * 500 + "]")
    nested = "metric.a > 1"
    for level in range(21):
        nested = f"metric.b > 1 {'and' if level % 2 else 'or'} ({nested})"
    found(engine, nested)
    found(engine, "not " * 45 + "metric.a > 1")
