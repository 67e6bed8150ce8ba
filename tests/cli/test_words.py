"""How things are said to people."""

from datetime import datetime, timedelta, timezone

import pytest

from dotscience.cli import words

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 seconds ago"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3 * 3600, "3 hours ago"),
        (86400, "1 day ago"),
        (45 * 86400, "1 month ago"),
        (800 * 86400, "2 years ago"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_what_lies_ahead_is_said_by_its_time() -> None:
    assert words.ago(NOW + timedelta(hours=1), NOW).startswith("2026-11-01")


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (150 * 1024**2, "150 MiB"),
        (3 * 1024**5, "3072 TiB"),
        (None, ""),
    ],
)
def test_sizes(amount: int | None, said: str) -> None:
    assert words.size(amount) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0001234, "0.000123 s"), (59.9, "59.9 s"), (75, "1 min 15 s"), (7322, "2 h 2 min"), (None, "")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


def test_values_stand_on_one_line() -> None:
    assert words.value("a\nb\x1b") == "a\\nb\\x1b"
    assert words.value(0.1 + 0.2) == "0.3"
    assert words.value([1, "a"]) == "[1, 'a']"
