"""How values are said on pages; each function is a filter of the templates."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

from markupsafe import Markup

from ...catalog.rows import from_micros
from ...records.times import iso

__all__ = ["brief", "duration", "moment", "number", "short", "size", "value", "visible"]


def short(identity: str) -> str:
    """The beginning of an id or a digest."""
    return identity[:8]


def brief(text: str, most: int = 120) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text[: 4 * most].split())
    return visible(line if len(line) <= most else line[: most - 1] + "…")


def size(count: int | None) -> str:
    """A number of bytes."""
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def duration(seconds: float | None) -> str:
    """A time span, in the two largest units that say something."""
    if seconds is None:
        return ""
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.5:
        return f"{seconds:.1f} s"
    whole = timedelta(seconds=round(seconds))
    hours, rest = divmod(whole.seconds, 3600)
    minutes, left = divmod(rest, 60)
    units = [(whole.days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(place for place, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


def moment(when: datetime | int | None) -> Markup:
    """A time, which the browser shows as the reader's own; microseconds since the epoch are taken too."""
    if isinstance(when, int):
        when = from_micros(when)
    if when is None:
        return Markup("")
    said = when.astimezone(timezone.utc)
    return Markup('<time datetime="{}">{}</time>').format(iso(said), f"{said:%Y-%m-%d %H:%M:%S} UTC")


def number(amount: float) -> str:
    """A number, with as many digits as a reader takes in."""
    if isinstance(amount, int) or not math.isfinite(amount):
        return str(amount)
    return f"{amount:.6g}"


def value(plain: object) -> str:
    """A plain value of a parameter, a metric or a label."""
    if plain is None:
        return ""
    if isinstance(plain, float):
        return number(plain)
    return visible(str(plain))


def visible(text: str) -> str:
    """A text with the characters that no screen shows written as escapes."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
