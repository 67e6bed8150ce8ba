"""Whether a record is one that a Hub takes."""

from __future__ import annotations

import re

from ...catalog.limits import LONGEST_NAME, excess_of
from ...catalog.parts import parts_of
from ...errors import CorruptError
from ...records.record import Record
from ..hub import Hub
from ..problems import Problem

__all__ = ["LONGEST_NAME", "check_record", "check_run_id"]

_RUN_ID = re.compile(r"[0-9A-Za-z._-]{1,100}")
_DIGEST = re.compile("[0-9a-f]{64}")

_AHEAD = 24 * 3600 * 1_000_000
"""Microseconds that a clock may be ahead of ours: it is wrong, or of another time zone."""


def check_run_id(run: str) -> None:
    """Raises Problem where a run's id is one that no link can hold."""
    if not _RUN_ID.fullmatch(run) or set(run) == {"."}:
        raise Problem(422, f"A run's id is 1 to 100 letters, digits, dots, - and _; not {run[:100]!r}.", "id")


def check_record(hub: Hub, record: Record) -> None:
    """Raises Problem where a record holds more than the Hub takes; it names the field and the limit."""
    found = excess_of(record, hub.settings.limits)
    if found is not None:
        cure = (
            "" if found.setting is None else f" Whoever runs the Hub can raise the setting {found.setting}."
        )
        raise Problem(422, f"This Hub does not take the record: {found.what}.{cure}", "limit")
    _check_digests(record)
    _check_times(hub, record)


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
