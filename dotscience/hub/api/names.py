"""What the runs of a project are made of: the names in use, and whole columns for charts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from ...catalog.columns import MOST_RUNS
from ..services import listing
from .etags import has_it, not_modified, tagged
from .here import CurrentAccess, CurrentHub

__all__ = ["list_names", "read_columns"]


def list_names(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """The names of parameters, metrics and labels that the runs of a project use."""
    etag = listing.stamp(hub, access)
    if has_it(request, etag):
        return not_modified(etag)
    return tagged(listing.names(hub, access), etag)


def read_columns(
    request: Request,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    column: Annotated[
        list[str], Query(description='`started`, `metric.accuracy`, `parameter["n-trees"]`, …')
    ],
    query: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS)] = MOST_RUNS,
) -> Response:
    """Columns of the latest runs that a query fits: for each column a list of values, one for each run."""
    etag = listing.stamp(hub, access)
    if has_it(request, etag):
        return not_modified(etag)
    return tagged(listing.columns(hub, access, column, query, limit), etag)
