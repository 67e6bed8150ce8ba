"""What the query language takes, and how it points at what it does not."""

import warnings
from datetime import datetime, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dotscience.catalog.expressions import (
    All,
    AnyOf,
    Comparison,
    Constant,
    Field,
    Holds,
    Like,
    Not,
    OneOf,
    Related,
    Value,
)
from dotscience.catalog.query import parse, parse_sort
from dotscience.errors import QueryError

ACCURACY = Value("metric", "accuracy")


def micros(*when: int) -> int:
    return int(datetime(*when, tzinfo=timezone.utc).timestamp()) * 1_000_000  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    "query, meaning",
    [
        ("metric.accuracy > 0.9", Comparison(">", ACCURACY, Constant(0.9))),
        ("summary.accuracy > 0.9", Comparison(">", ACCURACY, Constant(0.9))),
        ("0.9 < metric.accuracy", Comparison(">", ACCURACY, Constant(0.9))),
        ('param["n-estimators"] >= 100', Comparison(">=", Value("parameter", "n-estimators"), Constant(100))),
        ("metric.loss < -1", Comparison("<", Value("metric", "loss"), Constant(-1))),
        ("label.final == True", Comparison("==", Value("label", "final"), Constant(True))),
        ('"raw/*.csv" in input', Holds("input", "raw/*.csv")),
        ('"best" not in tag', Not(Holds("tag", "best"))),
        ('"loss" in metric', Holds("metric", "loss")),
        ('status in ["failed", "killed"]', OneOf(Field("status"), (Constant("failed"), Constant("killed")))),
        ("parameter.n not in (1, 2)", OneOf(Value("parameter", "n"), (Constant(1), Constant(2)), True)),
        ('started > "2026-11-01"', Comparison(">", Field("started"), Constant(micros(2026, 11, 1)))),
        (
            'ended < "2026-11-01T08:30Z"',
            Comparison("<", Field("ended"), Constant(micros(2026, 11, 1, 8, 30))),
        ),
        (
            'ended < "2026-11-01 08:30+02:00"',
            Comparison("<", Field("ended"), Constant(micros(2026, 11, 1, 6, 30))),
        ),
        ("duration > 60", Comparison(">", Field("duration"), Constant(60))),
        ("metric.train > metric.test", Comparison(">", Value("metric", "train"), Value("metric", "test"))),
        ("ended > started", Comparison(">", Field("ended"), Field("started"))),
        ('like(label.mode, "te%")', Like(Value("label", "mode"), "te%")),
        ('upstream("data/raw.csv")', Related("upstream", "data/raw.csv")),
        ('downstream("9f86d081")', Related("downstream", "9f86d081")),
        ("", All(())),
        (" \n ", All(())),
        ('workload_file == "train.py"', Comparison("==", Field("workload"), Constant("train.py"))),
        ("metric.µ > 1", Comparison(">", Value("metric", "µ"), Constant(1))),
        (
            "(\n  metric.accuracy  # the one on held-out data\n  > 0.9)",
            Comparison(">", ACCURACY, Constant(0.9)),
        ),
        ("  metric.accuracy\n  > 0.9", Comparison(">", ACCURACY, Constant(0.9))),
        (f"metric.accuracy > {10**400}", Comparison(">", ACCURACY, Constant(float("inf")))),
    ],
)
def test_what_a_query_means(query: str, meaning: object) -> None:
    assert parse(query) == meaning


def test_conditions_combine_as_in_python() -> None:
    one, two = parse("metric.a > 1"), parse("metric.b > 2")
    assert parse("metric.a > 1 and metric.b > 2") == All((one, two))
    assert parse("metric.a > 1 or metric.b > 2 and not metric.a > 1") == AnyOf((one, All((two, Not(one)))))
    assert parse("0 < metric.a <= 1") == All((parse("0 < metric.a"), parse("metric.a <= 1")))


@pytest.mark.parametrize(
    "query, at, reason",
    [
        ("metric.accuracy >", "", "Something is missing at the end"),
        ("metric.accuracy = 0.9", "= 0.9", "Equality is `==`"),
        ("label.a == 'x=y' and label.b='z'", "='z'", "Equality is `==`"),
        ("metric.a > 1 AND metric.b > 2", "AND", "say `and`"),
        ("metric.a > 1 && metric.b > 2", "&&", "say `and`"),
        ("metric.a > 1 || metric.b > 2", "||", "say `or`"),
        ("NOT metric.a > 1", "NOT", "say `not`"),
        ("metric.a <> 1", "<>", "say `!=`"),
        ("label.a == 'AND' and", "", "Something is missing at the end"),
        ("accuracy > 0.9", "accuracy", "metric.accuracy, parameter.accuracy or label.accuracy"),
        ("status == completed", "completed", '"completed"'),
        ("metrics.accuracy > 0.9", "metrics", "There is no name metrics. Did you mean metric?"),
        ("label.é == 'é' and acuracy > 1", "acuracy", "There is no field acuracy."),
        ("statsu == 'failed'", "statsu", "Did you mean status?"),
        ("metric > 1", "metric", 'Of which metric? Say metric.NAME or metric["NAME"].'),
        ("metric.accuracy", "metric.accuracy", "compare it with something"),
        ("status", "status", "compare it with something"),
        ("True", "True", "compare it with something"),
        ("tag == 'x'", "tag", "any number of these"),
        ("started > 5", "5", "started is a time"),
        ("started > 'yesterday'", "'yesterday'", "'yesterday' is no time"),
        ("started > '2026-13-01'", "'2026", "is no time"),
        ("started > '0001-01-01T00:00:00+14:00'", "'0001", "is no time"),
        ("status > 5", "5", "status is a text"),
        ("duration > '1h'", "'1h'", "duration is a number"),
        ("started > status", "status", "different kinds"),
        ("started > metric.a", "metric.a", "different kinds"),
        ("metric.a < True", "True", "only be compared with == and !="),
        ("metric.a == None", "None", "A constant is a text, a number, True or False"),
        ("metric.a == 1j", "1j", "A constant is"),
        ("metric.a == b'x'", "b'x'", "A constant is"),
        ("metric.a > 2 * 3", "2 * 3", "no arithmetic"),
        ("metric.a - metric.b > 2", "metric.a - metric.b", "no arithmetic in a query; a constant is"),
        ("1 < metric.val-loss-1", "metric.val", 'stands in quotes: metric["val-loss-1"]'),
        ("parameter.lambda > 1", "lambda", 'say parameter["lambda"]'),
        ("metric.a > 1 & metric.b > 2", "1 & metric.b", "no arithmetic"),
        ("(metric.a > 1) & (metric.b > 2)", "(metric.a", "joined with `and` and `or`"),
        ("-metric.a > 1", "metric.a", "a constant is"),
        ("1 < 2", "1", "Two constants"),
        ("metric.a is 1", "metric.a is", "`is` has no place"),
        ("1 < metric.a in [1]", "1 < metric.a in", "can be chained"),
        ("input == 'x'", "input", "any number of these"),
        ("'x' in description", "description", 'like(description, "%part%")'),
        ("'x' in 'xyz'", "'xyz'", "After `in` comes"),
        ("5 in input", "5", "a text in quotes"),
        ("'raw/[' in input", "'raw/['", "closed by a ]"),
        ("'a' in ['a']", "'a'", "something of the run"),
        ("metric.a in [metric.b]", "metric.b", "a constant is"),
        ("like(started, '2%')", "started", "compares a text"),
        ("like('a', 'a')", "'a'", "compares a text"),
        ("like(label.a)", "like", "like takes 2 arguments"),
        ("upstream(raw)", "raw", "takes a path or a digest in quotes"),
        ("upstrem('raw')", "upstrem", "Did you mean upstream?"),
        ("eval('1')", "eval", "There is no function eval"),
        ("metric.a.b > 1", "metric.a.b", 'metric["val.loss"]'),
        ("metric[0] > 1", "0", "stands in quotes"),
        ("status.upper() == 'X'", "status.upper()", "There is no function call on a side"),
        ("metric.__class__ == 1", "metric.__class__", 'metric["__class__"]'),
        ("status.__class__ == 1", "status.__class__", "status has no parts"),
        ("().__class__", "()", "stands in quotes"),
        ("[x for x in metric]", "[x for", "There is no listcomp in a query"),
        ("lambda: 1", "lambda", "no function definition"),
        ("f'{metric.a}' == 'x'", "f'", "no f-string"),
        ("(a := 1) == 1", "a := 1", "no assignment"),
        ("metric.a > 1 if True else metric.b > 1", "metric.a", "There is no if"),
        ("__import__('os').system('true')", "__import__", "There is no function"),
        ("metric.a > 1; metric.b > 1", ";", "no expression"),
        ("metric.a > 1\0", "\0", "cannot stand in a query"),
        ("label.a == '\ud800'", "\ud800", "cannot stand in a query"),
    ],
)
def test_an_error_points_at_the_character(query: str, at: str, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert reason in caught.value.reason
    if at:
        assert query[caught.value.position :].startswith(at)
    else:
        assert caught.value.position == len(query)


def test_positions_count_characters_not_bytes() -> None:
    with pytest.raises(QueryError) as caught:
        parse("label.größe == 'ä' and stat == 1")
    assert caught.value.position == 23
    assert str(caught.value).splitlines()[-1] == "  " + " " * 23 + "^"


def test_of_several_lines_the_one_that_is_wrong_is_shown() -> None:
    with pytest.raises(QueryError) as caught:
        parse("metric.a > 1\n  and metrik.b > 2\n  and metric.c > 3")
    assert str(caught.value).splitlines()[1:] == ["    and metrik.b > 2", "        ^"]


def test_of_a_long_line_the_part_that_is_wrong_is_shown() -> None:
    with pytest.raises(QueryError) as caught:
        parse(
            " and ".join(["metric.a > 1"] * 50)
            + " and metrik.b > 2 and "
            + " and ".join(["metric.a > 1"] * 50)
        )
    shown, arrow = str(caught.value).splitlines()[1:]
    assert len(shown) < 110
    assert shown[arrow.index("^") :].startswith("metrik.b > 2")


@pytest.mark.parametrize(
    "query",
    [
        "not " * 3000 + "metric.a > 1",
        "(" * 150 + "metric.a > 1" + ")" * 150 + " and metric.b",
        "(" * 3000 + "metric.a > 1" + ")" * 3000,
        "-" * 5000 + "1 < metric.a",
        "metric" + ".a" * 4000 + " > 1",
        "metric.a == " + "[" * 4000,
        " or ".join(["metric.a > 1"] * 600),
        "metric.a in [" + "1," * 600 + "]",
        "a" * 20_000,
    ],
    ids=[
        "not",
        "parentheses",
        "many parentheses",
        "signs",
        "dots",
        "brackets",
        "conditions",
        "items",
        "length",
    ],
)
def test_huge_and_deep_queries_are_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query)


def test_unknown_escapes_are_taken_as_they_stand_and_warn_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(r'like(label.share, "100\%")') == Like(Value("label", "share"), r"100\%")


TOKENS = (
    "metric . label [ ] ( ) 'a' \"raw/*\" in not and or == < > in input tag like upstream , 1 0.5 True None -"
    " started '2026-11-01' lambda : * ** # \n \\ é \ud800 \0 if else := status { } @ ; is"
)
WORDS = st.sampled_from(TOKENS.split(" "))


@given(st.text() | st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
@example("\f")
@example("\r\n")
@example("'\\N{}' in tag")
@example("'\\ud800' in tag")
@example("\u2028metric.a")
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)


def test_a_query_is_a_text() -> None:
    with pytest.raises(QueryError, match="A query is a text, not int"):
        parse(5)  # type: ignore[arg-type]


def test_sort_keys() -> None:
    assert parse_sort("-metric.accuracy") == [(ACCURACY, True)]
    assert parse_sort(["started", '-param["n-estimators"]']) == [
        (Field("started"), False),
        (Value("parameter", "n-estimators"), True),
    ]


@pytest.mark.parametrize(
    "key, position, reason",
    [
        ("-acuracy", 1, "There is no field acuracy"),
        ("", 0, "A sort key is a name"),
        ("-", 0, "A sort key is a name"),
        ("1", 0, "not a constant"),
        ("tag", 0, "any number of these"),
        ("started > '2026'", 0, "There is no compare"),
        ("--started", 2, "There is"),
    ],
)
def test_a_wrong_sort_key(key: str, position: int, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_sort(key)
    assert reason in caught.value.reason
    assert (caught.value.query, caught.value.position) == (key, position)
