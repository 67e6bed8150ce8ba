"""The REST part of what dotscience 0.8.7 speaks: projects and models, and what is not there yet."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ..access import ROLES
from ..api.here import CurrentAccess, CurrentHub
from ..problems import Problem
from ..services import dots, models, projects
from ..services.models import ListedModel
from ..store.projects import Project
from ..times import iso_of

__all__ = ["ProjectWanted", "list_models", "list_projects", "make_project", "not_yet", "version"]


class ProjectWanted(BaseModel):
    """A project to make."""

    name: str


def version() -> dict[str, str]:
    """The version of the Hub."""
    from ... import __version__

    return {"version": __version__}


def list_projects(hub: CurrentHub, access: CurrentAccess) -> list[dict[str, Any]]:
    """Your projects, one's own first: 0.8.7 takes the first of the wanted name.

    Public projects of others are left out: a script that connects to a name of its own would else end in somebody else's.
    """
    mine = [project for project in projects.listed(hub, access.asker) if project.role is not None]
    found = sorted(mine, key=lambda project: (-ROLES.index(project.role or ""), project.created))
    return [project_json(project) for project in found]


def make_project(hub: CurrentHub, access: CurrentAccess, wanted: ProjectWanted) -> dict[str, Any]:
    """Make a project, and the dot of its workspace."""
    project = projects.add(hub, access, wanted.name)
    dots.make_workspace(hub, type(access)(access.asker, project))
    return project_json(project)


def list_models(hub: CurrentHub, access: CurrentAccess) -> list[dict[str, Any]]:
    """The latest models of your projects, newest first."""
    return [model_json(found) for found in models.listed(hub, access.asker)]


def not_yet() -> None:
    """Builds and deployments are not there yet."""
    raise Problem(
        501,
        "This Hub does not build or deploy models yet. The run and its model are kept: publish without build and deploy.",
        "not-yet",
    )


def project_json(project: Project) -> dict[str, Any]:
    """A project as 0.8.7 reads it."""
    return {
        "id": project.id,
        "name": project.name,
        "owner": project.owner,
        "role": project.role,
        "created": iso_of(project.created),
        "workspace": dots.workspace_name(project.id),
    }


def model_json(found: ListedModel) -> dict[str, Any]:
    """A model as 0.8.7 reads it."""
    model = found.model
    return {
        "id": found.id,
        "run_id": model.run,
        "name": model.name,
        "type": model.type,
        "version": model.version,
        "project_id": model.project,
        "commit_id": found.commit,
        "created": iso_of(model.created),
    }
