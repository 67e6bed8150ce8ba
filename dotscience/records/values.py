"""Typed values: labels, parameters and metrics may be anything, and the record says what they were.

A plain value (text, bool, int, finite float, None) is itself in JSON. Every other value is an object

    {"type": "numpy.float32", "text": "0.1", "value": 0.10000000149011612}

with the type's full name, what `str()` made of it, and, where the value has a JSON form, that form.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeAlias

__all__ = ["Json", "Stored", "is_stored", "number", "plain", "stored", "text"]

Json: TypeAlias = Any
Stored: TypeAlias = "str | bool | int | float | Mapping[str, Json] | None"

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_DEEPEST = 8


def stored(value: object) -> Stored:
    """The JSON-ready form of any value, taken now: later changes to a mutable value do not reach it."""
    kind = type(value)
    if kind is float and isfinite(value):  # type: ignore[arg-type]
        return value  # type: ignore[return-value]
    if kind is str or kind is bool or value is None:
        return value  # type: ignore[return-value]
    if kind is int and _LEAST <= value <= _MOST:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    tagged: dict[str, Json] = {"type": _type_name(kind), "text": _as_text(value)}
    try:
        tagged["value"] = _json_form(value, _DEEPEST)
    except Exception:  # it has no such form, or is somebody else's object that raises: its text remains
        return tagged
    return tagged


def is_stored(value: Json) -> bool:
    """Whether a value that was read back is of the form that `stored` gives."""
    if isinstance(value, Mapping):
        return isinstance(value.get("type"), str) and isinstance(value.get("text"), str)
    return isfinite(value) if isinstance(value, float) else not isinstance(value, list)


def text(value: Stored) -> str:
    """What `str()` gave for the value that was stored."""
    return str(value["text"]) if isinstance(value, Mapping) else str(value)


def plain(value: Stored) -> Json:
    """The nearest plain JSON value: the value itself, its JSON form, or its text."""
    if isinstance(value, Mapping):
        return value.get("value", value["text"])
    return value


def number(value: Stored) -> int | float | None:
    """The value as a number, or None where it is none. Booleans count as 0 and 1; text is parsed."""
    form = plain(value)
    if isinstance(form, bool | int):
        return int(form)
    if isinstance(form, str):
        try:
            form = float(form)
        except ValueError:
            return None
    if isinstance(form, float):
        return form
    return None


class _NoFormError(Exception):
    """A value, or something in it, has no JSON form: the search ends at once, however large the value is."""


def _type_name(kind: type) -> str:
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def _as_text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # a user's broken __str__ must not end the user's job
        if isinstance(value, int):  # Python refuses to write very long ones in decimal
            return hex(value)
        return f"<{_type_name(type(value))} whose str() raised {type(error).__name__}>"


def _json_form(value: object, depth: int) -> Json:
    """The value as JSON. Scalars of numpy, torch and tensorflow are unwrapped by duck type.

    Raises:
        _NoFormError: it has no such form, or holds something `depth` levels down, as whatever holds itself does.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    if isinstance(value, int | float) or depth == 0:
        raise _NoFormError
    if isinstance(value, Mapping):
        return _json_items(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [_json_form(item, depth - 1) for item in value]
    return _unwrapped(value, depth)


def _json_items(value: Mapping[Any, Any], depth: int) -> Json:
    if not all(isinstance(key, str) for key in value):
        raise _NoFormError
    return {key: _json_form(item, depth - 1) for key, item in value.items()}


def _unwrapped(value: object, depth: int) -> Json:
    """Scalars that carry a Python value: enum members, dates, decimals, 0-dimensional arrays and tensors."""
    if hasattr(value, "isoformat"):
        return _json_form(value.isoformat(), 0)
    if hasattr(value, "item") and getattr(value, "size", None) is not None and _is_scalar(value):
        return _json_form(value.item(), depth - 1)
    if hasattr(value, "numpy") and _is_scalar(value):
        return _json_form(value.numpy().item(), depth - 1)
    if hasattr(value, "as_integer_ratio"):  # Decimal, Fraction
        as_float = float(value)  # type: ignore[arg-type]
        return _json_form(as_float, 0)
    if hasattr(type(value), "__members__"):  # an Enum
        return _json_form(value.value, depth - 1)  # type: ignore[attr-defined]
    raise _NoFormError


def _is_scalar(value: object) -> bool:
    shape = getattr(value, "shape", None)
    return shape is not None and len(shape) == 0
