"""What every service is given: the Hub's settings, its catalog, its blobs, its clock and its counters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from ..catalog.database import reading
from ..catalog.shared import SharedCatalog
from .metrics import Metrics
from .settings import HubSettings
from .store.changes import Changes

if TYPE_CHECKING:
    from ..storage.blobs import Blobs

__all__ = ["Hub"]

_A = TypeVar("_A")
_T = TypeVar("_T")


_READERS = 2
"""Who read points at once: those take memory as long as they are read, and many who ask must not take it all."""


@dataclass
class Hub:
    """One Hub, as one process serves it. With PostgreSQL and an object store any number of processes serve one Hub.

    Attributes:
        reading_points: to be held, in the event loop, by whoever reads the points of series.
    """

    settings: HubSettings
    catalog: SharedCatalog
    blobs: Blobs
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    reading_points: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READERS))
    changes: Changes = field(init=False)

    def __post_init__(self) -> None:
        self.changes = Changes(self.catalog.engine)

    def now(self) -> int:
        """Microseconds since the Unix epoch."""
        return int(self.clock() * 1_000_000)

    def read(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question that only reads."""
        with reading(self.catalog.engine) as connection:
            return question(connection)

    def change(self, work: Callable[[Connection], _T]) -> _T:
        """Change something: all of it or nothing. `work` may be run more than once."""
        return self.changes.make(work)

    def change_together(self, work: Callable[[Connection, Sequence[_A]], Sequence[_T]], item: _A) -> _T:
        """Change something together with whatever others want of that kind; see `Changes.make_together`."""
        return self.changes.make_together(work, item)

    def close(self) -> None:
        """Finish what is being written, and let go of the database."""
        self.changes.close()
        self.catalog.engine.dispose()
