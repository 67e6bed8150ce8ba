"""The one place that keeps dotscience's own faults from breaking the user's program."""

from __future__ import annotations

import sys

__all__ = ["contained", "notice"]

_said: set[str] = set()


def notice(text: str) -> None:
    """Say one line on standard error, once per process.

    Not `warnings.warn`, which a user's filter may turn into an exception.
    """
    if text in _said:
        return
    _said.add(text)
    try:
        print(f"dotscience: {text}", file=sys.stderr)
    except Exception:  # closed, full, absent, or somebody's own object that raises: there is nobody to tell
        return


class contained:
    """A `with` block that goes on after a fault of ours, saying once what was lost by it.

    Example:
        >>> with contained("recording the environment"):
        ...     gather()
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        notice(f"{self._what} failed, your program goes on: {type(error).__name__}: {error}")
        return True
