"""The order of runs on each database is that of a plain sort, and a page in it is read off an index."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Select

from dotscience.catalog.columns import name_of
from dotscience.catalog.expressions import Value
from dotscience.catalog.listing import find_runs
from dotscience.catalog.ordering import parts_of
from dotscience.catalog.place import Place
from dotscience.catalog.query import parse_sort
from dotscience.catalog.rows import Facts
from dotscience.catalog.shared_writing import write_runs
from dotscience.catalog.texts import escape
from dotscience.records.values import number, text

if TYPE_CHECKING:
    from conftest import Team

VALUES = [
    *(0, 1, 1.0, True, "1", -1, 0.5, math.nan, math.inf, -math.inf, 2**53 + 1, 2**53, 10**30, None),
    *("", "b", "B", "é", "a\udce9", "\0"),
]
LONG = ["x" * 79 + end for end in ("", "\udce9", "\udce9\0", "b", "bb", "ba")]
ALONE = [
    *("metric.x", "parameter.n", "label.mode", "metric.none"),
    *("status", "started", "ended", "published", "duration", "description", "id"),
]
TOGETHER = [
    ["parameter.n", "-metric.x"],
    ["-metric.x", "label.mode"],
    ["-description", "status"],
    ["metric.none", "status"],
]


def fill(team: Team, count: int = 70) -> list[Facts]:
    """Runs of which many are alike in something, as they came."""
    chosen, came = random.Random(3), []
    for _ in range(count):
        given: dict[str, Any] = {"status": chosen.choice(["completed", "failed"])}
        if chosen.random() < 0.8:
            given["metrics"] = {"x": chosen.choice(VALUES)}
        if chosen.random() < 0.2:
            given["started"] = None
        if chosen.random() < 0.5:
            given["description"] = chosen.choice(["first", "second"])
        labels = {"mode": chosen.choice(LONG)}
        came.append(team.facts(parameters={"n": chosen.randrange(3)}, labels=labels, **given))
    chosen.shuffle(came)
    team.catalog.write(lambda connection: write_runs(connection, [(facts, "p") for facts in came]))
    return came


def standing(run: Facts, name: str) -> tuple[int, Any]:
    """Where a run stands by what it has of that name: numbers, then texts, then what is missing."""
    kind, _, key = name.rpartition(".")
    if not kind:
        there = run.started is not None and run.ended is not None
        value = (run.ended - run.started if there else None) if key == "duration" else getattr(run, key)  # type: ignore[operator]
        return (2, 0) if value is None else (0, value)
    values = getattr(run, f"{kind}s")
    if key not in values:
        return 2, 0
    figure = number(values[key])
    if figure is None or math.isnan(figure):
        return 1, escape(text(values[key])[:80])
    return 0, figure if abs(figure) < 2**63 else float(figure)


def in_order(came: list[Facts], keys: Sequence[str]) -> list[Facts]:
    """Runs, given as they came, in order: a stable sort by one key after the other, the last one first."""
    if not keys:
        return in_order(came, ["-started"]) if any(run.started for run in came) else came[::-1]
    first = keys[0].lstrip("-")
    found = [run for run in came if standing(run, first)[0] < 2]
    lacking = [run for run in came if standing(run, first)[0] == 2]
    if keys[-1].startswith("-"):
        found.reverse()
    for key in reversed(keys):
        ranks: list[list[Facts]] = [[], [], []]
        for run in found:
            ranks[standing(run, key.lstrip("-"))[0]].append(run)
        for rank in ranks:
            rank.sort(key=lambda run, key=key: standing(run, key.lstrip("-"))[1], reverse=key[0] == "-")  # type: ignore[misc]
        found = [run for rank in ranks for run in rank]
    return found + (in_order(lacking, keys[1:]) if lacking else [])


def test_the_order_is_that_of_a_plain_sort(team: Team) -> None:
    came = fill(team)
    place = team.seen_by("p")
    for sort in [*([key] for key in ALONE), *([f"-{key}"] for key in ALONE), *TOGETHER, []]:
        assert ids(place, sort, 13) == [run.id for run in in_order(came, sort)], sort


@pytest.mark.parametrize("key", ["parameter.n", "label.mode", "status", "duration", "started"])
@pytest.mark.parametrize("downwards", [False, True], ids=["upwards", "downwards"])
def test_a_page_is_read_off_an_index(team: Team, key: str, downwards: bool) -> None:
    place = team.seen_by("p")
    for part in parts_of(parse_sort(f"-{key}" if downwards else key), place.shards):
        statement = part.ordered().where(place.scope).limit(50)
        with team.catalog.engine.connect() as connection:
            plan = plan_of(connection, statement)
        assert "INDEX" in plan
        assert "SORT" not in plan
        assert "TEMP B-TREE" not in plan, "so SQLite says that it sorts"


def plan_of(connection: Connection, statement: Select[Any]) -> str:
    """How the database would go about it, were there much; in capitals."""
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN"
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")  # what is little is quicker sorted
    wanted = statement.compile(connection, compile_kwargs={"literal_binds": True})
    return str(connection.exec_driver_sql(f"{explain} {wanted}").all()).upper()


def test_texts_of_any_length_and_characters_are_sorted(team: Team) -> None:
    chosen = random.Random(1)  # what is random cannot be pressed to fit an index
    name = "".join(chr(chosen.randrange(0x10000, 0x110000)) for _ in range(500))
    surrogates = "".join(chr(chosen.randrange(0xD801, 0xE000)) for _ in range(5000))
    texts = ["a" * 100_000, "\0" * 5000, "\ud800" * 5000, surrogates, "\U0010ffff" * 5000]
    runs = [team.run("p", labels={name: one}) for one in reversed(texts)]
    assert ids(team.seen_by("p"), [name_of(Value("label", name))], 1) == runs[::-1]


def ids(place: Place, sort: Sequence[str], limit: int) -> list[str]:
    """The runs of a place in order, page by page."""
    page = find_runs(place, "", sort, limit)
    found = [row.id for row in page.rows]
    while page.next is not None:
        page = find_runs(place, "", sort, limit, page.next)
        found += [row.id for row in page.rows]
    return found
