"""Times of the Hub's tables, which are microseconds since the Unix epoch, as texts."""

from __future__ import annotations

from ..records.times import iso, utc

__all__ = ["iso_of"]


def iso_of(micros: int) -> str:
    """ISO 8601, UTC."""
    return iso(utc(micros / 1_000_000))
