"""Lineage and file versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from ...catalog.file_versions import file_versions
from ..access import Access
from ..hub import Hub
from ..services.lineage import Asked, both_ways, follow
from .here import CurrentAccess, CurrentHub
from .paging import Cursor

__all__ = ["files_json", "get_lineage", "list_files"]

Direction = Literal["up", "down", "both"]


def get_lineage(
    hub: CurrentHub,
    access: CurrentAccess,
    *,
    digest: Annotated[str | None, Query(description="sha256, or its first 8 digits and more.")] = None,
    project: str | None = None,
    path: Annotated[str | None, Query(description="As recorded, in `project`.")] = None,
    run: Annotated[str | None, Query(description="A run's id, in `project`.")] = None,
    direction: Direction = "up",
    depth: Annotated[int | None, Query(ge=1, le=100, description="How many runs to go.")] = None,
) -> dict[str, Any]:
    """Where a file came from (`up`), or what was made from it (`down`), across the projects that you may view."""
    asked = Asked(digest, project, path, run)
    if direction == "both":
        up, down = both_ways(hub, access.asker, asked, depth=depth)
        return {"up": up.to_json(), "down": down.to_json()}
    return follow(hub, access.asker, asked, direction, depth=depth).to_json()


def list_files(
    hub: CurrentHub,
    access: CurrentAccess,
    *,
    path: Annotated[str | None, Query(description="A pattern such as `data/*.csv`.")] = None,
    digest: Annotated[str | None, Query(description="sha256, or its first 8 digits and more.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The file versions of a project, by path, with the runs that made and used them."""
    return files_json(hub, access, path=path, digest=digest, limit=limit, cursor=cursor)


def files_json(
    hub: Hub, access: Access, *, path: str | None, digest: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of file versions."""
    place = hub.catalog.seen_by([access.here.id])
    page = file_versions(place, path=path or None, digest=digest or None, limit=limit, after=cursor)
    return {"files": [version.to_json() for version in page.rows], "next": page.next}
