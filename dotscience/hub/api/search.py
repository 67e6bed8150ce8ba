"""Search across the projects that the asker may view."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request

from ..services.search import search
from .here import CurrentAccess, CurrentHub
from .projects import project_json
from .runs import run_url

__all__ = ["get_search"]


def get_search(
    request: Request,
    hub: CurrentHub,
    access: CurrentAccess,
    q: Annotated[str, Query(description="Words; or the beginning of a run's id or of a digest.")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, Any]:
    """Projects, runs and files that hold these words."""
    found = search(hub, access.asker, q, limit)
    return {
        "projects": project_json(request, hub, found.projects),
        "runs": [
            {**row.to_json(), "url": run_url(request, hub, row.workspace, row.id)} for row in found.runs
        ],
        "files": [asdict(file) for file in found.files],
    }
