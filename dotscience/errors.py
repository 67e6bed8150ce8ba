"""Every exception that dotscience raises on purpose.

    DotscienceError
    ├── ArgumentError (TypeError, ValueError)   a call's arguments are wrong
    ├── StateError (RuntimeError)               a call came at the wrong moment
    │   ├── AlreadyStartedError                 start() twice on one Run
    │   ├── ModeError                           a mode was chosen after another one
    │   └── HubNeededError                      the verb needs a Hub and there is none
    ├── UnknownFrameworkError (RuntimeError)    ds.model() got a module it cannot serve
    ├── QueryError (ValueError)                 a query expression is wrong, at `position`
    ├── NotFoundError (LookupError)             nothing has that name
    ├── AmbiguousError (LookupError)            several things have that name
    └── StorageError                            something on disk
        ├── CorruptError                        a file is not what it must be; names file and field
        └── UnwritableError                     a place cannot be written

Each message says what happened, to which thing, and what cures it.
"""

from __future__ import annotations

__all__ = [
    "AlreadyStartedError",
    "AmbiguousError",
    "ArgumentError",
    "CorruptError",
    "DotscienceError",
    "HubNeededError",
    "ModeError",
    "NotFoundError",
    "QueryError",
    "StateError",
    "StorageError",
    "UnknownFrameworkError",
    "UnwritableError",
]


class DotscienceError(Exception):
    """Base of every error that dotscience raises on purpose."""


class ArgumentError(DotscienceError, TypeError, ValueError):
    """A call's arguments are wrong."""


class StateError(DotscienceError, RuntimeError):
    """A call came at the wrong moment."""


class AlreadyStartedError(StateError):
    """`start()` was called twice on one `Run`."""

    def __init__(self) -> None:
        super().__init__(
            "Run.start() has been called more than once: a Run is one piece of work. "
            "Make a new Run, or call ds.start(), which opens a new one each time."
        )


class ModeError(StateError):
    """A mode was chosen after another one."""

    def __init__(self, wanted: str, current: str) -> None:
        super().__init__(
            f"Cannot switch to {wanted} mode: this process already records in {current} mode. "
            f"Choose one of ds.interactive() and ds.script() once, before the first publish."
        )


class HubNeededError(StateError):
    """The verb needs a Hub and there is none."""

    def __init__(self, what: str, run_id: str) -> None:
        super().__init__(
            f"{what} needs a Hub, and this process is not connected to one. "
            f"The run itself is recorded: see it with `ds show {run_id}`."
        )


class UnknownFrameworkError(DotscienceError, RuntimeError):
    """`ds.model()` got a module that is not a known framework."""

    def __init__(self, given: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"Unknown model type: {given}. Pass the framework's module itself, one of "
            f"{', '.join(known)}, as in ds.model(sklearn, 'name', 'model.joblib')."
        )


class QueryError(DotscienceError, ValueError):
    """A query expression is wrong.

    Attributes:
        query: the expression as given.
        position: index of the character where it went wrong, 0-based.
        reason: one sentence without the picture.
    """

    def __init__(self, reason: str, query: str, position: int) -> None:
        self.reason, self.query, self.position = reason, query, position
        begin = query.rfind("\n", 0, position) + 1
        line = query[begin:].partition("\n")[0].replace("\t", " ")
        skipped = max(0, position - begin - 60)  # of a long line only what is near the place is shown
        super().__init__(
            f"{reason}\n  {line[skipped : skipped + 100]}\n  {' ' * (position - begin - skipped)}^"
        )


class NotFoundError(DotscienceError, LookupError):
    """Nothing has that name."""


class AmbiguousError(DotscienceError, LookupError):
    """Several things have that name."""


class StorageError(DotscienceError):
    """Something on disk is not as it must be."""


class CorruptError(StorageError):
    """A file is not what it must be.

    Attributes:
        file: the file that was read.
        field: the field, line or offset that is wrong, or "" when it is the whole file.
    """

    def __init__(self, file: str, field: str, reason: str) -> None:
        self.file, self.field, self.reason = file, field, reason
        super().__init__(f"{file}: {f'{field}: ' if field else ''}{reason}")


class UnwritableError(StorageError):
    """A place cannot be written."""

    def __init__(self, place: str, reason: object) -> None:
        super().__init__(f"Cannot write to {place}: {reason}. Free space there or make it writable.")
