"""What the Hub answers when it does not do what it was asked: problem documents (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ..errors import (
    AmbiguousError,
    ArgumentError,
    CorruptError,
    DigestMismatchError,
    DotscienceError,
    NotFoundError,
    QueryError,
    StateError,
    StorageError,
    UnwritableError,
)

__all__ = ["Problem", "full", "problem_of"]


class Problem(Exception):
    """An answer that is no success.

    Args:
        status: of HTTP, 4xx or 5xx.
        detail: what happened, to which thing, and what cures it.
        reason: a short word for programs, where they must tell cases apart.
        headers: of the answer.
        more: further fields of the document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        reason: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.reason, self.headers, self.more = status, detail, reason, headers, more

    def to_json(self) -> dict[str, Any]:
        """The problem document."""
        found = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        reason = {} if self.reason is None else {"reason": self.reason}
        return {**found, "detail": self.detail, **reason, **self.more}


_STATUS: tuple[tuple[type[DotscienceError], int], ...] = (
    (QueryError, 422),
    (NotFoundError, 404),
    (AmbiguousError, 409),
    (CorruptError, 422),
    (UnwritableError, 507),
    (StorageError, 503),
    (DigestMismatchError, 422),
    (StateError, 409),
    (ArgumentError, 422),
)


def problem_of(error: DotscienceError) -> Problem:
    """The answer to an error of ours."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, QueryError):
        return Problem(status, error.reason, "query", query=error.query, position=error.position)
    if isinstance(error, CorruptError):
        return Problem(status, str(error), "unreadable", field=error.field)
    if isinstance(error, NotFoundError) and error.digest is not None:  # whose text names where content lies
        detail = f"The content {error.digest} is not on this Hub any more. Send it again from a workspace that kept it."
        return Problem(status, detail, "content-gone")
    if isinstance(error, UnwritableError):  # which names a path of ours
        return full()
    if isinstance(error, StorageError):  # likewise
        return Problem(status, "The Hub's storage does not answer. Try again.", "try-again")
    if isinstance(error, DigestMismatchError):
        return Problem(status, str(error), "digest")
    return Problem(status, str(error))


def full() -> Problem:
    """The answer where a disk is full."""
    return Problem(507, "The Hub's storage takes no more. Ask whoever runs it to make room.", "full")
