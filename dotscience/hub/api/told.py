"""What the API answers, for its OpenAPI document. Handlers answer plain values: nothing is checked again on the way out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

__all__ = [
    "Annotated",
    "BlobTaken",
    "Changes",
    "Compared",
    "Deleted",
    "Document",
    "ExecutionTaken",
    "ExecutionTold",
    "FileVersions",
    "Files",
    "Home",
    "Keys",
    "Length",
    "Lineage",
    "Me",
    "MemberTold",
    "Members",
    "Missing",
    "NewKey",
    "Offset",
    "Preview",
    "ProjectTold",
    "Projects",
    "RunTaken",
    "RunTold",
    "Runs",
    "SearchFound",
    "Series",
    "UserTold",
    "Users",
    "ViewTold",
    "Views",
]

Object = dict[str, Any]


class Document(BaseModel):
    """A JSON object."""


class Name(BaseModel):
    """A user, by name."""

    name: str
    is_admin: bool


class Me(BaseModel):
    """Who asks; `project` is the only one that the key opens."""

    user: Name
    project: str | None


class KeyTold(BaseModel):
    """An API key without its secret; times are ISO 8601."""

    id: str
    name: str
    project: str | None
    created: str
    expires: str | None
    used: str | None


class Keys(BaseModel):
    """API keys, oldest first."""

    keys: list[KeyTold]


class NewKey(KeyTold):
    """A new API key; `secret` is told only now."""

    secret: str


class UserTold(BaseModel):
    """A user."""

    name: str
    is_admin: bool
    is_active: bool
    created: str


class Users(BaseModel):
    """Users, by name."""

    users: list[UserTold]


class ProjectTold(BaseModel):
    """A project; `role` is the asker's, or null."""

    id: str
    name: str
    description: str
    owner: str
    is_public: bool
    created: str
    changed: str
    role: str | None
    runs: int
    url: str


class Projects(BaseModel):
    """Projects, and the cursor of those that follow."""

    projects: list[ProjectTold]
    next: str | None


class MemberTold(BaseModel):
    """A member of a project."""

    user: str
    role: str


class Members(BaseModel):
    """The members of a project, by name."""

    members: list[MemberTold]


class ChangeTold(BaseModel):
    """Who changed what; `user` is null for the Hub itself."""

    at: str
    user: str | None
    action: str
    subject: str
    detail: Object


class Changes(BaseModel):
    """Changes, the newest first."""

    changes: list[ChangeTold]


class Row(BaseModel):
    """A run as lists have it."""

    id: str
    status: str
    started: str | None
    ended: str | None
    published: str | None
    duration: float | None
    description: str | None
    error: str | None
    parameters: Object
    metrics: Object
    labels: Object
    tags: list[str]
    url: str


class Runs(BaseModel):
    """Runs, the cursor of those that follow, and how many there are."""

    runs: list[Row]
    next: str | None
    count: int
    count_is_exact: bool


class RunTold(BaseModel):
    """Everything that is known of a run: the fields of its record (docs/formats.md), and these."""

    id: str
    status: str
    project: str
    user: str
    is_published: bool
    heard: str | None
    tags: list[str]
    notes: list[Object]
    made_from: list[str]
    used_by: list[str]
    url: str


class RunTaken(BaseModel):
    """A run was sent or restored; `is_new` is false where it was there already."""

    id: str
    url: str
    is_new: bool = True


class DeletedRun(BaseModel):
    """A run that can be restored."""

    run: str
    user: str
    deleted: str


class Deleted(BaseModel):
    """Deleted runs, the latest first."""

    runs: list[DeletedRun]


class ExecutionTaken(BaseModel):
    """An execution was sent; `is_new` is false where it was there already."""

    id: str
    is_new: bool


class Kept(BaseModel):
    """Content by its digest."""

    sha256: str
    size: int


class ExecutionTold(BaseModel):
    """What `ds run` executed (docs/formats.md); what is not known is left out."""

    id: str
    command: list[str]
    directory: str
    started: str
    ended: str | None = None
    exit_code: int | None = None
    runs: list[str]
    stdout: Kept | None = None
    stderr: Kept | None = None


class Annotated(BaseModel):
    """An annotation as it stands now: with one of `tag`, `untag` and `note`."""

    id: str
    at: str
    author: str


class Length(BaseModel):
    """How many bytes have come."""

    length: int


class Offset(BaseModel):
    """How many bytes are kept of an upload."""

    offset: int


class Missing(BaseModel):
    """Digests of what must be sent."""

    missing: list[str]


class BlobTaken(BaseModel):
    """Content was sent; `is_new` is false where it was there already."""

    digest: str
    is_new: bool


class FileTold(BaseModel):
    """A file version with the runs that made it and used it."""

    path: str
    digest: str | None
    size: int | None
    made_by: list[str]
    used_by: list[str]


class FileVersions(BaseModel):
    """File versions, and the cursor of those that follow."""

    files: list[FileTold]
    next: str | None


class Files(BaseModel):
    """The files of a run, as its record has them."""

    inputs: list[Object]
    outputs: list[Object]
    code: list[Object]


class Lineage(BaseModel):
    """The runs up or down from what was asked."""

    asked: str
    files: list[Object]
    steps: list[Object]
    truncated: bool


class Series(BaseModel):
    """Series of a run, or their points."""

    series: list[Object]


class Home(BaseModel):
    """What there is to see first."""

    projects: list[ProjectTold]
    projects_in_all: int
    running: list[Object]
    failed: list[Object]
    recent: list[Object]


class SearchFound(BaseModel):
    """What a search found."""

    projects: list[Object]
    runs: list[Object]
    files: list[Object]


class ViewTold(BaseModel):
    """A saved view."""

    id: str
    name: str
    user: str
    settings: Object


class Views(BaseModel):
    """Saved views, by name."""

    views: list[ViewTold]


class Preview(BaseModel):
    """What a reader sees of content."""

    kind: str
    size: int
    note: str


class Compared(BaseModel):
    """What differs between runs; `projects` are those of the runs, by the run's id."""

    runs: list[str]
    projects: dict[str, str]
    values: list[Object]
    files: list[Object]
    notes: list[Any]
