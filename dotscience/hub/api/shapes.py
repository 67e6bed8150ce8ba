"""The JSON that the API takes and gives, where it is more than a record."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Annotation",
    "Digests",
    "Health",
    "KeyWanted",
    "MemberRole",
    "Names",
    "PasswordChange",
    "ProblemDocument",
    "ProjectChange",
    "ProjectWanted",
    "UserChange",
    "UserWanted",
    "ViewChange",
    "ViewSettings",
    "ViewWanted",
]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ProblemDocument(BaseModel):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    reason: str | None = None


class Health(BaseModel):
    """All is well."""

    status: str


class ProjectWanted(_Shape):
    """A project to be made."""

    name: str
    is_public: bool = False
    description: str = ""


class ProjectChange(_Shape):
    """What is to change of a project."""

    name: str | None = None
    is_public: bool | None = None
    description: str | None = None


class MemberRole(_Shape):
    """A role: viewer, editor or owner."""

    role: str


class KeyWanted(_Shape):
    """An API key to be made. `expires` is an ISO 8601 time."""

    name: str
    project: str | None = None
    expires: str | None = None


class UserWanted(_Shape):
    """A user to be made."""

    name: str
    password: str | None = None
    is_admin: bool = False


class UserChange(_Shape):
    """What is to change of a user."""

    password: str | None = None
    is_active: bool | None = None


class PasswordChange(_Shape):
    """One's new password; `old` where there is one."""

    new: str
    old: str = ""


class ViewSettings(_Shape):
    """What a saved view of a project's runs shows. `chart` is what the page of the runs drew: which one, and of what."""

    query: Annotated[str, Field(max_length=10_000)] = ""
    sort: Annotated[list[str], Field(max_length=10)] = []
    columns: Annotated[list[str], Field(max_length=50)] = []
    chart: Annotated[dict[str, str], Field(max_length=20)] = {}


class ViewWanted(_Shape):
    """A view to be saved."""

    name: str
    settings: ViewSettings


class ViewChange(_Shape):
    """What is to change of a saved view."""

    name: str | None = None
    settings: ViewSettings | None = None


class Digests(_Shape):
    """Digests to ask for: sha256, in hexadecimal."""

    digests: Annotated[list[str], Field(max_length=1000)]


class Annotation(_Shape):
    """One tag, untag or note."""

    at: str | None = None
    tag: str | None = None
    untag: str | None = None
    note: str | None = None


class Names(BaseModel):
    """Names in use in a project."""

    parameters: list[str]
    metrics: list[str]
    labels: list[str]


Document = dict[str, Any]
"""A JSON object."""
