"""Cursors: where a list goes on. They are opaque to the client and checked when they come back."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query

from ..problems import Problem

__all__ = ["Cursor", "decode", "encode"]

Cursor = Annotated[str | None, Query(description="The `next` of an earlier answer: goes on behind it.")]


def encode(*values: Any) -> str:
    """A cursor that holds plain JSON values."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> Any:
    """The values in a cursor, which must be of those kinds.

    Raises:
        Problem: 422, it is none of ours.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != len(kinds)
        or not all(isinstance(value, kind) for value, kind in zip(values, kinds, strict=True))
    ):
        raise Problem(422, "That cursor is none of ours. Begin the list anew without one.", "cursor")
    return tuple(values)
