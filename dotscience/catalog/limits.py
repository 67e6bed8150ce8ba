"""The most that a Hub takes. Both sides look: a client before it sends anything, a Hub at whatever comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..records.record import Record
from ..records.values import text
from ..settings import SETTINGS, Settings
from .parts import parts_of
from .texts import escape

__all__ = ["LONGEST_NAME", "Excess", "Limits", "excess_of", "excess_to_send"]

LONGEST_NAME, _LONGEST_PATH = 500, 1000
"""Characters."""

_WIDEST = 2000
"""Bytes of a name or path as the database holds it; an entry of an index of PostgreSQL has at most 2,704."""

_DEEPEST = 100
"""Levels of objects and lists. What is read here must be readable wherever it is read again, whatever called that."""

_NESTED = ("labels", "parameters", "metrics", "series", "workspace", "process", "code", "git", "environment")


def _default(name: str) -> int:
    return int(SETTINGS[f"limit_{name}"].default)


@dataclass(frozen=True)
class Limits:
    """The most that a Hub takes; sizes in bytes, 0 for no limit."""

    value: int = _default("value")
    names: int = _default("names")
    record: int = _default("record")
    file: int = _default("file")
    project: int = _default("project")

    @classmethod
    def read(cls, settings: Settings) -> Limits:
        """As the settings say.

        Raises:
            ArgumentError: a value does not fit.
        """
        return cls(**{name: settings[f"limit_{name}"] for name in cls.__dataclass_fields__})


class Excess(NamedTuple):
    """What is too much, and the setting that says so; None where no setting does."""

    what: str
    setting: str | None = None


def excess_of(record: Record, limits: Limits) -> Excess | None:
    """What a record holds more of than a Hub takes; None where it is taken."""
    return next(_in_record(record, limits), None)


def excess_to_send(record: Record, size: int, limits: Limits) -> Excess | None:
    """The same, also of a record's own size in bytes and of the content that is sent with it."""
    return next(_to_send(record, size, limits), None)


def _to_send(record: Record, size: int, limits: Limits) -> Iterator[Excess]:
    if limits.record and size > limits.record:
        yield Excess(f"the record has {size} bytes, and at most {limits.record} are taken", "limit_record")
    yield from _in_record(record, limits)
    sizes = {part.digest: (part.size or 0, part.name) for part in parts_of(record)}
    largest, name = max(sizes.values(), default=(0, ""))
    if limits.file and largest > limits.file:
        yield Excess(
            f"{name} has {largest} bytes, and at most {limits.file} are taken of a file", "limit_file"
        )
    whole = sum(each for each, _ in sizes.values())
    if limits.project and whole > limits.project:
        yield Excess(f"its files have {whole} bytes, and a project holds {limits.project}", "limit_project")


def _in_record(record: Record, limits: Limits) -> Iterator[Excess]:
    for field, value in _texts(record):
        # A character has at most four bytes: most texts need not be encoded to be found short.
        if 0 < limits.value < 4 * len(value) and len(value.encode("utf-8", "surrogatepass")) > limits.value:
            yield Excess(f"{field} has more than {limits.value} bytes", "limit_value")
    for field, names in _named(record).items():
        if limits.names and len(names) > limits.names:
            yield Excess(f"there are more than {limits.names} {field}", "limit_names")
    yield from _in_names(record)
    for field in _NESTED:
        if _is_too_deep(getattr(record, field)):
            yield Excess(f"{field} is nested more than {_DEEPEST} levels deep")


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    for field in ("labels", "parameters", "metrics"):
        for name, value in getattr(record, field).items():
            yield f"{field[:-1]} {name[:80]!r}", text(value)
    for field in ("description", "error", "workload_file", "mode", "continues", "corrects"):
        yield field, getattr(record, field) or ""


def _named(record: Record) -> dict[str, Mapping[str, Any]]:
    series = record.series.get("names")
    return {
        "labels": record.labels,
        "parameters": record.parameters,
        "metrics": record.metrics,
        "series": series if isinstance(series, dict) else {},
    }


def _in_names(record: Record) -> Iterator[Excess]:
    for field, names in _named(record).items():
        for name in names:
            if len(name) > LONGEST_NAME or _is_too_wide(name):
                kind = field if field == "series" else field[:-1]
                yield Excess(
                    f"the name of the {kind} {name[:80]!r}… has more than {LONGEST_NAME} characters or {_WIDEST} bytes"
                )
    for version in (*record.inputs, *record.outputs):
        if len(version.path) > _LONGEST_PATH or _is_too_wide(version.path):
            yield Excess(
                f"the path {version.path[:80]!r}… has more than {_LONGEST_PATH} characters or {_WIDEST} bytes"
            )


def _is_too_wide(words: str) -> bool:
    return not words.isascii() and len(escape(words).encode()) > _WIDEST


def _is_too_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [item for each in level for item in _items(each)]
        if not level:
            return False
    return True


def _items(value: Any) -> Iterable[Any]:
    """The objects and lists in an object or list."""
    found = value.values() if isinstance(value, Mapping) else value
    return [item for item in found if isinstance(item, Mapping | list)]
