"""Dots, where the 0.8.7 client keeps files, and their branches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from ...catalog.database import in_parts
from .tables import branches, dots, projects
from .upsert import insert_or_ignore

__all__ = [
    "Branch",
    "Dot",
    "add_branch",
    "add_dot",
    "branch_by_id",
    "branches_of",
    "dot_by_id",
    "dot_by_name",
    "dots_of",
    "find_branch",
    "project_by_short",
    "remove_dot",
]


@dataclass(frozen=True)
class Dot:
    """A dot; `name` as the table holds it."""

    id: str
    project: str
    name: str
    created: int


@dataclass(frozen=True)
class Branch:
    """A branch; master's name is "". `top` is the number of its latest commit."""

    id: str
    dot: str
    name: str
    top: int


_DOT = (dots.c.id, dots.c.project, dots.c.name, dots.c.created)
_BRANCH = (branches.c.id, branches.c.dot, branches.c.name, branches.c.top)


def project_by_short(connection: Connection, short: str) -> str | None:
    """The project whose id begins with these eight characters."""
    found: str | None = connection.execute(select(projects.c.id).where(projects.c.short == short)).scalar()
    return found


def dot_by_name(connection: Connection, name: str) -> Dot | None:
    """The dot of that name."""
    found = connection.execute(select(*_DOT).where(dots.c.name == name)).first()
    return None if found is None else Dot(*found)


def dot_by_id(connection: Connection, dot: str) -> Dot | None:
    """The dot of that id."""
    found = connection.execute(select(*_DOT).where(dots.c.id == dot)).first()
    return None if found is None else Dot(*found)


def dots_of(connection: Connection, wanted: Iterable[str]) -> list[Dot]:
    """The dots of those projects, by name."""
    found: list[Dot] = []
    for part in in_parts(wanted):
        found += [Dot(*row) for row in connection.execute(select(*_DOT).where(dots.c.project.in_(part)))]
    return sorted(found, key=lambda dot: dot.name)


def add_dot(connection: Connection, dot: Dot) -> bool:
    """Add a dot; False where there is one of that name."""
    row = {"id": dot.id, "project": dot.project, "name": dot.name, "created": dot.created}
    return insert_or_ignore(connection, dots, [row]) > 0


def remove_dot(connection: Connection, dot: str) -> None:
    """Drop a dot with all its files and commits."""
    connection.execute(delete(dots).where(dots.c.id == dot))


def find_branch(connection: Connection, dot: str, name: str) -> Branch | None:
    """A branch of a dot."""
    found = connection.execute(select(*_BRANCH).where(branches.c.dot == dot, branches.c.name == name)).first()
    return None if found is None else Branch(*found)


def branch_by_id(connection: Connection, branch: str) -> Branch | None:
    """The branch of that id."""
    found = connection.execute(select(*_BRANCH).where(branches.c.id == branch)).first()
    return None if found is None else Branch(*found)


def branches_of(connection: Connection, dot: str) -> list[Branch]:
    """The branches of a dot, master first."""
    wanted = select(*_BRANCH).where(branches.c.dot == dot).order_by(branches.c.name)
    return [Branch(*row) for row in connection.execute(wanted)]


def add_branch(connection: Connection, branch: Branch) -> None:
    """Add a branch; an IntegrityError where there is one of that name."""
    connection.execute(
        insert(branches).values(id=branch.id, dot=branch.dot, name=branch.name, top=branch.top)
    )
