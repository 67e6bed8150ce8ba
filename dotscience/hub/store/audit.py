"""Who changed what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from .tables import audit, users

__all__ = ["Change", "changes_of", "note_change"]


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        at: microseconds since the Unix epoch.
        user: name of who made it; None for whoever runs the Hub.
        project: id of the one that it is about, or None.
    """

    at: int
    user: str | None
    project: str | None
    action: str
    subject: str
    detail: dict[str, Any]


def note_change(
    connection: Connection,
    now: int,
    user: str | None,
    action: str,
    subject: str,
    *,
    project: str | None = None,
    **detail: Any,
) -> None:
    """Note a change in the transaction that makes it."""
    connection.execute(
        insert(audit).values(
            at=now, user=user, project=project, action=action, subject=subject, detail=json.dumps(detail)
        )
    )


def changes_of(connection: Connection, project: str | None, limit: int | None) -> Sequence[Change]:
    """The latest changes of a project, or with None of everything on the Hub, the newest first."""
    wanted = (
        select(audit.c.at, users.c.name, audit.c.project, audit.c.action, audit.c.subject, audit.c.detail)
        .outerjoin(users, users.c.id == audit.c.user)
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    if project is not None:
        wanted = wanted.where(audit.c.project == project)
    return [
        Change(at, user, about, action, subject, json.loads(detail))
        for at, user, about, action, subject, detail in connection.execute(wanted)
    ]
