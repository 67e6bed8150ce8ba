"""Every exception that dotscience raises on purpose.

    DotscienceError
    ├── ArgumentError (TypeError, ValueError)   a call's arguments are wrong
    ├── StateError (RuntimeError)               a call came at the wrong moment
    │   ├── AlreadyStartedError                 start() twice on one Run
    │   ├── ModeError                           a mode was chosen after another one
    │   ├── HubNeededError                      the verb needs a Hub and there is none
    │   └── UploadLostError                     another writer took the upload over, or finished it
    ├── DigestMismatchError (ValueError)        bytes are not those of the digest they came with
    ├── HubError                                something that a Hub said, or did not say
    │   ├── HubUnreachableError (ConnectionError)   no Hub answers there now
    │   └── HubRefusedError                     the Hub answers, and refuses; with its `status`
    │       └── AccessError (PermissionError)   the key is wrong, or its user may not do that
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

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AccessError",
    "AlreadyStartedError",
    "AmbiguousError",
    "ArgumentError",
    "CorruptError",
    "DigestMismatchError",
    "DotscienceError",
    "HubError",
    "HubNeededError",
    "HubRefusedError",
    "HubUnreachableError",
    "ModeError",
    "NotFoundError",
    "QueryError",
    "StateError",
    "StorageError",
    "UnknownFrameworkError",
    "UnwritableError",
    "UploadLostError",
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
        cure = (
            f"Call ds.{wanted}() before ds.connect() or ds.remote()."
            if current == "remote"
            else "Call ds.connect() instead, which is possible in any mode."
            if wanted == "remote"
            else "Choose one of ds.interactive() and ds.script() once, before the first publish."
        )
        super().__init__(
            f"Cannot switch to {wanted} mode: this process already records in {current} mode. {cure}"
        )


class HubNeededError(StateError):
    """The verb needs a Hub that can do it, and there is none."""

    def __init__(self, what: str, run_id: str, hub: str | None = None) -> None:
        why = (
            "this process is not connected to one"
            if hub is None
            else f"the one at {hub} does not do that yet"
        )
        super().__init__(
            f"{what} needs a Hub that builds images, and {why}. "
            f"The run itself is recorded: see it with `ds show {run_id}`."
        )


class HubError(DotscienceError):
    """Something that a Hub said, or did not say."""


class HubUnreachableError(HubError, ConnectionError):
    """No Hub answers there now: a matter of time, not of the run."""


class HubRefusedError(HubError):
    """The Hub answers, and refuses.

    Attributes:
        status: of HTTP, such as 413.
        problem: what else the Hub said, by name.
    """

    def __init__(self, message: str, status: int, problem: Mapping[str, Any] | None = None) -> None:
        self.status, self.problem = status, problem or {}
        super().__init__(message)


class AccessError(HubRefusedError, PermissionError):
    """The key is wrong, or its user may not do that."""


class UploadLostError(StateError):
    """Another writer took the upload over, or finished or removed it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Another writer went on with the upload {name}, or ended it, while this one was at it. "
            f"Ask how many bytes are kept, and send those that follow."
        )


class DigestMismatchError(DotscienceError, ValueError):
    """Bytes are not those of the digest they came with.

    Attributes:
        announced: the digest they came with.
        found: the digest they have.
        size: how many bytes they are.
    """

    def __init__(self, announced: str, found: str, size: int) -> None:
        self.announced, self.found, self.size = announced, found, size
        super().__init__(
            f"{size} bytes came for {announced}, and their digest is {found}. Nothing of them was kept: "
            f"send them again, after computing the digest anew if the file may have changed."
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
    """Nothing has that name.

    Attributes:
        digest: of the content that is missing, where it is content.
    """

    def __init__(self, message: str, *, digest: str | None = None) -> None:
        super().__init__(message)
        self.digest = digest


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
