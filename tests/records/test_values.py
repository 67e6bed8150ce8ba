"""Any value can be recorded: the record keeps what it was, the block keeps its `str()`."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import uuid
from collections import OrderedDict, UserDict
from collections.abc import Mapping
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.records.values import number, plain, stored, text


class Colour(enum.Enum):
    RED = "red"
    NAMELESS = object()


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    def __str__(self) -> str:
        return "as printed"


class Unprintable:
    def __str__(self) -> str:
        raise LookupError("no")


class Unreadable(UserDict[str, int]):
    def __iter__(self) -> Any:
        raise OSError("no")


class Liar(list[int]):
    def __iter__(self) -> Any:
        raise OSError("no")


@dataclasses.dataclass
class Point:
    x: int = 1


def kind(value: object) -> str:
    return type(value).__name__


DAY = datetime.datetime(2026, 11, 1, 8, 30, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    "value", ["", "é😀", "\x00", "\ud800", True, False, 0, -(1 << 63), (1 << 63) - 1, 0.5, -0.0, None]
)
def test_a_plain_value_is_itself(value: Any) -> None:
    assert stored(value) is value
    assert text(stored(value)) == str(value)
    assert plain(stored(value)) is value


@pytest.mark.parametrize(
    ("value", "type_name", "form"),
    [
        (decimal.Decimal("0.10"), "decimal.Decimal", 0.1),
        (fractions.Fraction(1, 4), "fractions.Fraction", 0.25),
        (DAY, "datetime.datetime", "2026-11-01T08:30:00+00:00"),
        (DAY.date(), "datetime.date", "2026-11-01"),
        ((1, "a"), "tuple", [1, "a"]),
        ([], "list", []),
        ({"a": [1, {"b": None}]}, "dict", {"a": [1, {"b": None}]}),
        (OrderedDict(a=1), "collections.OrderedDict", {"a": 1}),
        (Colour.RED, f"{__name__}.Colour", "red"),
        (Level.HIGH, f"{__name__}.Level", 3),
        (Word("content"), f"{__name__}.Word", "content"),
    ],
)  # fmt: skip
def test_a_value_with_a_json_form_keeps_type_text_and_form(value: Any, type_name: str, form: Any) -> None:
    assert stored(value) == {"type": type_name, "text": str(value), "value": form}
    assert plain(stored(value)) == form
    assert text(stored(value)) == str(value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, -math.inf, 1 << 63, 10**4299, b"\xff", 1j, range(3), ..., int, json, print, object(), Point(),
        pathlib.Path("a/b"), uuid.UUID(int=1), decimal.Decimal("NaN"), decimal.Decimal("sNaN"), Colour.NAMELESS,
        decimal.Decimal("Infinity"), datetime.datetime, datetime.timedelta(1), {1: 2}, [math.nan], [[object()]],
    ],
    ids=kind,
)  # fmt: skip
def test_a_value_without_a_json_form_keeps_type_and_text(value: Any) -> None:
    kept = stored(value)
    assert isinstance(kept, dict) and set(kept) == {"type", "text"}
    assert text(kept) == plain(kept) == str(value)


def test_scalars_of_numpy_are_numbers(require: Any) -> None:
    require("numpy")
    import numpy as np

    for value, form in (
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64(0.5), 0.5),
        (np.int64(-3), -3),
        (np.uint8(255), 255),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.str_("x"), "x"),
        (np.datetime64("2026-11-01"), "2026-11-01"),
    ):
        kept = stored(value)
        assert isinstance(kept, dict)
        assert (kept["type"], kept["text"], kept["value"]) == (
            f"numpy.{type(value).__name__}",
            str(value),
            form,
        )
    for value in (np.float32("nan"), np.float64("inf"), np.arange(3), np.array([[1]]), np.complex64(1j)):
        assert text(stored(value)) == str(value)
        assert plain(stored(value)) == str(value)


def test_scalars_of_torch_are_numbers() -> None:
    torch = pytest.importorskip(
        "torch", reason="torch is not installed; any 0-dimensional tensor looks the same"
    )
    assert plain(stored(torch.tensor(0.5))) == 0.5
    assert plain(stored(torch.tensor(0.5, requires_grad=True))) == 0.5
    assert plain(stored(torch.tensor([1, 2]))) == str(torch.tensor([1, 2]))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Unprintable(), f"<{__name__}.Unprintable whose str() raised LookupError>"),
        ([Unprintable()], None),
        (10**5000, hex(10**5000)),
        (-(10**5000), hex(-(10**5000))),
    ],
    ids=["object", "inside a list", "huge", "hugely negative"],
)
def test_a_value_that_cannot_be_printed_never_raises(value: Any, said: str | None) -> None:
    kept = stored(value)
    assert isinstance(kept, dict)
    if said is not None:
        assert text(kept) == said


@pytest.mark.parametrize(
    "value", [Unreadable(a=1), Liar([1]), MagicMock(), MagicMock(shape=()), [MagicMock()]], ids=kind
)
def test_an_object_that_answers_anything_never_raises_and_is_always_json(value: Any) -> None:
    json.dumps(stored(value), allow_nan=False)


def test_a_value_is_taken_as_it_is_now() -> None:
    value = {"a": [1]}
    kept = stored(value)
    value["a"].append(2)
    assert plain(kept) == {"a": [1]}


def test_a_container_that_holds_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert text(stored(value)) == "[[...]]"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_whatever_json_can_say_comes_back(value: Any) -> None:
    kept = json.loads(json.dumps(stored(value), allow_nan=False))
    assert text(kept) == str(value)
    assert kept == stored(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1), (0.5, 0.5), (True, 1), (False, 0), ("0.5", 0.5), ("x", None), (None, None), ([1], None), ({}, None),
        (decimal.Decimal("0.5"), 0.5), (1 << 70, float(1 << 70)), (math.inf, math.inf), (Level.HIGH, 3),
    ],
)  # fmt: skip
def test_a_number_is_what_can_be_read_as_one(value: Any, expected: Any) -> None:
    assert number(stored(value)) == expected


def test_nan_is_a_number_too() -> None:
    found = number(stored(math.nan))
    assert found is not None and math.isnan(found)


def test_the_search_for_a_json_form_ends_at_the_first_thing_that_has_none() -> None:
    """Counted, not timed: a tree whose nodes know their parent has an endless number of paths."""
    looked_at = 0

    class Node(dict):  # type: ignore[type-arg]
        def items(self) -> Any:
            nonlocal looked_at
            looked_at += 1
            return super().items()

    top = Node(name="top", children=[])
    top["children"] = [Node(name=str(number), parent=top) for number in range(20)]
    assert "value" not in cast(Mapping[str, Any], stored(top))
    assert looked_at < 20
