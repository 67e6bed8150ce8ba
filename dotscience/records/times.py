"""Moments as records write them: UTC with microseconds, in ISO 8601 and in the run block's own form."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["block_time", "iso", "parse_block_time", "parse_iso", "utc"]

BLOCK_FORMAT = "%Y%m%dT%H%M%S.%f"


def utc(seconds: float) -> datetime:
    """The moment that many seconds after the Unix epoch."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def iso(moment: datetime) -> str:
    """`2026-11-01T08:30:00.000000Z`."""
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_iso(written: str) -> datetime:
    """Inverse of `iso`; also reads offsets, and takes a time without a zone as UTC.

    Raises:
        ValueError: it is no ISO 8601 time.
    """
    moment = datetime.fromisoformat(written[:-1] + "+00:00" if written.endswith("Z") else written)
    try:
        return (
            moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
        )
    except OverflowError:
        raise ValueError(f"{written!r} is in no year from 1 to 9999 of UTC") from None


def block_time(moment: datetime) -> str:
    """`20261101T083000.000000`, as run blocks write it."""
    return moment.astimezone(timezone.utc).strftime(BLOCK_FORMAT)


def parse_block_time(written: str) -> datetime:
    """Inverse of `block_time`; a fraction of any length, or none, is accepted.

    Raises:
        ValueError: it is no time of a run block.
    """
    whole, _, fraction = written.partition(".")
    moment = datetime.strptime(whole, "%Y%m%dT%H%M%S").replace(tzinfo=timezone.utc)
    if fraction and not fraction.isdigit():
        raise ValueError(f"{written!r} is not a time of the form YYYYMMDDTHHMMSS.ffffff")
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0")) if fraction else 0)
