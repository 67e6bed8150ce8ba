"""Settings: one's own, those of a project, and for administrators the users."""

from __future__ import annotations

from fastapi import Request, Response

from ..access import ROLES, Need
from ..api.here import CurrentAccess, CurrentHub, base_url
from ..services import accounts, audit, projects, runs, views
from .render import page

__all__ = ["show_project_settings", "show_settings", "show_users"]


def show_settings(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """Password and API keys."""
    mine = [project for project in projects.listed(hub, access.asker) if project.role is not None]
    return page(
        request,
        "settings.html",
        access,
        twin="/api/keys",
        keys=accounts.keys_of(hub, access.user),
        projects=mine,
        names={project.id: project.name for project in mine},
        now=hub.now(),
        url=base_url(request, hub),
    )


def show_project_settings(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """A project's name and members, and for who may see them its deleted runs and what was changed."""
    may_edit, may_own = access.may(Need.EDIT), access.may(Need.OWN)
    return page(
        request,
        "project_settings.html",
        access,
        twin=f"/api/projects/{access.here.id}",
        members=projects.members(hub, access),
        roles=ROLES,
        views=views.listed(hub, access),
        deleted=runs.deleted(hub, access) if may_edit else [],
        trash_days=hub.settings.trash_days,
        changes=audit.changes(hub, access) if may_own else [],
    )


def show_users(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """All users of the Hub."""
    return page(request, "users.html", access, twin="/api/users", users=accounts.users(hub))
