"""Moments are written in UTC with microseconds, in both forms that are read by others."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.records.times import block_time, iso, parse_block_time, parse_iso, utc

moments = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(timezone.utc))


@given(moments)
def test_both_forms_come_back_to_the_microsecond(moment: datetime) -> None:
    assert parse_iso(iso(moment)) == moment
    assert parse_block_time(block_time(moment)) == moment


def test_the_two_forms() -> None:
    moment = utc(1793521800.5)
    assert iso(moment) == "2026-11-01T08:30:00.500000Z"
    assert block_time(moment) == "20261101T083000.500000"


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))
    assert (iso(moment), block_time(moment)) == ("2026-11-01T08:30:00.000000Z", "20261101T083000.000000")


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_iso("2026-11-01T08:30:00") == parse_iso("2026-11-01T09:30:00+01:00") == utc(1793521800)


@pytest.mark.parametrize(
    ("fraction", "micros"), [("", 0), (".5", 500000), (".123", 123000), (".123456789", 123456)]
)
def test_a_block_time_may_have_a_fraction_of_any_length(fraction: str, micros: int) -> None:
    assert parse_block_time(f"20261101T083000{fraction}").microsecond == micros


@pytest.mark.parametrize(
    "written", ["", "20261101", "20261101T083000.x", "20261101T083000.-1", "2026-11-01T08:30:00Z"]
)
def test_what_is_no_block_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"time|form"):
        parse_block_time(written)


@pytest.mark.parametrize("written", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_iso_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_iso(written)
