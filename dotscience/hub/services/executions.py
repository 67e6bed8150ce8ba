"""Executions of `ds run`: taken in once a run of theirs is here, and found by the runs that name them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from ...errors import CorruptError
from ...records.record import Record
from ...records.values import Json
from ...runner.execution import STREAMS, Execution
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..store import executions, projects
from .contents import is_digest
from .intake import hold_parts

__all__ = ["LARGEST", "accept", "find", "of_run"]

LARGEST = 1 << 20
"""Bytes of a document: that is some twenty thousand runs."""

_ID = re.compile(r"[0-9A-Za-z._-]{1,100}")
_MOST = 1 << 45
"""Bytes and seconds of which no execution has more: a million years."""


def accept(hub: Hub, access: Access, execution: str, raw: bytes) -> bool:
    """Take in an execution that is over; whether it is new. What it printed must be here before it.

    Args:
        raw: its document, as docs/formats.md says.

    Raises:
        CorruptError: it is no such document.
        Problem: 409, content is missing, no run of it is here, or it differs from what is here.
    """
    sent = _read(execution, raw)

    def work(connection: Connection) -> bool:
        return _keep(connection, access, sent, hub.now(), hub.settings.limits.project)

    return hub.change(work)


def find(hub: Hub, access: Access, execution: str) -> Execution:
    """An execution of a project.

    Raises:
        Problem: 404, the project has none of that id, or no run of it any more.
    """

    def ask(connection: Connection) -> str | None:
        if not executions.has_run_here(connection, access.here.id, execution):
            return None
        return executions.find_execution(connection, access.here.id, execution)

    document = hub.read(ask)
    if document is None:
        raise Problem(404, f"There is no execution {execution[:100]!r} in this project.")
    return Execution.from_json(json.loads(document))


def of_run(hub: Hub, access: Access, record: Record) -> Execution | None:
    """The execution that a run of the project was part of; None where it was part of none, or that is not here."""
    named = record.process.get("execution")
    if not isinstance(named, str) or not _ID.fullmatch(named):
        return None
    document = hub.read(lambda connection: executions.find_execution(connection, access.here.id, named))
    if document is None:
        return None
    found = Execution.from_json(json.loads(document))
    return found if record.id in found.runs else None  # they name each other, or it is not the one


def _keep(connection: Connection, access: Access, sent: Execution, now: int, limit: int) -> bool:
    project, document = access.here.id, json.dumps(sent.to_json(), sort_keys=True)
    there = executions.find_execution(connection, project, sent.id)
    if there is not None:
        if there != document:
            raise Problem(
                409,
                f"The Hub holds another document of the execution {sent.id}. What has ended never changes.",
                "differs",
            )
        return False
    if not executions.published_among(connection, project, sent.runs):
        raise Problem(
            409,
            f"None of the {len(sent.runs)} runs of the execution {sent.id} is published in this project. Send them first.",
            "no-runs",
        )
    logs = [_digest(getattr(sent, name)) for name in STREAMS]
    hold_parts(connection, {each for each in logs if each is not None}, access, now, limit)
    executions.add_execution(
        connection, project, sent.id, document, runs=set(sent.runs), logs=logs, user=access.user.id, now=now
    )
    projects.touch(connection, project, now)
    return True


def _digest(kept: Mapping[str, Json] | None) -> str | None:
    return None if kept is None else str(kept["sha256"])


def _read(execution: str, raw: bytes) -> Execution:
    """The document as it is kept: fields that are not known here, and the runner's process, are left out."""
    try:
        wire = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise CorruptError("execution", "", f"not JSON ({error})") from None
    sent = Execution.from_json(wire)
    if sent.id != execution or not _ID.fullmatch(execution):
        raise CorruptError(
            "execution", "id", f"is {sent.id[:100]!r}, and the address says {execution[:100]!r}"
        )
    if (sent.ended is None) != (sent.exit_code is None):  # neither is known where `ds run` was killed
        raise CorruptError("execution", "ended", "and exit_code come together, or neither")
    for name in ("exit_code", "peak_memory", "wall", "cpu_user", "cpu_system"):
        _check_number(name, getattr(sent, name))
    for run in sent.runs:
        if not _ID.fullmatch(run):
            raise CorruptError("execution", "runs", f"{run[:100]!r} is no id of a run")
    return replace(sent, process={}, stdout=_kept("stdout", sent.stdout), stderr=_kept("stderr", sent.stderr))


def _check_number(name: str, value: float | None) -> None:
    if value is not None and not 0 <= value < _MOST:
        raise CorruptError("execution", name, f"{value!r:.40} is not from 0 to 2**45")


def _kept(name: str, said: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    if said is None:
        return None
    digest, size = said.get("sha256"), said.get("size")
    if not isinstance(digest, str) or not is_digest(digest) or type(size) is not int or not 0 <= size < _MOST:
        raise CorruptError("execution", name, 'must be {"sha256", "size"}')
    return {"sha256": digest, "size": size}


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")
