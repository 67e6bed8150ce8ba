"""Projects and their members."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ...catalog.shared_writing import forget_runs
from ...errors import ArgumentError
from ..access import ROLES, Access, Asker, no_project
from ..hub import Hub
from ..problems import Problem
from ..store import accounts
from ..store import projects as store
from ..store.audit import note_change
from ..store.projects import Member, Project

__all__ = [
    "add",
    "change",
    "count_runs",
    "every",
    "find",
    "listed",
    "members",
    "remove",
    "remove_member",
    "set_member",
    "visible",
]

_LONGEST_NAME, _LONGEST_DESCRIPTION = 200, 10_000


def find(hub: Hub, project: str, asker: Asker) -> Project | None:
    """A project with the asker's role in it, whether the asker may view it or not."""
    return hub.read(lambda connection: store.find_project(connection, project, asker.id))


def listed(
    hub: Hub,
    asker: Asker,
    *,
    name: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> Sequence[Project]:
    """The projects that the asker may view, by name."""
    return hub.read(
        lambda connection: store.list_projects(
            connection, asker.id, only=asker.only, name=name, after=after, limit=limit
        )
    )


def latest(hub: Hub, asker: Asker, limit: int) -> tuple[Sequence[Project], int]:
    """The projects that the asker may view, that changed last first, and how many there are in all."""

    def ask(connection: Connection) -> tuple[Sequence[Project], int]:
        found = store.latest_projects(connection, asker.id, limit, asker.only)
        is_all = len(found) < limit
        return found, len(found) if is_all else store.count_projects(connection, asker.id, asker.only)

    return hub.read(ask)


def visible(hub: Hub, asker: Asker) -> frozenset[str]:
    """Ids of the projects that the asker may view."""
    return hub.read(lambda connection: store.visible_projects(connection, asker.id, asker.only))


def every(hub: Hub) -> Sequence[Project]:
    """All projects, by name, for whoever runs the Hub."""
    return hub.read(store.all_projects)


def count_runs(hub: Hub, found: Sequence[Project]) -> dict[str, int]:
    """How many runs each of those projects has, by id."""
    ids = [project.id for project in found]
    return hub.read(lambda connection: store.count_runs(connection, ids))


def add(hub: Hub, access: Access, name: str, *, is_public: bool = False, description: str = "") -> Project:
    """Make a project that belongs to the asker.

    Raises:
        ArgumentError: the name or the description does not fit.
        Problem: 409, the asker has a project of that name.
    """
    name, user = _name(name), access.user

    def work(connection: Connection) -> Project:
        project = _new(hub, name, _description(description), user.name, is_public)
        store.add_project(connection, project, user.id)
        note_change(connection, project.created, user.id, "add project", name, project=project.id)
        return project

    for _ in range(3):  # until the beginning of the id is nobody else's
        try:
            return hub.change(work)
        except IntegrityError:
            if any(found.owner == user.name for found in listed(hub, Asker(user), name=name)):
                break
    raise Problem(409, f"You have a project {name!r} already.", "taken")


def change(
    hub: Hub,
    access: Access,
    *,
    name: str | None = None,
    is_public: bool | None = None,
    description: str | None = None,
) -> Project:
    """Change what is given of a project.

    Raises:
        ArgumentError: the name or the description does not fit.
        Problem: 409, its owner has another project of that name; 404, it was removed just now.
    """
    said = {
        "name": None if name is None else _name(name),
        "is_public": is_public,
        "description": None if description is None else _description(description),
    }
    values = {what: value for what, value in said.items() if value is not None}
    project, user = access.here, access.user

    def work(connection: Connection) -> Project | None:
        store.change_project(connection, project.id, **values, changed=hub.now())
        note_change(
            connection, hub.now(), user.id, "change project", project.name, project=project.id, **values
        )
        return store.find_project(connection, project.id, user.id)

    try:
        changed = hub.change(work)
    except IntegrityError:
        raise Problem(409, f"{project.owner} has another project of that name.", "taken") from None
    if changed is None:
        raise no_project()
    return changed


def remove(hub: Hub, access: Access) -> None:
    """Drop a project with everything in it. Content that no other project holds goes with `ds hub gc`."""
    project, user = access.here, access.user

    def work(connection: Connection) -> None:
        forget_runs(connection, store.runs_of(connection, project.id))
        store.remove_project(connection, project.id)
        note_change(connection, hub.now(), user.id, "remove project", project.name, id=project.id)

    hub.change(work)


def members(hub: Hub, access: Access) -> Sequence[Member]:
    """A project's members, by name."""
    project = access.here
    return hub.read(lambda connection: store.members_of(connection, project.id))


def set_member(hub: Hub, access: Access, name: str, role: str) -> None:
    """Make somebody a member of a project, or change the role.

    Raises:
        ArgumentError: there is no such role.
        Problem: 404, there is no such user; 409, the project would be left without an owner, or in the hands of
            one who has another project of that name.
    """
    if role not in ROLES:
        raise ArgumentError(f"A role is one of {', '.join(ROLES)}; not {role!r}.")
    _change_member(hub, access, name, role)


def remove_member(hub: Hub, access: Access, name: str) -> None:
    """Take somebody out of a project.

    Raises:
        Problem: 404, there is no such member; 409, the project would be left without an owner, or in the hands of
            one who has another project of that name.
    """
    _change_member(hub, access, name, None)


def _change_member(hub: Hub, access: Access, name: str, role: str | None) -> None:
    project, by = access.here, access.asker.id  # nobody, where it is done on the Hub's own machine

    def work(connection: Connection) -> None:
        found = {member.name: member for member in store.members_of(connection, project.id)}
        other = accounts.user_by_name(connection, name)
        if other is None or (role is None and name not in found):
            raise Problem(404, f"There is no {'user' if role else 'member'} {name!r}.")
        owners = {member.name for member in found.values() if member.role == "owner"}
        if role != "owner" and owners == {name}:
            raise Problem(409, "A project needs an owner. Make somebody else owner first.")
        if role is None:
            store.remove_member(connection, project.id, other.id)
        else:
            store.set_member(connection, project.id, other.id, role)
        said = {"role": role}
        if role != "owner" and name in owners:
            said |= _pass_on(connection, project.id, name, [found[each] for each in sorted(owners - {name})])
        note_change(connection, hub.now(), by, "set member", name, project=project.id, **said)

    hub.change(work)


def _pass_on(connection: Connection, project: str, name: str, others: Sequence[Member]) -> dict[str, str]:
    """A project that stands under the name of somebody who is no owner any more is another owner's from now on.

    Returns:
        what is to be noted of that.

    Raises:
        Problem: 409, all of them have a project of that name.
    """
    here = store.find_project(connection, project, None)
    if here is None or here.owner != name:
        return {}
    heir = next((each for each in others if not store.has_project(connection, each.user, here.name)), None)
    if heir is None:
        names = " or ".join(each.name for each in others)
        detail = f"Then {names} would have two projects {here.name!r}. Rename one of them first."
        raise Problem(409, detail, "taken")
    store.change_project(connection, project, owner=heir.user)
    return {"owner": heir.name}


def _new(hub: Hub, name: str, description: str, owner: str, is_public: bool) -> Project:
    now = hub.now()
    return Project(str(uuid.uuid4()), name, description, owner, is_public, now, now, "owner")


def _name(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ArgumentError(f"A project's name is a printable text of at most {_LONGEST_NAME} characters.")
    return name


def _description(text: str) -> str:
    if len(text) > _LONGEST_DESCRIPTION:
        raise ArgumentError(f"A project's description has at most {_LONGEST_DESCRIPTION} characters.")
    return text
