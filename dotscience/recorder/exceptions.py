"""What is said of an exception that ended a run, also where Python itself cannot say it."""

from __future__ import annotations

import sys
import traceback

from ..records.values import stored, text

__all__ = ["described", "ended_the_script", "with_traceback"]

_WITHOUT_FILE = ("<string>", "<stdin>")
"""What Python calls programs that come from the command line or from standard input."""


def ended_the_script() -> BaseException | None:
    """The exception that went through the whole of the main module, which Python notes; else None.

    It is noted in the same place by those who show an exception and go on: pytest, a console, the callbacks of tkinter.
    """
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    trace = error.__traceback__ if isinstance(error, BaseException) else None
    main = sys.modules.get("__main__")
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == "<module>" and frame.f_globals is getattr(main, "__dict__", None):
            file = frame.f_code.co_filename
            is_typed = file.startswith("<") and file not in _WITHOUT_FILE  # at a console of the program's own
            return None if is_typed else error
        trace = trace.tb_next
    return None


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
