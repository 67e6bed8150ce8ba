"""Home: the projects, and what happens in them."""

from __future__ import annotations

from fastapi import Request, Response

from ..api.here import CurrentAccess, CurrentHub, base_url
from ..services import listing
from .render import page

__all__ = ["show_home"]


def show_home(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """The projects that the reader may view, with what runs, what failed and what came last."""
    etag = listing.overview_stamp(hub, access.asker)
    found = listing.overview(hub, access.asker)
    mine = [project for project in found.projects if project.role is not None]
    return page(
        request,
        "home.html",
        access,
        twin="/api/home",
        etag=etag,
        found=found,
        names={project.id: project.name for project in found.projects},
        is_new=access.asker.user is not None and not any(found.counts.get(project.id) for project in mine),
        url=base_url(request, hub),
    )
