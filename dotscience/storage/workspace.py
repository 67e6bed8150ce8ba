"""The workspace: which folder tree runs belong to, and where their records lie.

`Workspace(root)` by itself touches nothing; `prepare()` makes the place that is written to.
docs/formats.md shows the layout.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from ..errors import AmbiguousError, NotFoundError, UnwritableError
from ..settings import user_state_dir
from .blobs import LocalBlobs
from .runs import RunFolder
from .whole import write_whole

__all__ = ["HOME", "Workspace", "current_directory", "find_root", "known_workspaces", "relative_path"]

HOME = ".dotscience"


def find_root(start: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """The workspace root for a folder: `DOTSCIENCE_PROJECT_DOT_ROOT`, else the nearest parent holding
    `.dotscience/`, else the folder itself (by default the current directory)."""
    chosen = environ.get("DOTSCIENCE_PROJECT_DOT_ROOT")
    if chosen:
        return os.path.abspath(chosen)
    folder = origin = os.path.abspath(start) if start is not None else current_directory(environ)
    while not os.path.isdir(os.path.join(folder, HOME)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return origin
        folder = parent
    return folder


def current_directory(environ: Mapping[str, str] = os.environ) -> str:
    """The current directory, also when it was deleted under the process."""
    try:
        return os.getcwd()
    except OSError:  # its old name is still the best answer
        return environ.get("PWD") or os.path.expanduser("~")


class Workspace:
    """A folder tree whose files runs read and write.

    Attributes:
        root: absolute path of the tree.
        home: its `.dotscience` folder, which may not exist.
        spill: the folder used instead when the tree cannot be written.
    """

    def __init__(self, root: str, environ: Mapping[str, str] = os.environ) -> None:
        self.root = os.path.abspath(root)
        self.home = os.path.join(self.root, HOME)
        self._state = user_state_dir(environ)
        self._key = hashlib.sha256(os.fsencode(self.root)).hexdigest()
        self.spill = os.path.join(self._state, "spill", self._key)

    @classmethod
    def find(cls, start: str | None = None, environ: Mapping[str, str] = os.environ) -> Workspace:
        """The workspace that a folder (by default the current directory) belongs to."""
        return cls(find_root(start, environ), environ)

    @property
    def places(self) -> list[str]:
        """The folders that hold runs of this workspace: none, `home`, `spill` or both."""
        return [place for place in (self.home, self.spill) if os.path.isdir(place)]

    def prepare(self) -> str:
        """Make the place that is written to, note the workspace in the user's list, and return the place.

        Raises:
            UnwritableError: neither the workspace nor the user's state folder can be written.
        """
        try:
            self._make(self.home)
            place = self.home
        except OSError as error:
            place = self._make_spill(error)
        self._register()
        return place

    def run_folders(self) -> Iterator[RunFolder]:
        """Every run of the workspace, in no particular order."""
        for place in self.places:
            try:
                entries = os.scandir(os.path.join(place, "runs"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            with entries:
                for entry in entries:
                    if entry.is_dir() and not entry.name.startswith("."):
                        yield RunFolder(entry.path)

    def run_folder(self, ref: str) -> RunFolder:
        """The run of that id, or of that unique prefix of an id.

        Raises:
            NotFoundError, AmbiguousError: no run, or several runs, have that id.
        """
        found = [folder for folder in self.run_folders() if folder.id.startswith(ref)] if ref else []
        exact = [folder for folder in found if folder.id == ref]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if not found:
            raise NotFoundError(f"No run {ref!r} in {self.root}. `ds list` shows the runs that are there.")
        ids = ", ".join(sorted(folder.id for folder in found)[:5])
        raise AmbiguousError(f"{ref!r} fits {len(found)} runs ({ids}…). Give more characters of the id.")

    def note_held(self, execution: str, run: str) -> None:
        """Note in the folder of an execution, where it has one here, that it holds a run: an empty file of the run's id.

        Raises:
            OSError: it could not be written.
        """
        for place in self.places:
            folder = os.path.join(place, "executions", execution)
            if os.path.isdir(folder):
                held = os.path.join(folder, "runs")
                os.makedirs(held, exist_ok=True)
                with open(os.path.join(held, run), "wb"):
                    return

    def held_by(self, execution: str) -> list[RunFolder] | None:
        """The runs that an execution holds, of those that are there; None where nothing was noted of any."""
        for place in self.places:
            try:
                ids = os.listdir(os.path.join(place, "executions", execution, "runs"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            folders = [RunFolder(os.path.join(each, "runs", run)) for run in ids for each in self.places]
            return [folder for folder in folders if folder.is_there()]
        return None

    def blobs(self, digest: str | None = None) -> LocalBlobs:
        """The blobs; with a digest, of the place that holds it."""
        for place in self.places:
            store = LocalBlobs(os.path.join(place, "blobs"))
            if digest is None or store.has(digest):
                return store
        return LocalBlobs(os.path.join(self.home, "blobs"))

    def open(self, digest: str) -> BinaryIO:
        """A blob's bytes; raises NotFoundError."""
        return self.blobs(digest).open(digest)

    def touch(self, folder: RunFolder) -> None:
        """Tell readers that the folder of a published run has changed."""
        os.utime(os.path.dirname(folder.path))

    def _make_spill(self, why: OSError) -> str:
        try:
            self._make(self.spill)
        except OSError as error:
            raise UnwritableError(self.home, f"{why}, nor to {self.spill}: {error}") from None
        return self.spill

    @staticmethod
    def _make(place: str) -> None:
        os.makedirs(os.path.join(place, "runs"), exist_ok=True)
        if not os.access(os.path.join(place, "runs"), os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write in {place}")
        ignore = os.path.join(place, ".gitignore")
        if not os.path.exists(ignore):
            with open(ignore, "w", encoding="ascii") as stream:
                stream.write("*\n")

    def _register(self) -> None:
        listed = os.path.join(self._state, "workspaces", self._key)
        if os.path.exists(listed):
            return
        try:
            os.makedirs(os.path.dirname(listed), exist_ok=True)
            write_whole(listed, os.fsencode(self.root) + b"\n", durable=False)
        except OSError:  # the list only serves questions that cross workspaces; this one works without
            return


def relative_path(path: str, root: str) -> str:
    """A path as records write it: relative to the workspace root and `/`-separated; absolute on another drive.

    Args:
        path, root: absolute, or taken from the current directory.
    """
    try:
        relative = os.path.relpath(path, root)
    except ValueError:  # another drive
        relative = os.path.abspath(path)
    return relative.replace(os.sep, "/")


def known_workspaces(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The roots of every workspace that this user has recorded in and that is still there, sorted."""
    folder = os.path.join(user_state_dir(environ), "workspaces")
    roots = set()
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        if not name.endswith(".tmp"):
            try:
                with open(os.path.join(folder, name), "rb") as stream:
                    roots.add(os.fsdecode(stream.read().removesuffix(b"\n")))
            except OSError:
                continue
    return sorted(root for root in roots if os.path.isdir(root))
