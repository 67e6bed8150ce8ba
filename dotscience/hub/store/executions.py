"""Executions of `ds run` as they were sent, and which runs each held."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Select, delete, insert, select

from ...catalog.database import in_parts
from .tables import execution_runs, executions, records

__all__ = [
    "add_execution",
    "digests_of_logs",
    "find_execution",
    "forget_executions",
    "has_run_here",
    "published_among",
]


def find_execution(connection: Connection, project: str, execution: str) -> str | None:
    """The document, JSON, of an execution that a project has."""
    wanted = select(executions.c.document)
    wanted = wanted.where(executions.c.project == project, executions.c.id == execution)
    document: str | None = connection.execute(wanted).scalar()
    return document


def add_execution(
    connection: Connection,
    project: str,
    execution: str,
    document: str,
    *,
    runs: Collection[str],
    logs: Sequence[str | None],
    user: str,
    now: int,
) -> None:
    """Keep an execution; an IntegrityError where the project has it.

    Args:
        logs: digests of stdout and stderr.
    """
    stdout, stderr = logs
    row = {"project": project, "id": execution, "document": document, "stdout": stdout, "stderr": stderr}
    connection.execute(insert(executions).values({**row, "user": user, "received": now}))
    held = [{"project": project, "execution": execution, "run": run} for run in runs]
    connection.execute(insert(execution_runs), held)


def published_among(connection: Connection, project: str, runs: Collection[str]) -> set[str]:
    """Those of the runs whose record the project has and shows."""
    found: set[str] = set()
    for part in in_parts(runs):
        wanted = select(records.c.run).where(records.c.run.in_(part), records.c.project == project)
        found.update(connection.execute(wanted.where(records.c.deleted.is_(None))).scalars())
    return found


def has_run_here(connection: Connection, project: str, execution: str) -> bool:
    """Whether a run that the execution held is published in the project, and not deleted."""
    wanted = _named().where(execution_runs.c.execution == execution, execution_runs.c.project == project)
    return connection.execute(wanted.where(records.c.deleted.is_(None)).limit(1)).first() is not None


def digests_of_logs(connection: Connection, project: str, doomed: Collection[str] = ()) -> set[str]:
    """What executions printed, as long as the project has a run of theirs, deleted or not.

    Args:
        doomed: runs that do not count.
    """
    wanted = _named().add_columns(executions.c.stdout, executions.c.stderr)
    wanted = wanted.join(
        executions,
        (executions.c.project == execution_runs.c.project) & (executions.c.id == execution_runs.c.execution),
    ).where(execution_runs.c.project == project)
    found: set[str] = set()
    for run, *logs in connection.execute(wanted):
        if run not in doomed:
            found.update(digest for digest in logs if digest is not None)
    return found


def forget_executions(connection: Connection, runs: Collection[str]) -> None:
    """Drop the executions that held some of these runs, as far as no run of theirs is left."""
    of_these = select(execution_runs.c.execution).where(
        execution_runs.c.project == executions.c.project, execution_runs.c.run.in_(runs)
    )
    left = _named().where(
        execution_runs.c.project == executions.c.project, execution_runs.c.execution == executions.c.id
    )
    connection.execute(
        delete(executions).where(executions.c.id.in_(of_these), ~left.correlate(executions).exists())
    )


def _named() -> Select[tuple[str]]:
    """Runs that executions name, as far as the project of both has them."""
    return select(execution_runs.c.run).join(
        records,
        (records.c.run == execution_runs.c.run) & (records.c.project == execution_runs.c.project),
    )
