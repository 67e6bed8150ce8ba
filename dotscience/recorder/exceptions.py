"""What is said of an exception that ended a run, also where Python itself cannot say it."""

from __future__ import annotations

import traceback

from ..records.values import stored, text

__all__ = ["described", "with_traceback"]


def described(error: BaseException) -> str:
    """Its type and what it says, as the last lines of a traceback show it."""
    try:
        return "".join(traceback.format_exception_only(type(error), error)).strip()
    except Exception:  # Python looks for names that were meant, in objects of the user's, which may raise
        return f"{type(error).__name__}: {text(stored(error))}"


def with_traceback(error: BaseException) -> str:
    """Its traceback, and those of its causes where Python can tell them."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return f"{_places(error)}{described(error)}\n"


def _places(error: BaseException) -> str:
    try:
        return "".join(["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)])
    except Exception:  # a loader that cannot give the source
        return ""
