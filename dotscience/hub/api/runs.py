"""Runs: sent, found, looked at, annotated, deleted and restored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ...catalog.parts import code_files
from ..hub import Hub
from ..services import intake, listing, live, runs
from .answers import json_answer
from .body import read_body
from .etags import has_it, not_modified, tagged
from .here import CurrentAccess, CurrentHub, base_url
from .paging import Cursor
from .shapes import Annotation

__all__ = [
    "annotate_run",
    "append_journal",
    "append_points",
    "get_files",
    "get_record",
    "get_run",
    "journal_length",
    "list_deleted",
    "list_runs",
    "points_length",
    "put_record",
    "remove_run",
    "restore_run",
    "run_url",
]

_LARGEST_PIECE = 16 << 20

Offset = Annotated[int, Query(ge=0, le=1 << 50, description="Where these bytes begin in the file.")]


def run_url(request: Request, hub: Hub, project: str, run: str) -> str:
    """The address of a run's page."""
    return f"{base_url(request, hub)}/projects/{project}/runs/{run}"


def list_runs(
    request: Request,
    *,
    hub: CurrentHub,
    access: CurrentAccess,
    query: str = "",
    sort: Annotated[list[str] | None, Query(description="`started`, `-metric.accuracy`, …")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Cursor = None,
) -> Response:
    """The runs that a query fits, with who sent each, and when a run in progress was last heard of."""
    etag = listing.stamp(hub, access)
    if has_it(request, etag):
        return not_modified(etag)
    page = listing.listed(hub, access, query, sort=sort or ["-started"], limit=limit, after=cursor)
    found = [{**row, "url": run_url(request, hub, access.here.id, row["id"])} for row in page.to_json()]
    more = {"next": page.next, "count": page.count, "count_is_exact": page.count_is_exact}
    return tagged({"runs": found, **more}, etag)


def list_deleted(hub: CurrentHub, access: CurrentAccess) -> dict[str, Any]:
    """The runs of a project that were deleted and can be restored, the latest deleted first."""
    return {"runs": runs.deleted(hub, access)}


def get_run(request: Request, hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """Everything that is known of a run."""
    found = runs.find(hub, access, run).to_json()
    return json_answer(request, {**found, "url": run_url(request, hub, access.here.id, run)})


def get_files(request: Request, hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """The file versions that a run read (`inputs`), wrote (`outputs`) and was made of (`code`)."""
    record = runs.find(hub, access, run).record
    versions = {"inputs": record.inputs, "outputs": record.outputs, "code": code_files(record)}
    return json_answer(request, {role: [one.to_json() for one in found] for role, found in versions.items()})


def get_record(hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """A published run's record, byte for byte as it was sent."""
    return Response(runs.sealed(hub, access, run), media_type="application/json")


async def put_record(
    request: Request, response: Response, hub: CurrentHub, access: CurrentAccess, run: str
) -> dict[str, Any]:
    """Send a published run. Sending it again changes nothing."""
    raw = await read_body(request, hub.settings.limits.record, "limit_record")
    is_new = await run_in_threadpool(intake.accept, hub, access, run, raw)
    hub.metrics.runs.inc(is_new)
    response.status_code = 201 if is_new else 200
    return {"id": run, "is_new": is_new, "url": run_url(request, hub, access.here.id, run)}


def remove_run(hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """Delete a run; it can be restored for a while."""
    runs.remove(hub, access, run)
    return Response(status_code=204)


def restore_run(request: Request, hub: CurrentHub, access: CurrentAccess, run: str) -> dict[str, Any]:
    """Restore a deleted run."""
    runs.restore(hub, access, run)
    return {"id": run, "url": run_url(request, hub, access.here.id, run)}


def annotate_run(
    hub: CurrentHub, access: CurrentAccess, run: str, annotation: str, wanted: Annotation
) -> dict[str, Any]:
    """Tag a run, take a tag away, or add a note."""
    said = {kind: text for kind, text in wanted.model_dump().items() if text is not None}
    return runs.annotate(hub, access, run, said, annotation=annotation)


def journal_length(hub: CurrentHub, access: CurrentAccess, run: str) -> dict[str, int]:
    """How many bytes have come of the journal of a run in progress."""
    return {"length": live.length(hub, access, run, "journal")}


def points_length(hub: CurrentHub, access: CurrentAccess, run: str) -> dict[str, int]:
    """How many bytes have come of the points of a run in progress."""
    return {"length": live.length(hub, access, run, "points")}


async def append_journal(
    request: Request, hub: CurrentHub, access: CurrentAccess, run: str, offset: Offset
) -> dict[str, int]:
    """Send a piece of the journal of a run in progress. A piece may come twice."""
    data = await read_body(request, _LARGEST_PIECE, None)
    return {
        "length": await run_in_threadpool(live.append, hub, access, live.Piece(run, "journal", offset, data))
    }


async def append_points(
    request: Request, hub: CurrentHub, access: CurrentAccess, run: str, offset: Offset
) -> dict[str, int]:
    """Send a piece of the points of a run in progress. A piece may come twice."""
    data = await read_body(request, _LARGEST_PIECE, None)
    return {
        "length": await run_in_threadpool(live.append, hub, access, live.Piece(run, "points", offset, data))
    }
