"""Transactions on the Hub's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from ...catalog.database import writing

__all__ = ["changing"]


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes something: all of it or nothing.

    There is one at a time, whatever processes serve the Hub, and whatever `ds hub` does beside them: what it has read stays so
    until it ends, and nothing in it needs a lock. Each makes the changes of several requests, in the order in which they
    came, so two at once would sooner or later wait for each other's rows.
    """
    with writing(engine) as connection:
        yield connection
