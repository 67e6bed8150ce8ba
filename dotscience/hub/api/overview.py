"""What somebody sees first, what changed in a project, and one's own password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response

from ..gate import address_of
from ..hub import Hub
from ..services import accounts, audit, listing
from ..store.recent import RecentRun, Sender
from ..times import iso_of
from .etags import has_it, not_modified, tagged
from .here import CurrentAccess, CurrentHub
from .projects import project_json
from .runs import run_url
from .shapes import PasswordChange

__all__ = ["change_own_password", "list_changes", "overview"]


def overview(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """Up to 100 projects that you may view, the latest runs in them, those in progress, and those of a week that failed."""
    etag = listing.overview_stamp(hub, access.asker)
    if has_it(request, etag):
        return not_modified(etag)
    found = listing.overview(hub, access.asker)
    said: dict[str, Any] = {
        "projects": project_json(request, hub, found.projects),
        "projects_in_all": found.projects_in_all,
    }
    for name in ("running", "failed", "recent"):
        said[name] = _runs_json(request, hub, getattr(found, name), found.senders)
    return tagged(said, etag)


def _runs_json(
    request: Request, hub: Hub, runs: Sequence[RecentRun], senders: Mapping[str, Sender]
) -> list[dict[str, Any]]:
    return [
        {
            "id": run.id,
            "project": run.project,
            "status": run.status,
            "started": None if run.started is None else iso_of(run.started),
            "duration": run.duration,
            "description": run.description,
            "error": run.error,
            "user": senders[run.id].user if run.id in senders else None,
            "url": run_url(request, hub, run.project, run.id),
        }
        for run in runs
    ]


def list_changes(
    hub: CurrentHub, access: CurrentAccess, limit: Annotated[int, Query(ge=1, le=audit.MOST_CHANGES)] = 100
) -> dict[str, Any]:
    """Who changed what in a project, the newest first."""
    return {
        "changes": [
            {
                "at": iso_of(change.at),
                "user": change.user,
                "action": change.action,
                "subject": change.subject,
                "detail": change.detail,
            }
            for change in audit.changes(hub, access, limit)
        ]
    }


def change_own_password(
    request: Request, hub: CurrentHub, access: CurrentAccess, wanted: PasswordChange
) -> Response:
    """Set your password. It ends all your sessions: sign in again."""
    accounts.change_own_password(hub, access, wanted.old, wanted.new, address_of(request))
    return Response(status_code=204)
