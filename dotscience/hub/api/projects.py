"""Projects and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response

from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..services import projects
from ..store.projects import Project
from ..times import iso_of
from .here import CurrentAccess, CurrentHub, base_url
from .paging import Cursor, decode, encode
from .shapes import MemberRole, ProjectChange, ProjectWanted

__all__ = [
    "change_project",
    "get_project",
    "list_members",
    "list_projects",
    "make_project",
    "project_json",
    "remove_member",
    "remove_project",
    "set_member",
]


def project_json(request: Request, hub: Hub, found: Sequence[Project]) -> list[dict[str, Any]]:
    """Projects as the API gives them."""
    counts = projects.count_runs(hub, found)
    return [
        {
            "id": project.id,
            "name": project.name,
            "description": project.description,
            "owner": project.owner,
            "is_public": project.is_public,
            "created": iso_of(project.created),
            "changed": iso_of(project.changed),
            "role": project.role,
            "runs": counts.get(project.id, 0),
            "url": f"{base_url(request, hub)}/projects/{project.id}",
        }
        for project in found
    ]


def list_projects(
    request: Request,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    name: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The projects that you may view, by name."""
    after = None if cursor is None else decode(cursor, str, str)
    if after is not None and not after[1].isprintable():  # which no id is, nor can be asked of a database
        raise Problem(422, "That cursor is none of ours. Begin the list anew without one.", "cursor")
    found = projects.listed(hub, access.asker, name=name, after=after, limit=limit + 1)
    shown = found[:limit]
    more = encode(shown[-1].name, shown[-1].id) if len(found) > limit else None
    return {"projects": project_json(request, hub, shown), "next": more}


def make_project(
    request: Request, hub: CurrentHub, access: CurrentAccess, wanted: ProjectWanted
) -> dict[str, Any]:
    """Make a project of your own."""
    made = projects.add(hub, access, wanted.name, is_public=wanted.is_public, description=wanted.description)
    return project_json(request, hub, [made])[0]


def get_project(request: Request, hub: CurrentHub, access: CurrentAccess) -> dict[str, Any]:
    """One project."""
    return project_json(request, hub, [access.here])[0]


def change_project(
    request: Request, hub: CurrentHub, access: CurrentAccess, wanted: ProjectChange
) -> dict[str, Any]:
    """Change a project's name, description, or who may view it."""
    changed = projects.change(
        hub, access, name=wanted.name, is_public=wanted.is_public, description=wanted.description
    )
    return project_json(request, hub, [changed])[0]


def remove_project(hub: CurrentHub, access: CurrentAccess) -> Response:
    """Remove a project with everything in it."""
    projects.remove(hub, access)
    return Response(status_code=204)


def list_members(hub: CurrentHub, access: CurrentAccess) -> dict[str, Any]:
    """The members of a project."""
    return {"members": members_json(hub, access)}


def members_json(hub: Hub, access: Access) -> list[dict[str, str]]:
    """Members as the API gives them."""
    return [{"user": member.name, "role": member.role} for member in projects.members(hub, access)]


def set_member(hub: CurrentHub, access: CurrentAccess, user: str, wanted: MemberRole) -> dict[str, Any]:
    """Make somebody a member, or change the role."""
    projects.set_member(hub, access, user, wanted.role)
    return {"user": user, "role": wanted.role}


def remove_member(hub: CurrentHub, access: CurrentAccess, user: str) -> Response:
    """Take somebody out of a project."""
    projects.remove_member(hub, access, user)
    return Response(status_code=204)
