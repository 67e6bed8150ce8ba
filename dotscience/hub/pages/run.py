"""The page of a run, and what it loads when a reader opens it: files, sources, previews, packages."""

from __future__ import annotations

from typing import Literal

from fastapi import Request, Response

from ...catalog.parts import packages_of
from ...catalog.row import Row
from ...errors import CorruptError
from ..api.blobs import blob_response
from ..api.here import CurrentAccess, CurrentHub
from ..api.previews import FileName
from ..hub import Hub
from ..problems import Problem
from ..services import blobs, executions, logs, previews, runs
from ..services.contents import contents_of, image_type
from ..services.neighbours import known_runs
from . import highlight, words
from .log_view import log_view
from .render import page
from .run_view import files_of, view

__all__ = [
    "show_image",
    "show_packages",
    "show_preview",
    "show_run",
    "show_run_files",
]

SILENT = 90_000_000
"""Microseconds after which a run in progress counts as not heard from."""

_MOST_LISTED = 5000
_LARGEST_LIST = 4 << 20


def show_run(request: Request, hub: CurrentHub, access: CurrentAccess, run: str) -> Response:
    """A run."""
    found = runs.find(hub, access, run)
    shown = view(found)
    silent = found.heard is not None and hub.now() - found.heard > SILENT
    execution = executions.of_run(hub, access, found.record)
    made_from, used_by = known_runs(hub, access, found.made_from, found.used_by)
    return page(
        request,
        "run.html",
        access,
        twin=f"/api/projects/{access.here.id}/runs/{found.id}",
        shown=shown,
        run=found,
        record=found.record,
        silent=silent and found.record.status == "running",
        now=hub.now(),
        made_from=made_from,
        used_by=used_by,
        name_of=_name_of,
        source=highlight.sources(),
        log=log_view(
            found.record, execution, [] if execution is None else logs.logs_of(hub, access, execution)
        ),
    )


def _name_of(row: Row) -> str:
    """What a run is called where it stands among others."""
    return words.brief(row.description or row.workload_file or row.id[:8], 60)


def show_run_files(
    request: Request, hub: CurrentHub, access: CurrentAccess, run: str, role: Literal["inputs", "outputs"]
) -> Response:
    """All files of one role."""
    record = runs.find(hub, access, run).record
    files = files_of(role, record.inputs if role == "inputs" else record.outputs, _MOST_LISTED)
    return page(request, "run_files.html", access, files=files, run_id=run)


def show_preview(
    request: Request, hub: CurrentHub, access: CurrentAccess, digest: str, name: FileName = ""
) -> Response:
    """What is in a file."""
    found = previews.preview(hub, access, digest, name)
    return page(
        request,
        "preview.html",
        access,
        twin=f"/api/projects/{access.here.id}/blobs/{digest}/preview",
        preview=found,
        digest=digest,
        name=name,
        source=highlight.sources(),
        changes=highlight.changes,
    )


def show_image(request: Request, hub: CurrentHub, access: CurrentAccess, digest: str) -> Response:
    """A picture; content that is none of the kinds that cannot hold scripts is not given."""
    blobs.size_of(hub, access, digest)
    media_type = _picture_type(hub, digest)
    answer = blob_response(request, hub, access, digest, media_type=media_type)
    answer.headers["Content-Disposition"] = "inline"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _picture_type(hub: Hub, digest: str) -> str:
    with hub.blobs.open(digest) as stream:
        media_type = image_type(stream.read(16))
    if media_type is None:
        raise Problem(415, "Only PNG, JPEG, GIF and WebP pictures are shown. The file can be downloaded.")
    return media_type


def show_packages(
    request: Request,
    hub: CurrentHub,
    access: CurrentAccess,
    run: str,
) -> Response:
    """The distributions that were installed."""
    record = runs.find(hub, access, run).record
    try:
        found = packages_of(record, contents_of(hub, access.here.id, _LARGEST_LIST)) or {}
    except (CorruptError, RecursionError):
        found = {}
    listed = [
        (words.visible(name[:200]), words.visible(version[:200])) for name, version in sorted(found.items())
    ]
    return page(request, "packages.html", access, packages=listed[:_MOST_LISTED])
