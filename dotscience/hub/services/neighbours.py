"""The runs before and after a run, with what is said of them where they are named."""

from __future__ import annotations

from collections.abc import Sequence

from ...catalog.listing import get_run
from ...catalog.row import Row
from ...errors import AmbiguousError, NotFoundError
from ..access import Access
from ..hub import Hub
from .projects import visible

__all__ = ["MOST_KNOWN", "known_runs"]

MOST_KNOWN = 6
"""Of each list."""


def known_runs(hub: Hub, access: Access, *lists: Sequence[str]) -> list[list[Row]]:
    """For each list of ids the first runs, in any project that the asker may view; `Row.workspace` is the project."""
    place = hub.catalog.seen_by(visible(hub, access.asker) | {access.here.id})
    found: list[list[Row]] = []
    for ids in lists:
        rows = []
        for run in ids[:MOST_KNOWN]:
            try:
                rows.append(get_run(place, run, place.longest))
            except (NotFoundError, AmbiguousError):  # deleted in the meantime
                continue
        found.append(rows)
    return found
