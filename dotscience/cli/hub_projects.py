"""`ds hub project`: projects and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..errors import AmbiguousError, NotFoundError
from . import words
from .arguments import json_option
from .hub_opened import moment, opened
from .printing import print_json, say, table

if TYPE_CHECKING:
    from ..hub.access import Access
    from ..hub.hub import Hub
    from ..hub.store.projects import Project

__all__ = ["COMMANDS", "find_project"]


@click.group("project")
def project() -> None:
    """Projects and their members. PROJECT is an id, the beginning of one, or OWNER/NAME."""


@project.command("list")
@json_option
@click.pass_context
def list_projects(context: click.Context, as_json: bool) -> None:
    """List all projects."""
    from ..hub.services import projects
    from ..hub.times import iso_of

    with opened(context) as hub:
        found = projects.every(hub)
        runs = projects.count_runs(hub, found)
    if as_json:
        print_json(
            [
                {
                    "id": each.id,
                    "name": each.name,
                    "owner": each.owner,
                    "is_public": each.is_public,
                    "runs": runs.get(each.id, 0),
                    "created": iso_of(each.created),
                }
                for each in found
            ]
        )
        return
    rows = [
        [
            each.id,
            words.value(each.name),
            each.owner,
            "public" if each.is_public else "private",
            str(runs.get(each.id, 0)),
            moment(each.changed),
        ]
        for each in found
    ]
    table(["PROJECT", "NAME", "OWNER", "SEEN BY", "RUNS", "CHANGED"], rows, right=[4], whole=[0])


@project.command("members")
@click.argument("project")
@json_option
@click.pass_context
def members(context: click.Context, project: str, as_json: bool) -> None:
    """List the members of a project."""
    from ..hub.services import projects

    with opened(context) as hub:
        found = projects.members(hub, _access(find_project(hub, project)))
    if as_json:
        print_json([{"user": each.name, "role": each.role} for each in found])
        return
    table(["USER", "ROLE"], [[each.name, each.role] for each in found])


@project.command("grant")
@click.argument("project")
@click.argument("user")
@click.argument("role", type=click.Choice(("viewer", "editor", "owner")))
@click.pass_context
def grant(context: click.Context, project: str, user: str, role: str) -> None:
    """Make a user a member of a project, or change the role.

    \b
    Example:
      ds hub project grant ada/flowers bob editor
    """
    from ..hub.services import projects

    with opened(context) as hub:
        found = find_project(hub, project)
        projects.set_member(hub, _access(found), user, role)
    say(f"{user} is {role} of {words.clean(found.name)}.")


@project.command("revoke")
@click.argument("project")
@click.argument("user")
@click.pass_context
def revoke(context: click.Context, project: str, user: str) -> None:
    """Take a user out of a project."""
    from ..hub.services import projects

    with opened(context) as hub:
        found = find_project(hub, project)
        projects.remove_member(hub, _access(found), user)
    say(f"{user} is no member of {words.clean(found.name)} any more.")


def find_project(hub: Hub, said: str) -> Project:
    """The project that somebody means.

    Raises:
        NotFoundError, AmbiguousError: it is none, or could be several.
    """
    from ..hub.services import projects

    every = projects.every(hub)
    named = [each for each in every if f"{each.owner}/{each.name}" == said]
    fitting = named or [each for each in every if said and each.id.startswith(said)]
    if not fitting:
        raise NotFoundError(f"There is no project {said!r}. `ds hub project list` shows them.")
    if len(fitting) > 1:
        raise AmbiguousError(f"Several projects begin with {said!r}. `ds hub project list` shows them.")
    return fitting[0]


def _access(found: Project) -> Access:
    from ..hub.access import Access, Asker

    return Access(Asker(), found)


COMMANDS = (project,)
