"""Dots of the 0.8.7 client: found by name, made, branched, removed.

Each project has one workspace dot, `project-<first 8 characters of its id>-default-workspace`, which is addressed in the
namespace of whoever asks. Any other dot is addressed in the namespace of its owner and belongs to a project of its name.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection

from ..access import Access, Asker, Need, allow
from ..hub import Hub
from ..problems import Problem
from ..store import commits
from ..store import dots as store
from ..store import projects as project_store
from ..store.commits import Commit
from ..store.dots import Branch, Dot
from ..store.projects import Project
from . import projects

__all__ = [
    "Address",
    "Place",
    "add_dot",
    "check_branch_name",
    "check_name",
    "find",
    "find_branch",
    "listed",
    "make_workspace",
    "new_commit",
    "of_branch",
    "remove_dot",
    "workspace_name",
]

_WORKSPACE = re.compile(r"project-(.{8})-default-workspace")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_MASTER = "master"


@dataclass(frozen=True)
class Address:
    """How the client names a branch of a dot; "" and `master` are master."""

    namespace: str
    name: str
    branch: str = ""


@dataclass(frozen=True)
class Place:
    """A branch of a dot, and who may do there what was asked for when it was found."""

    access: Access
    dot: Dot
    branch: Branch

    @property
    def project(self) -> Project:
        """The project that the dot belongs to."""
        return self.access.here

    @property
    def name(self) -> str:
        """The dot's name without its namespace."""
        return self.dot.name.rpartition("/")[2]


def workspace_name(project: str) -> str:
    """The name of a project's workspace dot."""
    return f"project-{project[:8]}-default-workspace"


def find(hub: Hub, asker: Asker, need: Need, address: Address) -> Place:
    """The branch of a dot, where the asker may do what needs that. Nobody gets to a dot but through here and `of_branch`.

    Raises:
        Problem: 404, there is no such dot for the asker, or no such branch; 401 and 403 as `allow` says.
    """
    dot, project_id = hub.read(lambda connection: _look(connection, address.namespace, address.name))
    access = _admit(hub, asker, need, project_id, f"{address.namespace}-{address.name}")
    dot = dot or make_workspace(hub, access)
    return Place(access, dot, find_branch(hub, dot, address.branch))


def of_branch(hub: Hub, asker: Asker, need: Need, branch: str) -> Place:
    """As `find`, by the id of a branch.

    Raises:
        Problem: as `find`.
    """

    def look(connection: Connection) -> tuple[Branch | None, Dot | None]:
        found = store.branch_by_id(connection, branch)
        return found, None if found is None else store.dot_by_id(connection, found.dot)

    there, dot = hub.read(look)
    access = _admit(hub, asker, need, None if dot is None else dot.project, branch)
    if there is None or dot is None:
        raise _no_dot(branch)
    return Place(access, dot, there)


def find_branch(hub: Hub, dot: Dot, name: str) -> Branch:
    """A branch of a dot. Raises Problem where there is none of that name."""
    wanted = "" if name == _MASTER else name
    branch = hub.read(lambda connection: store.find_branch(connection, dot.id, wanted))
    if branch is None:
        raise Problem(404, f"The dot {dot.name} has no branch {name[:100]!r}.")
    return branch


def listed(hub: Hub, asker: Asker) -> list[tuple[Dot, Project]]:
    """The dots that the asker may view, each with its project."""
    visible = {project.id: project for project in projects.listed(hub, asker)}
    found = hub.read(lambda connection: store.dots_of(connection, visible))
    return [(dot, visible[dot.project]) for dot in found]


def make_workspace(hub: Hub, access: Access) -> Dot:
    """The workspace dot of a project, made unless it is there."""
    return _make(hub, access, workspace_name(access.here.id))


def add_dot(hub: Hub, access: Access, namespace: str, name: str) -> Dot:
    """Make a dot of one's own, in a project of that name, which is made too unless it is there.

    Raises:
        Problem: 403, it is somebody else's namespace; 409, there is such a dot; 422, the name does not fit.
    """
    check_name(name)
    if _WORKSPACE.fullmatch(name):
        raise Problem(409, f"{name} is made together with its project.", "taken")
    if namespace != access.user.name:
        raise Problem(403, f"You make dots in your own namespace, {access.user.name}, only.")
    full = f"{namespace}/{name}"
    if hub.read(lambda connection: store.dot_by_name(connection, full)) is not None:
        raise Problem(409, f"There is a dot {full} already.", "taken")
    mine = [each for each in projects.listed(hub, access.asker, name=name) if each.role == "owner"]
    project = mine[0] if mine else projects.add(hub, access, name)
    return _make(hub, Access(access.asker, project), full)


def remove_dot(hub: Hub, place: Place) -> None:
    """Drop a dot with its files and commits; the runs that came with them stay.

    Raises:
        Problem: 409, it is a project's workspace.
    """
    if _WORKSPACE.fullmatch(place.dot.name):
        raise Problem(409, "This dot belongs to its project. Remove the project on the Hub's pages instead.")
    hub.change(lambda connection: store.remove_dot(connection, place.dot.id))


def check_name(name: str) -> None:
    """Raises Problem where a dot cannot have that name."""
    if not _NAME.fullmatch(name):
        raise Problem(
            422,
            f"A dot's name is 1 to 100 letters, digits, _, - and dots, and begins with a letter or a digit; not {name[:80]!r}.",
        )


def check_branch_name(name: str) -> None:
    """Raises Problem where a branch cannot have that name."""
    if not _NAME.fullmatch(name) or name == _MASTER:
        raise Problem(422, f"A new branch cannot be named {name[:80]!r}. Use letters, digits, _, - and dots.")


def new_commit(
    hub: Hub,
    place: Place,
    number: int,
    kind: str,
    metadata: dict[str, str],
    *,
    commit: str | None = None,
    path: str | None = None,
) -> Commit:
    """A commit by whoever asks, with what the Hub says of every commit.

    Args:
        commit: its id; a new one when absent.
    """
    now, user = hub.now(), place.access.user
    said = {"author": user.name, **metadata, "timestamp": str(now * 1000)}
    return Commit(commit or str(uuid.uuid4()), place.branch.id, number, kind, user.id, path, False, said, now)


def _look(connection: Connection, namespace: str, name: str) -> tuple[Dot | None, str | None]:
    """The dot, and the id of its project: of a workspace also where the dot is not made yet."""
    workspace = _WORKSPACE.fullmatch(name)
    dot = store.dot_by_name(connection, name if workspace else f"{namespace}/{name}")
    if dot is not None:
        return dot, dot.project
    return None, store.project_by_short(connection, workspace[1]) if workspace else None


def _admit(hub: Hub, asker: Asker, need: Need, project: str | None, said: str) -> Access:
    found = None if project is None else projects.find(hub, project, asker)
    try:
        allow(need, asker, found)
    except Problem as problem:
        raise (_no_dot(said) if problem.status == 404 else problem) from None
    if found is None:
        raise _no_dot(said)
    return Access(asker, found)


def _no_dot(said: str) -> Problem:
    return Problem(
        404, f"Bucket {said[:200]} does not exist: there is no such dot, or you are no member of its project."
    )


def _make(hub: Hub, access: Access, name: str) -> Dot:
    dot = Dot(str(uuid.uuid4()), access.here.id, name, hub.now())
    master = Branch(str(uuid.uuid4()), dot.id, "", 1)
    first = str(uuid.uuid4())

    def work(connection: Connection) -> Dot:
        if store.add_dot(connection, dot):
            store.add_branch(connection, master)
            said = {"message": "init"}
            place = Place(access, dot, master)
            commits.add_commit(connection, new_commit(hub, place, 1, commits.INIT, said, commit=first))
            project_store.touch(connection, dot.project, dot.created)
        return store.dot_by_name(connection, name) or dot

    return hub.change(work)
