"""The exit codes of `ds`, on which calling scripts may rely."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import (
    AmbiguousError,
    ArgumentError,
    DotscienceError,
    HubUnreachableError,
    NotFoundError,
    QueryError,
    StateError,
    StorageError,
)

__all__ = [
    "INTERRUPTED",
    "MEANINGS",
    "NO",
    "NOT_FOUND",
    "PIPE_CLOSED",
    "STORAGE",
    "UNREACHABLE",
    "USAGE",
    "exit_code",
]

NO, USAGE, NOT_FOUND, STORAGE, UNREACHABLE = 1, 2, 3, 4, 5
INTERRUPTED, PIPE_CLOSED = 130, 141

MEANINGS: Mapping[int, str] = {
    0: "done; the answer is yes",
    NO: "the answer is no: something is altered, stale or failing, or what was asked for was refused",
    USAGE: "the command line, a query or a setting is wrong",
    NOT_FOUND: "there is no such run or file, or the name fits several",
    STORAGE: "something on disk cannot be read or written",
    UNREACHABLE: "no Hub answers",
    INTERRUPTED: "interrupted from the keyboard",
    PIPE_CLOSED: "whoever read the output has gone",
}
"""What each exit code says. `ds run` gives the exit code of its command, 128 + n when signal n ended it, 126 when it
cannot be executed and 127 when there is none."""


def exit_code(error: DotscienceError) -> int:
    """The exit code that an error stands for."""
    for kind, code in (
        (QueryError, USAGE),
        (ArgumentError, USAGE),
        (StateError, NO),
        (NotFoundError, NOT_FOUND),
        (AmbiguousError, NOT_FOUND),
        (StorageError, STORAGE),
        (HubUnreachableError, UNREACHABLE),
    ):
        if isinstance(error, kind):
            return code
    return NO
