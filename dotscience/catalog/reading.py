"""What one run folder says, read without a lock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..errors import CorruptError, NotFoundError
from ..storage.runs import RunFolder
from .rows import Facts, from_record, from_state
from .scan import OPEN, RUNNING, SETTLED, YOUNG, Known, is_old, stamp_of

__all__ = ["Reading", "read"]


@dataclass
class Reading:
    """What a run folder said.

    Attributes:
        place, name: the folder, as the tables name it.
        known: its stamp and how to watch it; None when it is gone.
        facts: None when there is no run to show.
        problems: (file, field, reason) of what could not be read.
    """

    place: str
    name: str
    known: Known | None = None
    facts: Facts | None = None
    problems: list[tuple[str, str, str]] = field(default_factory=list)

    def blame(self, field: str, reason: str) -> None:
        """Show a problem instead of the run."""
        self.facts = None
        self.problems.append((self.name, field, reason))


def read(folder: RunFolder, place: str) -> Reading:
    """Read a run folder; what is wrong with it becomes a problem, never an exception."""
    reading = Reading(place, folder.id)
    began = time.time_ns()
    try:
        stamp, changed = stamp_of(folder)
    except OSError:
        return reading
    watch = OPEN
    try:
        facts = reading.facts = _facts(folder)
        if facts is not None and facts.id != folder.id:
            reading.blame("id", f"the folder holds the run {facts.id!r}, and must have that name")
    except CorruptError as error:
        reading.problems.append((error.file, error.field, error.reason))
    except OSError as error:
        reading.problems.append((str(error.filename or folder.path), "", str(error.strerror or error)))
    else:
        if facts is not None and facts.published is not None:
            watch = SETTLED if is_old(changed, began) else YOUNG
        elif facts is not None and facts.status == "running":
            watch = RUNNING
    reading.known = Known(str(changed) if watch == SETTLED else stamp, watch)
    return reading


def _facts(folder: RunFolder) -> Facts | None:
    """What a folder says; None when it holds neither record nor journal (yet)."""
    annotations = folder.annotations()
    for _ in range(2):  # it may be published between the two looks
        try:
            return from_record(folder.read_record(), annotations)
        except NotFoundError:
            pass
        try:
            return from_state(folder.state(), annotations)
        except NotFoundError:
            pass
    return None
