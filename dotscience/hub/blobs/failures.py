"""What an object store answers when it fails, as errors of dotscience."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from ...errors import DotscienceError, StorageError, UnwritableError

__all__ = ["reading", "reason", "writing"]


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Raises StorageError where the store cannot be read. That nothing is there stays a FileNotFoundError."""
    try:
        yield
    except (DotscienceError, FileNotFoundError):
        raise
    except (BaseError, OSError, ValueError) as error:
        raise StorageError(
            f"Cannot read {place}: {reason(error)}. Check that it is reachable, that the bucket is there, "
            f"and that the credentials allow it."
        ) from error


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Raises UnwritableError where the store does not take something."""
    try:
        yield
    except DotscienceError:
        raise
    except (BaseError, OSError, ValueError) as error:
        raise UnwritableError(place, reason(error)) from error


def reason(error: Exception) -> str:
    """What was asked and answered, without the trace of how the answer came, which follows it."""
    said, _, answer = str(error).partition("\n\nDebug source")[0].partition("<?xml")
    codes = re.findall("<(?:Code|Message)>(.*?)</", answer)
    return ": ".join([" ".join(said.split()).rstrip(": ."), *codes])[:500].rstrip(".")
