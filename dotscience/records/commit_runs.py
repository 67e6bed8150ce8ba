"""Between commit metadata (see commit.py) and records."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from .commit import CommitMetadata, RunMetadata
from .files import FileVersion
from .record import ARTEFACT, Record
from .times import block_time
from .values import Json, Stored, text

__all__ = ["commit_metadata", "last_model", "parsed_value", "record_of"]

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf|nan", re.IGNORECASE)
_MODES = {"remote": "remote", "jupyter": "interactive", "command": "script"}
_LONGEST = 400
"""Digits that a number has at most: of longer ones only the text is kept."""


def parsed_value(written: str) -> Stored:
    """The value that a text most likely was: a number or a boolean where it reads like one. Its `text` is the one given.

    Example:
        >>> parsed_value("0.5"), parsed_value("0.50"), parsed_value("adam")
        (0.5, {'type': 'float', 'text': '0.50', 'value': 0.5}, 'adam')
    """
    if written in ("True", "False"):
        return written == "True"
    if len(written) > _LONGEST or not _NUMBER.fullmatch(written):
        return written
    if written.lstrip("+-").isdigit():
        whole = int(written)
        value: int | float = whole if -(1 << 63) <= whole < 1 << 63 else float(written)
    else:
        value = float(written)
    kind = type(value).__name__
    if not math.isfinite(value):
        return {"type": kind, "text": written}
    return value if str(value) == written else {"type": kind, "text": written, "value": value}


def record_of(
    commit: CommitMetadata,
    run: RunMetadata,
    *,
    outputs: Sequence[FileVersion],
    published: datetime,
    notices: Sequence[str] = (),
) -> Record:
    """The record of a run that a commit holds.

    Args:
        outputs: its output files, as far as they were found.
    """
    inputs = {
        file.filename: FileVersion(file.filename, unseen="named") for file in run.inputs if file.filename
    }
    return Record(
        id=run.id,
        status="completed" if run.error is None else "failed",
        published=published,
        started=run.start or commit.start,
        ended=run.end or commit.end,
        mode=_MODES.get(run.authority) or _MODES.get(commit.workload_type),
        workload_file=run.workload_file or None,
        description=run.description or None,
        error=run.error,
        labels=run.labels,
        parameters={name: parsed_value(value) for name, value in run.parameters.items()},
        metrics={name: parsed_value(value) for name, value in run.metrics.items()},
        inputs=tuple(inputs[path] for path in sorted(inputs)),
        outputs=tuple(outputs),
        workspace={"host": commit.runner_name} if commit.runner_name else {},
        environment=_environment(commit),
        notices=tuple(notices),
    )


def last_model(run: RunMetadata) -> str | None:
    """Name of the model that was registered last: 0.8.7 builds and deploys that one."""
    names = [name[len(ARTEFACT) :] for name in run.labels if name.startswith(ARTEFACT)]
    return names[-1] if names else None


def commit_metadata(record: Record, author: str) -> dict[str, str]:
    """A record as commit metadata says it, for those who read runs as commits."""
    run = f"run.{record.id}."
    times = {"start": record.started, "end": record.ended}
    said = {
        "author": author,
        "type": "dotscience.run.v1",
        "message": record.error or record.description or "",
        "workload.type": {mode: kind for kind, mode in _MODES.items()}.get(record.mode or "", ""),
        "runs": json.dumps([record.id]),
        **{f"exec.{name}": block_time(moment) for name, moment in times.items() if moment is not None},
        "exec.logs": "[]",
        "runner.name": str(record.workspace.get("host") or ""),
        "runner.platform": str(record.environment.get("platform") or ""),
        run + "version": "1",
        run + "authority": "remote" if record.mode == "remote" else "workload",
        run + "workload-file": record.workload_file or "",
        **{f"{run}{name}": block_time(moment) for name, moment in times.items() if moment is not None},
        run + "input-files": json.dumps(sorted({version.path for version in record.inputs})),
        run + "output-files": json.dumps(sorted({version.path for version in record.outputs})),
        **_named(run + "label.", record.labels),
        **_named(run + "parameters.", record.parameters),
        **_named(run + "summary.", record.metrics),
    }
    optional = {"description": record.description, "error": record.error}
    return said | {run + name: value for name, value in optional.items() if value is not None}


def _named(prefix: str, values: Mapping[str, Stored]) -> dict[str, str]:
    return {prefix + name: text(value) for name, value in values.items()}


def _environment(commit: CommitMetadata) -> dict[str, Json]:
    platform = " ".join(part for part in (commit.runner_platform, commit.runner_platform_version) if part)
    cpu = {"model": commit.runner_cpus[0], "count": len(commit.runner_cpus)} if commit.runner_cpus else None
    known = {
        "platform": platform or None,
        "cpu": cpu,
        "ram": commit.runner_ram if commit.runner_ram >= 0 else None,
        "gpus": [{"name": name} for name in commit.runner_gpus] or None,
        "argv": list(commit.workload_command) or None,
        "variables": dict(commit.workload_environment) or None,
    }
    return {name: value for name, value in known.items() if value is not None}
