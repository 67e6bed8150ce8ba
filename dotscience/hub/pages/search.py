"""What was found."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request, Response

from ..api.here import CurrentAccess, CurrentHub
from ..services import projects
from ..services.search import search
from .lineage import lineage_link, run_link
from .render import page

__all__ = ["show_search"]


def show_search(request: Request, hub: CurrentHub, access: CurrentAccess, q: str = "") -> Response:
    """Projects, runs and files that hold some words."""
    found = search(hub, access.asker, q, 30)
    return page(
        request,
        "search.html",
        access,
        twin=f"/api/search?{urlencode({'q': q})}",
        q=q,
        found=found,
        names={project.id: project.name for project in projects.listed(hub, access.asker)},
        run_link=run_link,
        lineage_link=lineage_link,
    )
