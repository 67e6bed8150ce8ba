"""How ids, sizes, times and values are said to people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

__all__ = [
    "SYMBOLS",
    "ago",
    "clean",
    "count",
    "duration",
    "local",
    "number",
    "short",
    "size",
    "status",
    "value",
]

SYMBOLS: Mapping[str, str] = {
    "completed": "✓",
    "failed": "✗",
    "crashed": "✗",
    "killed": "✗",
    "running": "▶",
    "unpublished": "○",
}
"""One sign for each status of a run."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (30, "day"), (12.17, "month"), (None, "year"))


def short(id_or_digest: str) -> str:
    """The first eight characters, enough to tell runs and digests apart by eye."""
    return id_or_digest[:8]


def clean(text: str) -> str:
    """A text from a record without characters that would command the terminal or cannot be printed.

    Example:
        >>> clean("a\\x1b[31mb")
        'a\\\\x1b[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    printable = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", printable)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun.

    Example:
        >>> count(1, "run"), count(1200, "run")
        ('1 run', '1,200 runs')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(bytes_: int | None) -> str:
    """A number of bytes; nothing where it is not known.

    Example:
        >>> size(512), size(1_500_000)
        ('512 B', '1.4 MiB')
    """
    if bytes_ is None:
        return ""
    amount, unit = float(bytes_), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def status(name: str, is_published: bool) -> str:
    """What became of a run, with its sign.

    Example:
        >>> status("crashed", False), status("unpublished", False)
        ('✗ crashed, not published', '○ unpublished')
    """
    left = "" if is_published or name == "unpublished" else ", not published"
    return f"{SYMBOLS.get(name, ' ')} {name}{left}"


def local(moment: datetime | None) -> str:
    """A moment by this machine's clock, with its offset from UTC."""
    return "" if moment is None else moment.astimezone().isoformat(sep=" ", timespec="seconds")


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago something was.

    Example:
        >>> ago(datetime(2026, 11, 1, 8, 30, tzinfo=utc), datetime(2026, 11, 1, 10, 0, tzinfo=utc))
        '1 hour ago'
    """
    if moment is None:
        return ""
    left = ((now or datetime.now(timezone.utc)) - moment).total_seconds()
    if left < 0:
        return local(moment)
    for step, noun in _STEPS:
        if step is None or left < step:
            return f"{count(int(left), noun)} ago"
        left /= step
    raise AssertionError("the last step has no end")


def duration(seconds: float | None) -> str:
    """How long something took.

    Example:
        >>> duration(0.25), duration(75), duration(7322)
        ('0.25 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def number(figure: int | float) -> str:
    """A number with as many digits as help a reader."""
    return f"{figure:.6g}" if isinstance(figure, float) else str(figure)


def value(given: Any) -> str:
    """A parameter, metric or label on one line."""
    if isinstance(given, float):
        return number(given)
    text = given if isinstance(given, str) else str(given)
    return clean(text).replace("\n", "\\n").replace("\t", " ")
