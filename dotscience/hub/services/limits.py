"""Whether a record is one that a Hub takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...catalog.parts import parts_of
from ...catalog.texts import escape
from ...errors import CorruptError
from ...records.files import FileVersion
from ...records.record import Record
from ...records.values import text
from ..hub import Hub
from ..problems import Problem

__all__ = ["LONGEST_NAME", "check_record", "check_run_id"]

_RUN_ID = re.compile(r"[0-9A-Za-z._-]{1,100}")
_DIGEST = re.compile("[0-9a-f]{64}")
LONGEST_NAME, _LONGEST_PATH = 500, 1000
"""Characters."""

_WIDEST = 2000
"""Bytes of a name or path as the database holds it; an entry of an index of PostgreSQL has at most 2,704."""

_DEEPEST = 100
"""Levels of objects and lists. What is read here must be readable wherever it is read again, whatever called that."""

_AHEAD = 24 * 3600 * 1_000_000
"""Microseconds that a clock may be ahead of ours: it is wrong, or of another time zone."""


def check_run_id(run: str) -> None:
    """Raises Problem where a run's id is one that no link can hold."""
    if not _RUN_ID.fullmatch(run) or set(run) == {"."}:
        raise Problem(422, f"A run's id is 1 to 100 letters, digits, dots, - and _; not {run[:100]!r}.", "id")


def check_record(hub: Hub, record: Record) -> None:
    """Raises Problem where a record holds more than the Hub takes; it names the field and the limit."""
    limits = hub.settings.limits
    for field, value in _texts(record):
        if len(value) > limits.value and len(value.encode("utf-8", "surrogatepass")) > limits.value:
            raise _too_much(f"{field} has more than {limits.value} bytes", "limit_value")
    for field in ("labels", "parameters", "metrics"):
        if len(getattr(record, field)) > limits.names:
            raise _too_much(f"there are more than {limits.names} {field}", "limit_names")
    series = record.series.get("names")
    if isinstance(series, dict) and len(series) > limits.names:
        raise _too_much(f"there are more than {limits.names} series", "limit_names")
    _check_names(record)
    _check_depth(record)
    _check_digests(record)
    _check_times(hub, record)


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    for field in ("labels", "parameters", "metrics"):
        for name, value in getattr(record, field).items():
            yield f"{field[:-1]} {name[:80]!r}", text(value)
    for field in ("description", "error", "workload_file", "mode", "continues", "corrects"):
        yield field, getattr(record, field) or ""


def _check_names(record: Record) -> None:
    series = record.series.get("names")
    for field, names in (
        ("label", record.labels),
        ("parameter", record.parameters),
        ("metric", record.metrics),
        ("series", series if isinstance(series, dict) else {}),
    ):
        for name in names:
            if len(name) > LONGEST_NAME or _is_too_wide(name):
                raise _too_much(
                    f"the name of the {field} {name[:80]!r}… has more than {LONGEST_NAME} characters or "
                    f"{_WIDEST} bytes"
                )
    for version in (*record.inputs, *record.outputs):
        _check_file(version)


def _check_file(version: FileVersion) -> None:
    if len(version.path) > _LONGEST_PATH or _is_too_wide(version.path):
        raise _too_much(
            f"the path {version.path[:80]!r}… has more than {_LONGEST_PATH} characters or {_WIDEST} bytes"
        )


def _is_too_wide(text: str) -> bool:
    return not text.isascii() and len(escape(text).encode()) > _WIDEST


def _check_depth(record: Record) -> None:
    for field in (
        "labels",
        "parameters",
        "metrics",
        "series",
        "workspace",
        "process",
        "code",
        "git",
        "environment",
    ):
        level: list[Any] = [getattr(record, field)]
        for _ in range(_DEEPEST):
            level = [item for each in level for item in _items(each)]
            if not level:
                break
        else:
            raise _too_much(f"{field} is nested more than {_DEEPEST} levels deep")


def _items(value: Any) -> Iterable[Any]:
    """The objects and lists in an object or list."""
    found = value.values() if isinstance(value, Mapping) else value
    return [item for item in found if isinstance(item, Mapping | list)]


def _check_digests(record: Record) -> None:
    for part in parts_of(record):
        if not _DIGEST.fullmatch(part.digest):
            raise CorruptError(
                "record", "sha256", f"of the {part.name[:80]} is no digest: {part.digest[:80]!r}"
            )


def _check_times(hub: Hub, record: Record) -> None:
    for field in ("started", "ended", "published"):
        moment = getattr(record, field)
        if moment is not None and moment.timestamp() * 1_000_000 > hub.now() + _AHEAD:
            raise Problem(
                422,
                f"{field} is {moment:%Y-%m-%d %H:%M} UTC, more than a day from now. Set the clock of the machine that "
                f"ran it, and run it again.",
                "clock",
                field=field,
            )


def _too_much(what: str, setting: str | None = None) -> Problem:
    cure = "" if setting is None else f" Whoever runs the Hub can raise the setting {setting}."
    return Problem(422, f"This Hub does not take the record: {what}.{cure}", "limit")
