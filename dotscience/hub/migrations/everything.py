"""The tables that a Hub must have: what the migrations lead to."""

from __future__ import annotations

from sqlalchemy import MetaData

from ...catalog import tables as catalog
from ..store import tables as hub

__all__ = ["everything"]


def everything() -> MetaData:
    """The shared tables of the catalog, and the Hub's own."""
    found = MetaData()
    for table in (*catalog.SHARED, *hub.metadata.sorted_tables):
        table.to_metadata(found)
    return found
