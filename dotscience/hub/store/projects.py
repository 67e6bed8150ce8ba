"""Projects, their members, and the saved views of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ...catalog import tables as catalog
from ...catalog.database import in_parts
from ...catalog.place import of_shards, shard_of
from .tables import members, projects, users, views
from .upsert import insert_or_update

__all__ = [
    "Member",
    "Project",
    "View",
    "add_project",
    "add_view",
    "all_projects",
    "change_project",
    "count_projects",
    "count_runs",
    "find_project",
    "has_project",
    "latest_projects",
    "list_projects",
    "list_views",
    "members_of",
    "remove_member",
    "remove_project",
    "remove_view",
    "runs_of",
    "set_member",
    "touch",
    "visible_projects",
]


@dataclass(frozen=True)
class Project:
    """A project as one user sees it.

    Attributes:
        owner: the owner's name; `role`: of the user who asked, or None.
        created, changed: microseconds since the Unix epoch.
    """

    id: str
    name: str
    description: str
    owner: str
    is_public: bool
    created: int
    changed: int
    role: str | None


@dataclass(frozen=True)
class Member:
    """A user's role in a project."""

    user: str
    name: str
    role: str


@dataclass(frozen=True)
class View:
    """A saved view of a project's runs; `settings` is JSON."""

    id: str
    name: str
    user: str
    settings: str


_USER: BindParameter[str | None] = bindparam("user")
"""Id of who asks, or None for nobody, who is no member of anything."""

_MEMBERSHIP = and_(members.c.project == projects.c.id, members.c.user == _USER)
_IS_VISIBLE = or_(projects.c.is_public, members.c.role.is_not(None))
_SEEN: Select[Any] = (
    select(
        projects.c.id,
        projects.c.name,
        projects.c.description,
        users.c.name,
        projects.c.is_public,
        projects.c.created,
        projects.c.changed,
        members.c.role,
    )
    .join(users, users.c.id == projects.c.owner)
    .outerjoin(members, _MEMBERSHIP)
)
_FIND = _SEEN.where(projects.c.id == bindparam("project"))
_VISIBLE = select(projects.c.id).outerjoin(members, _MEMBERSHIP).where(_IS_VISIBLE)

_TOUCH = update(projects).where(projects.c.id == bindparam("touched")).values(changed=bindparam("now"))


def add_project(connection: Connection, project: Project, owner: str) -> None:
    """Add a project and its owner's membership.

    Args:
        owner: the owner's id. An IntegrityError where that user has a project of that name.
    """
    connection.execute(
        insert(projects).values(
            id=project.id,
            short=project.id[:8],
            owner=owner,
            name=project.name,
            description=project.description,
            is_public=project.is_public,
            created=project.created,
            changed=project.changed,
        )
    )
    connection.execute(insert(members).values(project=project.id, user=owner, role="owner"))


def find_project(connection: Connection, project: str, user: str | None) -> Project | None:
    """A project, with the role of a user."""
    found = connection.execute(_FIND, {"project": project, "user": user}).first()
    return None if found is None else Project(*found)


def has_project(connection: Connection, owner: str, name: str) -> bool:
    """Whether a project of that name stands under a user, given by id."""
    wanted = select(projects.c.id).where(projects.c.owner == owner, projects.c.name == name)
    return connection.execute(wanted).first() is not None


def list_projects(
    connection: Connection,
    user: str | None,
    *,
    only: str | None = None,
    name: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> Sequence[Project]:
    """The projects that a user may view, by name and id.

    Args:
        only: nothing but this project, for keys that open one alone.
        after: name and id to go on behind.
    """
    wanted = _SEEN.where(_IS_VISIBLE).order_by(projects.c.name, projects.c.id).limit(limit)
    if only is not None:
        wanted = wanted.where(projects.c.id == only)
    if name is not None:
        wanted = wanted.where(projects.c.name == name)
    if after is not None:
        further = and_(projects.c.name == after[0], projects.c.id > after[1])
        wanted = wanted.where(or_(projects.c.name > after[0], further))
    return [Project(*row) for row in connection.execute(wanted, {"user": user})]


def latest_projects(
    connection: Connection, user: str | None, limit: int, only: str | None = None
) -> Sequence[Project]:
    """Projects that a user may view, that changed last first; where there are more, those that the user is a member of come
    before others."""
    wanted = _SEEN.where(_IS_VISIBLE).order_by(
        members.c.role.is_(None), projects.c.changed.desc(), projects.c.id
    )
    if only is not None:
        wanted = wanted.where(projects.c.id == only)
    found = [Project(*row) for row in connection.execute(wanted.limit(limit), {"user": user})]
    return sorted(found, key=lambda project: project.changed, reverse=True)


def count_projects(connection: Connection, user: str | None, only: str | None = None) -> int:
    """How many projects a user may view."""
    wanted = _VISIBLE if only is None else _VISIBLE.where(projects.c.id == only)
    counted = select(func.count()).select_from(wanted.subquery())
    return connection.execute(counted, {"user": user}).scalar_one()


def all_projects(connection: Connection) -> Sequence[Project]:
    """All projects, by name and id."""
    wanted = _SEEN.order_by(projects.c.name, projects.c.id)
    return [Project(*row) for row in connection.execute(wanted, {"user": None})]


def visible_projects(connection: Connection, user: str | None, only: str | None = None) -> frozenset[str]:
    """Ids of the projects that a user may view."""
    wanted = _VISIBLE if only is None else _VISIBLE.where(projects.c.id == only)
    return frozenset(connection.execute(wanted, {"user": user}).scalars())


def change_project(connection: Connection, project: str, **values: Any) -> None:
    """Set columns of a project."""
    connection.execute(update(projects).where(projects.c.id == project).values(values))


def touch(connection: Connection, project: str, now: int) -> None:
    """Note that something in a project has changed."""
    connection.execute(_TOUCH, {"touched": project, "now": now})


def remove_project(connection: Connection, project: str) -> None:
    """Drop a project and what hangs on it; its runs in the catalog are the caller's to drop."""
    connection.execute(delete(projects).where(projects.c.id == project))


def count_runs(connection: Connection, found: Sequence[str]) -> dict[str, int]:
    """How many runs each of those projects has."""
    runs = catalog.runs.c
    counts: dict[str, int] = {}
    for part in in_parts(found):
        here = of_shards(catalog.runs, [shard_of(project) for project in part])
        wanted = select(runs.workspace, func.count()).where(here, runs.workspace.in_(part))
        counts.update((row[0], row[1]) for row in connection.execute(wanted.group_by(runs.workspace)))
    return counts


def runs_of(connection: Connection, project: str) -> Sequence[str]:
    """Ids of a project's runs."""
    runs = catalog.runs.c
    here = of_shards(catalog.runs, [shard_of(project)])
    return connection.execute(select(runs.id).where(here, runs.workspace == project)).scalars().all()


def members_of(connection: Connection, project: str) -> Sequence[Member]:
    """A project's members, by name."""
    wanted = (
        select(users.c.id, users.c.name, members.c.role)
        .join(members, members.c.user == users.c.id)
        .where(members.c.project == project)
        .order_by(users.c.name)
    )
    return [Member(*row) for row in connection.execute(wanted)]


def set_member(connection: Connection, project: str, user: str, role: str) -> None:
    """Make a user a member, or change the role."""
    insert_or_update(connection, members, {"project": project, "user": user, "role": role})


def remove_member(connection: Connection, project: str, user: str) -> bool:
    """Take a user out of a project; whether there was such a member."""
    found = delete(members).where(members.c.project == project, members.c.user == user)
    return connection.execute(found).rowcount > 0


def list_views(connection: Connection, project: str) -> Sequence[View]:
    """The saved views of a project, by name."""
    wanted = (
        select(views.c.id, views.c.name, users.c.name, views.c.settings)
        .join(users, users.c.id == views.c.user)
        .where(views.c.project == project)
        .order_by(views.c.name)
    )
    return [View(*row) for row in connection.execute(wanted)]


def add_view(connection: Connection, project: str, user: str, view: View) -> None:
    """Save a view, instead of one of that name."""
    connection.execute(delete(views).where(views.c.project == project, views.c.name == view.name))
    connection.execute(
        insert(views).values(id=view.id, project=project, user=user, name=view.name, settings=view.settings)
    )


def remove_view(connection: Connection, project: str, view: str) -> bool:
    """Drop a view; whether there was one."""
    found = delete(views).where(views.c.project == project, views.c.id == view)
    return connection.execute(found).rowcount > 0
