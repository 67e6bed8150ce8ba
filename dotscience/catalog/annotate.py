"""Tags and notes: said about a run afterwards, and kept beside its record, which never changes."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from ..errors import ArgumentError
from ..records.times import iso, utc
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace

__all__ = ["note", "tag", "tags_of"]

Clock = Callable[[], float]


def tag(
    workspace: Workspace,
    folder: RunFolder,
    tags: Sequence[str],
    *,
    remove: bool = False,
    clock: Clock = time.time,
) -> None:
    """Tag a run, or take tags away.

    Raises:
        ArgumentError: a tag is not one word.
        OSError: it cannot be written.

    Example:
        >>> tag(workspace, workspace.run_folder("7f3c"), ["baseline"])
    """
    for word in tags:
        if not word or any(character.isspace() or not character.isprintable() for character in word):
            raise ArgumentError(f"A tag is one word without spaces, not {word!r}. `ds note` takes sentences.")
    for word in tags:
        _annotate(workspace, folder, {"untag" if remove else "tag": word}, clock)


def note(
    workspace: Workspace, folder: RunFolder, text: str, *, clock: Clock = time.time
) -> Mapping[str, str]:
    """Add a note to a run, and return it with its time and author.

    Raises:
        ArgumentError: the text is empty.
        OSError: it cannot be written.
    """
    if not text.strip():
        raise ArgumentError('A note needs a text, as in `ds note @latest "tried another seed"`.')
    return _annotate(workspace, folder, {"note": text}, clock)


def tags_of(folder: RunFolder) -> tuple[str, ...]:
    """The tags that a run has, in the order they were given."""
    tags: dict[str, None] = {}
    for annotation in folder.annotations():
        if isinstance(annotation.get("tag"), str):
            tags[annotation["tag"]] = None
        elif isinstance(annotation.get("untag"), str):
            tags.pop(annotation["untag"], None)
    return tuple(tags)


def _annotate(
    workspace: Workspace, folder: RunFolder, said: Mapping[str, str], clock: Clock
) -> Mapping[str, str]:
    annotation = {"at": iso(utc(clock())), "author": _author(), **said}
    folder.annotate(str(uuid.uuid4()), annotation)
    workspace.touch(folder)
    return annotation


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for this user
        return "unknown"
