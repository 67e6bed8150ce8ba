"""The one place that decides who may do what. What is not allowed here is denied.

A route says what it needs; `allow` answers with a problem or with nothing. A private project looks to everybody who is no
member as if it did not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .problems import Problem
from .store.accounts import User
from .store.projects import Project

__all__ = ["ROLES", "Access", "Asker", "Need", "allow"]

ROLES = ("viewer", "editor", "owner")
"""Roles in a project; each may do what those before it may."""


class Need(Enum):
    """What a route asks of whoever calls it."""

    NOTHING = "open to everybody"
    KEY = "signed in, also with a key that opens one project only; the handler asks for more"
    USER = "signed in"
    ADMIN = "signed in as an administrator of the Hub"
    WATCH = "asked from the machine itself, or by an administrator of the Hub"
    VIEW = "may view the project: a member, or anybody where it is public"
    EDIT = "editor or owner of the project"
    OWN = "owner of the project"


@dataclass(frozen=True)
class Asker:
    """Who asks.

    Attributes:
        user: None for somebody who is not signed in.
        only: the one project that the key opens; None for all of the user's.
        csrf: what a form must hold, where the session cookie says who asks; None where a key does.
        expires: when the key that says who asks, or that the session began with, is over, in microseconds since the Unix
            epoch; None where it never is, or there is none.
        is_near: the request was made on the machine of the Hub, and no proxy passed it on.
    """

    user: User | None = None
    only: str | None = None
    csrf: str | None = None
    expires: int | None = None
    is_near: bool = False

    @property
    def id(self) -> str | None:
        """The user's id."""
        return None if self.user is None else self.user.id


@dataclass(frozen=True)
class Access:
    """Who asks, and the project that it is about where the route names one."""

    asker: Asker
    project: Project | None = None

    @property
    def user(self) -> User:
        """The user, on routes that need one."""
        if self.asker.user is None:
            raise Problem(401, "Sign in, or send an API key.")
        return self.asker.user

    @property
    def here(self) -> Project:
        """The project, on routes that name one."""
        if self.project is None:
            raise no_project()
        return self.project

    def may(self, need: Need) -> bool:
        """Whether the asker could also do what needs that, to show or hide a button."""
        try:
            allow(need, self.asker, self.project)
        except Problem:
            return False
        return True


def no_project() -> Problem:
    """The answer to a project that is not there, or not for the asker's eyes."""
    return Problem(404, "There is no such project here, or you are no member of it.")


def allow(need: Need, asker: Asker, project: Project | None) -> None:
    """Let the asker pass.

    Args:
        project: the one that the route is about, with the asker's role in it; None where it names none, or there is none.

    Raises:
        Problem: 401 where signing in would help, 404 where the project must not be known, 403 else.
    """
    if need is Need.NOTHING:
        return
    user = asker.user
    if need is Need.WATCH:
        if asker.is_near:
            return
        need = Need.ADMIN
    if need in (Need.KEY, Need.USER, Need.ADMIN):
        if user is None:
            raise not_signed_in()
        if need is Need.KEY:
            return
        if asker.only is not None:
            raise Problem(403, "This API key opens one project only. Use a key without a project for this.")
        if need is Need.ADMIN and not user.is_admin:
            raise Problem(403, "Only an administrator of this Hub may do that.")
        return
    if project is None or not _may_view(asker, project):
        raise not_signed_in() if user is None else no_project()
    wanted = {Need.VIEW: 0, Need.EDIT: 2, Need.OWN: 3}[need]
    if wanted > 0 and user is None:
        raise not_signed_in()
    if _rank(project) < wanted:
        role = project.role or "no member"
        needed = ROLES[wanted - 1]
        raise Problem(403, f"This needs the role {needed} in the project, and you are {role}. Ask its owner.")


def not_signed_in() -> Problem:
    """The answer to somebody unknown."""
    return Problem(
        401,
        "Sign in, or send an API key: HTTP Basic with user name and key, or `Authorization: Bearer KEY`.",
        headers={"WWW-Authenticate": 'Basic realm="dotscience", charset="UTF-8"'},
    )


def _may_view(asker: Asker, project: Project) -> bool:
    if asker.only is not None and asker.only != project.id:
        return False
    return project.is_public or _rank(project) > 0


def _rank(project: Project) -> int:
    return ROLES.index(project.role) + 1 if project.role in ROLES else 0
