"""From the state of a run to its record: for a run that ends as it should, and for one that was left behind."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from ..errors import StateError
from ..records.files import FileVersion
from ..records.record import Record
from ..records.state import RunState
from ..records.times import utc
from ..records.values import Json
from ..settings import Settings
from ..storage.blobs import LocalBlobs
from ..storage.digests import DigestCache, identity
from ..storage.hashers import Hashers
from ..storage.points import read_frames
from ..storage.runs import RunFolder
from ..storage.series import pack_series
from ..storage.workspace import Workspace
from .files import Located, expand
from .reading import FileReader

__all__ = ["assemble", "changed_inputs", "locate_outputs", "pack_points", "publish_left_behind"]

_OF_PROCESS = ("pid", "parent", "rank", "local_rank", "world_size", "group", "execution")


def assemble(
    state: RunState,
    *,
    inputs: Sequence[FileVersion],
    outputs: Sequence[FileVersion],
    series: Mapping[str, Json],
    facts: Mapping[str, Any],
    process: Mapping[str, Json],
    published: float,
    notices: Iterable[str],
) -> Record:
    """The record of a run whose files have been read."""
    metrics = {name: summary["last"] for name, summary in series.get("names", {}).items()}
    own = {name: process[name] for name in _OF_PROCESS if process.get(name) is not None}
    if state.traceback is not None:
        own["traceback"] = state.traceback
    return state.record(
        state.outcome,
        utc(published),
        workload_file=state.workload_file or facts.get("workload_file"),
        metrics=metrics | state.metrics,
        inputs=_accounted(inputs),
        outputs=_accounted(outputs),
        series={name: value for name, value in series.items() if name != "problems"},
        workspace={"root": state.root, "host": process.get("host")},
        process=own,
        code=facts.get("code", {}),
        git=facts.get("git", {}),
        environment=facts.get("environment", {}),
        notices=(*facts.get("notices", ()), *state.problems, *series.get("problems", ()), *notices),
    )


def _accounted(versions: Sequence[FileVersion]) -> tuple[FileVersion, ...]:
    """The versions in order, none of them without either a digest or a reason why there is none."""
    seen = [
        version
        if version.digest is not None or version.unseen is not None
        else version._replace(unseen="unread")
        for version in versions
    ]
    return tuple(sorted(seen, key=itemgetter(0)))  # by path; versions of one path as they were declared


def locate_outputs(state: RunState) -> list[Located]:
    """Every file that the declared outputs mean now, each once."""
    found = {file.path: file for path in list(state.outputs) for file in expand(path, state.root)}
    return list(found.values())


def changed_inputs(state: RunState, located: Mapping[Any, Located], reader: FileReader) -> list[FileVersion]:
    """The inputs, each with what is known to have happened to it since it was declared.

    Where a file was touched but may hold the same bytes, it is read again: only another digest is a change.
    """
    return [
        _with_change(version, state.root, located.get(key), reader)
        for key, version in list(state.inputs.items())
    ]


def _with_change(version: FileVersion, root: str, before: Located | None, reader: FileReader) -> FileVersion:
    if version.size is None or version.unseen == "special":
        return version
    if version.digest is None and version.unseen is None and before is not None:
        # Carried over from a run that was still reading it.
        version = reader.version(before, keep=False)
    found = expand(version.path, root)
    now = found[0] if len(found) == 1 else None
    if now is None or now.stat is None or now.path != version.path:  # nothing there, or a directory by now
        return version._replace(changed="gone")
    if before is not None and before.stat is not None and identity(before.stat) == identity(now.stat):
        return version
    if before is None and (version.size, version.mtime) == (now.stat.st_size, now.stat.st_mtime_ns):
        return version
    if version.digest is not None and now.stat.st_size == version.size:
        again = reader.version(now, keep=False)
        if again.digest == version.digest:
            return version
    return version._replace(changed="during")


def pack_points(points: str, blobs: LocalBlobs) -> Mapping[str, Json]:
    """Pack a run's points into a blob.

    Returns:
        The record's `series` field, empty where there are no points; its `problems` are for the record's notices.
    """
    if not os.path.exists(points):
        return {}
    problems: list[str] = []
    sha, size = hashlib.sha256(), 0
    with open(points, "rb") as stream, blobs.draft() as draft:

        def write(data: bytes) -> None:
            nonlocal size
            sha.update(data)
            draft.write(data)
            size += len(data)

        names = pack_series(read_frames(stream, points, problems), write)
        os.fsync(
            draft.descriptor
        )  # the record is going to replace the points, so they must be there before it is
        draft.commit(blobs.path(sha.hexdigest()))
    found: dict[str, Json] = {"blob": {"sha256": sha.hexdigest(), "size": size}, "names": names}
    return found | ({"problems": problems} if problems else {})


def publish_left_behind(
    workspace: Workspace, folder: RunFolder, settings: Settings, *, failure: str | None = None
) -> Record:
    """Turn a run that was left without a record into one, from its journal.

    Its outputs are read as they are now, which the record says.

    Args:
        failure: how its command failed, where the journal does not know of that.

    Raises:
        StateError: its process is still at work.
        NotFoundError, CorruptError: there is no usable journal.
        OSError: the record cannot be written; the journal stays.
    """
    state = folder.state()
    if state.status == "running":
        raise StateError(
            f"Run {state.id} is still in progress (process {state.process.get('pid')}); let it publish itself."
        )
    if state.outcome == "completed":
        state.error = failure
    if not os.path.isdir(state.root):  # the workspace was moved since
        state.root = workspace.root
    place = os.path.dirname(os.path.dirname(folder.path))
    blobs, cache = LocalBlobs(os.path.join(place, "blobs")), DigestCache(os.path.join(place, "digests"))
    reader = FileReader(
        blobs,
        cache,
        Hashers(),
        keep_inputs=False,
        file_limit=settings["keep_file_limit"],
        run_limit=settings["keep_run_limit"],
    )
    record = assemble(
        state,
        inputs=changed_inputs(state, {}, reader),
        outputs=reader.read_all(locate_outputs(state), settings["keep_outputs"]),
        series=pack_points(folder.points_path, blobs),
        facts=state.surroundings,
        process=state.process,
        published=time.time(),
        notices=[
            "Published after its process had ended; outputs are as they were at the time of publishing."
        ],
    )
    folder.write_record(record)
    cache.save()
    workspace.touch(folder)
    return record
