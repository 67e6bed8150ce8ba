"""Who changed what."""

from __future__ import annotations

from collections.abc import Sequence

from ..access import Access
from ..hub import Hub
from ..store import audit as store
from ..store.audit import Change

__all__ = ["changes", "every"]

MOST_CHANGES = 500


def changes(hub: Hub, access: Access, limit: int = 100) -> Sequence[Change]:
    """The latest changes of a project, the newest first."""
    wanted = min(limit, MOST_CHANGES)
    return hub.read(lambda connection: store.changes_of(connection, access.here.id, wanted))


def every(hub: Hub, limit: int | None) -> Sequence[Change]:
    """The latest changes of everything on the Hub, the newest first, for whoever runs it."""
    return hub.read(lambda connection: store.changes_of(connection, None, limit))
