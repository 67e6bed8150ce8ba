"""Whether the parts of a Hub answer."""

from __future__ import annotations

import os

from sqlalchemy.exc import SQLAlchemyError

from ...errors import StorageError
from ...storage.blobs import LocalBlobs
from ..database import is_current
from ..hub import Hub
from ..logs import LOG
from ..store import holdings

__all__ = ["check", "stored_bytes"]

_NOTHING = "0" * 64


def check(hub: Hub) -> list[str]:
    """What does not answer: of `database`, `migrations` and `blobs`. Why is said in the log."""
    failing = []
    try:
        if not hub.read(is_current):
            failing.append("migrations")
    except SQLAlchemyError:
        LOG.warning("The database does not answer.", exc_info=True)
        failing.append("database")
    try:
        if not _takes_blobs(hub):
            failing.append("blobs")
    except (StorageError, OSError):
        LOG.warning("The store of blobs does not answer.", exc_info=True)
        failing.append("blobs")
    return failing


def stored_bytes(hub: Hub) -> int:
    """How much content the projects hold, each once, in bytes."""
    return hub.read(holdings.stored_bytes)


def _takes_blobs(hub: Hub) -> bool:
    if isinstance(hub.blobs, LocalBlobs):
        return os.access(hub.blobs.folder, os.R_OK | os.W_OK | os.X_OK)
    hub.blobs.has(_NOTHING)
    return True
