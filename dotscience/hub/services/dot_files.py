"""Files of a dot: put, read and removed. Everything that changes them is a commit."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from ..hub import Hub
from ..problems import Problem
from ..store import commits, entries, holdings, projects
from ..store import dots as store
from ..store.commits import Commit
from ..store.dots import Branch
from ..store.entries import Entry
from . import blobs, dots
from .commit_log import commit_named
from .dot_uploads import Content
from .dots import Place

__all__ = ["branch_off", "find", "go_back", "object_path", "put", "read", "remove", "snapshot"]

_T = TypeVar("_T")
_LONGEST_PATH = 1000
_SLASHES = re.compile("/+")


def object_path(key: str) -> str:
    """The path in a dot that a key of its S3-like API means.

    Raises:
        Problem: 400, it leads out of the dot, or is none.

    Example:
        >>> object_path("/data//./raw.csv")
        'data/raw.csv'
    """
    parts = [part for part in _SLASHES.split(key) if part not in ("", ".")]
    path = "/".join(parts)
    if ".." in parts or "\0" in path:
        raise Problem(400, f"The path {key[:200]!r} leads out of the dot. Use one without `..`.", "path")
    if not parts or len(path) > _LONGEST_PATH:
        raise Problem(400, f"A path has 1 to {_LONGEST_PATH} characters; not {key[:80]!r}.", "path")
    return path


def put(
    hub: Hub, place: Place, path: str, files: Mapping[str, Content], *, upload: str, is_tree: bool = False
) -> str:
    """Put files at or below a path, instead of whatever is there, and end the upload that they came with.

    Args:
        files: by their whole paths.

    Returns:
        the id of the commit.
    """
    branch, commit = place.branch.id, str(uuid.uuid4())
    sizes = {content.digest: content.size for content in files.values()}
    total = sum(content.size for content in files.values())
    said = {
        "message": f"Uploaded {path} ({total} bytes in {len(files)} files)",
        "type": "upload",
        "upload.type": "S3",
        "upload.file": path,
        "upload.bytes": "0" if is_tree else str(total),
    }

    def work(connection: Connection) -> None:
        now, number = hub.now(), commits.next_number(connection, branch)
        blobs.hold_within(hub, connection, place.project.id, sizes)
        entries.clear(connection, branch, number, path, above=True)
        found = (Entry(name, each.digest, each.size, now) for name, each in sorted(files.items()))
        entries.put_entries(connection, branch, number, found)
        kind = commits.TREE if is_tree else commits.FILE
        commits.add_commit(
            connection, dots.new_commit(hub, place, number, kind, said, commit=commit, path=path)
        )
        holdings.end_upload(connection, upload)
        projects.touch(connection, place.project.id, now)

    hub.change(work)
    return commit


def snapshot(hub: Hub, place: Place, commit: str | None = None) -> Commit:
    """A commit of a branch; the latest one when none is named.

    Raises:
        Problem: 404, there is no such commit.
    """

    def look(connection: Connection) -> Commit | None:
        if commit is None:
            return commits.latest_commit(connection, place.branch.id)
        return commit_named(connection, place, commit)

    found = hub.read(look)
    if found is None or found.branch != place.branch.id:
        raise Problem(404, f"The dot {place.dot.name} has no commit {str(commit)[:80]!r} on this branch.")
    return found


def read(hub: Hub, at: Commit, prefix: str, question: Callable[[Iterable[Entry]], _T]) -> _T:
    """What a question makes of the files of a commit whose paths begin so."""
    return hub.read(lambda connection: question(entries.entries_at(connection, at.branch, at.number, prefix)))


def find(hub: Hub, at: Commit, path: str) -> Entry | Sequence[Entry]:
    """The file at a path, or the files below it.

    Raises:
        Problem: 404, there is neither.
    """

    def look(connection: Connection) -> Entry | Sequence[Entry]:
        entry = entries.entry_at(connection, at.branch, at.number, path)
        return entry or list(entries.entries_at(connection, at.branch, at.number, f"{path}/"))

    found = hub.read(look)
    if not isinstance(found, Entry) and not found:
        raise Problem(404, f"There is no {path[:200]!r} in the commit {at.id}.")
    return found


def remove(hub: Hub, place: Place, path: str) -> str:
    """Remove a file, or all below a path; the id of the commit.

    Raises:
        Problem: 404, there is nothing.
    """
    branch, commit = place.branch.id, str(uuid.uuid4())
    said = {"message": f"Deleted {path}", "type": "delete", "delete.file": path}

    def work(connection: Connection) -> None:
        number = commits.next_number(connection, branch)
        if not entries.clear(connection, branch, number, path):
            raise Problem(404, f"There is no {path[:200]!r} in the dot.")
        commits.add_commit(
            connection, dots.new_commit(hub, place, number, commits.DELETE, said, commit=commit, path=path)
        )
        projects.touch(connection, place.project.id, hub.now())

    hub.change(work)
    return commit


def go_back(hub: Hub, place: Place, commit: str) -> str:
    """Put all files as a commit left them. The commits after it stay, and this is one more: its id."""
    at, branch, new = snapshot(hub, place, commit), place.branch.id, str(uuid.uuid4())
    said = {"message": f"Rolled back to {at.id}", "type": "rollback", "rollback.commit": at.id}

    def work(connection: Connection) -> None:
        number = commits.next_number(connection, branch)
        entries.clear(connection, branch, number, "")
        entries.copy_entries(connection, branch, at.number, branch, number)
        commits.add_commit(connection, dots.new_commit(hub, place, number, commits.OTHER, said, commit=new))
        projects.touch(connection, place.project.id, hub.now())

    hub.change(work)
    return new


def branch_off(hub: Hub, place: Place, commit: str, name: str) -> Branch:
    """A new branch that begins with the files of a commit.

    Raises:
        Problem: 404, there is no such commit; 409, the dot has a branch of that name; 422, the name does not fit.
    """
    dots.check_branch_name(name)
    at, branch, first = snapshot(hub, place, commit), str(uuid.uuid4()), str(uuid.uuid4())
    made = Branch(branch, place.dot.id, name, 1)
    said = {"message": f"Branched off {at.id}", "type": "branch", "branch.commit": at.id}

    def work(connection: Connection) -> None:
        if store.find_branch(connection, place.dot.id, name) is not None:
            raise Problem(409, f"The dot {place.dot.name} has a branch {name!r} already.", "taken")
        store.add_branch(connection, made)
        entries.copy_entries(connection, at.branch, at.number, branch, 1)
        there = Place(place.access, place.dot, made)
        commits.add_commit(connection, dots.new_commit(hub, there, 1, commits.INIT, said, commit=first))

    hub.change(work)
    return made
