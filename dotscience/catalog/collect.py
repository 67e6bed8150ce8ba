"""Makes records of run blocks: of those in saved notebooks and logs, and of those that a command prints.

A block names files and says nothing of what they held. Unless somebody looked at them in time (`Look`), the record
says of each file that only its name is known.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ..errors import CorruptError, NotFoundError
from ..records.files import FileVersion, is_url
from ..records.record import Record
from ..records.times import parse_block_time, utc
from ..records.values import Json, stored
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace, relative_path
from .block_stream import BlockStream, Found

__all__ = ["OUTCOMES", "Collected", "Look", "Source", "collect", "only_named", "take_block"]

OUTCOMES: Mapping[str, str] = {
    "recorded": "the run has a record now",
    "known": "the run was here before and was left alone",
    "unusable": "no record could be made of the block",
}

Look = Callable[[str, str, "float | None"], FileVersion]
"""Given a block's path, the role `input` or `output`, and the latest time (seconds since the Unix epoch) at which the
file was surely still what the run saw, or None: the version to record."""

_BLOCK_VERSION = "1"
_USABLE_ID = re.compile(r"(?!None$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Collected:
    """What became of one block.

    Attributes:
        outcome: a key of `OUTCOMES`; `reason` says more where it is `unusable`.
    """

    run: str
    source: str
    outcome: str
    reason: str = ""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Source:
    """Where a block was found.

    Attributes:
        name: for messages and the record's notice.
        notebook: path of the notebook that holds it, relative to the workspace root.
        execution: id of the execution whose command printed it.
    """

    name: str
    notebook: str | None = None
    execution: str | None = None


def only_named(path: str, role: str, moment: float | None) -> FileVersion:
    """The version of a file that nobody has looked at."""
    return FileVersion(path, unseen="reference" if is_url(path) else "named")


def collect(file: str, workspace: Workspace) -> Iterator[Collected]:
    """Make records of the run blocks in a notebook (`.ipynb`) or in any text, which is read piece by piece.

    A run that the workspace already knows is left alone, so collecting twice changes nothing.

    Raises:
        NotFoundError: there is no such file.
        CorruptError: it is called a notebook but is none.
        OSError: it cannot be read, or the workspace not be written.

    Example:
        >>> list(collect("train.log", Workspace.find()))
        [Collected(run='7f3c…', source='train.log', outcome='recorded', reason='')]
    """
    if not os.path.isfile(file):
        raise NotFoundError(f"There is no file {file}.")
    notebook = None
    if file.endswith(".ipynb"):
        notebook = relative_path(file, workspace.root)
    for found in _in_text(file) if notebook is None else _in_notebook(file):
        yield take_block(found, Source(file, notebook), workspace)


def take_block(
    found: Found,
    source: Source,
    workspace: Workspace,
    *,
    look: Look = only_named,
    clock: Callable[[], float] = time.time,
) -> Collected:
    """Make a record of one block, unless the workspace knows its run already.

    Args:
        look: gives the versions of its files.
        clock: seconds since the Unix epoch.

    Raises:
        UnwritableError, OSError: the workspace cannot be written.
    """
    if found.metadata is None:
        return Collected(found.run, source.name, "unusable", found.problem)
    if not _USABLE_ID.fullmatch(found.run):
        reason = "its id is no name that a run can have: letters, digits, '.', '_' and '-'"
        return Collected(found.run, source.name, "unusable", reason)
    folders = [RunFolder(os.path.join(place, "runs", found.run)) for place in workspace.places]
    if any(folder.is_there() for folder in folders):
        return Collected(found.run, source.name, "known")
    try:
        record = _record(found.run, found.metadata, source, workspace.root, look)
    except (TypeError, ValueError) as error:
        return Collected(found.run, source.name, "unusable", str(error))
    folder = RunFolder(os.path.join(workspace.prepare(), "runs", found.run))
    os.makedirs(folder.path, exist_ok=True)
    if source.execution is not None:
        workspace.note_held(source.execution, found.run)
    folder.write_record(replace(record, published=utc(clock())))
    workspace.touch(folder)
    return Collected(found.run, source.name, "recorded")


def _in_text(file: str) -> Iterator[Found]:
    blocks = BlockStream()
    with open(file, "rb") as stream:
        while data := stream.read(_AT_ONCE):
            yield from blocks.feed(data)
    yield from blocks.finish()


def _in_notebook(file: str) -> Iterator[Found]:
    """The blocks in the outputs of each cell, once each: a cell's card and its text may hold the same."""
    seen = set()
    for cell in _cells(file):
        blocks = BlockStream()
        printed = "".join(map(_printed, cell.get("outputs", ())))
        for found in (*blocks.feed(printed.encode("utf-8", "surrogatepass")), *blocks.finish()):
            if found.run not in seen:
                seen.add(found.run)
                yield found


def _cells(file: str) -> list[Any]:
    import warnings

    import nbformat

    try:
        with open(file, encoding="utf-8") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about cells without an id, which are no trouble here
            return list(nbformat.read(stream, as_version=4).cells)  # type: ignore[no-untyped-call]
    except OSError:
        raise
    except Exception as error:  # nbformat has no common base for what it raises
        reason = str(error).partition("\n")[0]
        raise CorruptError(
            file, "", f"is no notebook ({reason:.120}); if it is a log, give it another name than *.ipynb"
        ) from None


def _printed(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "stream":
        return str(output.get("text", ""))
    data = output.get("data")
    return str(data.get("text/plain", "")) + "\n" if isinstance(data, dict) else ""


# From a block to a record


def _record(run: str, block: Mapping[str, Any], source: Source, root: str, look: Look) -> Record:
    """The record of a block, as if it were published at the Unix epoch.

    Raises:
        TypeError, ValueError: the block is not of version 1; names the field.
    """
    if block.get("version") != _BLOCK_VERSION:
        raise ValueError(f"version: {block.get('version')!r} is not known here; this dotscience reads '1'")
    started, ended = _time(block, "start"), _time(block, "end")
    error = _optional_text(block, "error")
    workload_file = _optional_text(block, "workload-file")
    code = {"notebook": {"path": source.notebook, "found_by": "collected"}} if source.notebook else {}
    mode = "interactive" if source.notebook else None
    known = (
        "nothing else is known of the run"
        if look is only_named
        else "its files are as they were when the block was read"
    )
    return Record(
        id=run,
        status="completed" if error is None else "failed",
        published=utc(0),
        started=started,
        ended=ended,
        mode="script" if workload_file is not None else mode,
        workload_file=workload_file,
        description=_optional_text(block, "description"),
        error=error,
        labels=_values(block, "labels"),
        parameters=_values(block, "parameters"),
        metrics=_values(block, "summary"),
        inputs=_versions(block, "input", started, look),
        outputs=_versions(block, "output", ended, look),
        workspace={"root": root},
        process={"execution": source.execution} if source.execution else {},
        code=code,
        notices=(f"Collected from the run block in {source.name}; {known}.",),
    )


def _versions(
    block: Mapping[str, Any], role: str, moment: datetime | None, look: Look
) -> tuple[FileVersion, ...]:
    paths = block.get(role, [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise TypeError(f"{role}: must be a list of paths")
    seconds = None if moment is None else moment.timestamp()
    return tuple(look(path, role, seconds) for path in sorted(set(paths)))


def _values(block: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = block.get(name, {})
    if not isinstance(values, dict):
        raise TypeError(f"{name}: must be an object")
    return {key: stored(value) for key, value in values.items()}


def _time(block: Mapping[str, Any], name: str) -> datetime | None:
    written = _optional_text(block, name)
    try:
        return None if written is None else parse_block_time(written)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _optional_text(block: Mapping[str, Any], name: str) -> str | None:
    value = block.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name}: must be a text, not {value!r:.40}")
    return value
