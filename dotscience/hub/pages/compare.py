"""The page that shows runs side by side."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response

from ...catalog.rows import micros
from ...records.record import Record
from ..access import Access
from ..api.compare import Runs
from ..api.here import CurrentAccess, CurrentHub
from ..hub import Hub
from ..services import compare, projects
from ..services.compare import Comparison, Line
from . import highlight, words
from .render import page
from .run_view import clipped

__all__ = ["show_comparison"]

_MOST_LINES = 5000
"""Of one diff."""


def show_comparison(request: Request, hub: CurrentHub, access: CurrentAccess, run: Runs = None) -> Response:
    """Runs side by side; a run may also be named by the address of its page."""
    found = compare.compare(hub, access, [each.strip().rstrip("/").rpartition("/")[2] for each in run or []])
    asked = "&".join(f"run={quote(each.id, safe='')}" for each in found.runs)
    return page(
        request,
        "compare.html",
        access,
        twin=f"/api/projects/{access.here.id}/compare?{asked}",
        found=found,
        names={each.id: _name(each) for each in found.runs},
        projects=_projects(hub, access, found),
        most_runs=compare.MOST_RUNS,
        charted=_charted(found),
        said=_said,
        digests=_digests,
        changes=lambda lines: highlight.changes(list(lines[:_MOST_LINES])),
        most_lines=_MOST_LINES,
    )


def _name(record: Record) -> str:
    return words.brief(record.description or record.workload_file or record.id, 60)


def _projects(hub: Hub, access: Access, found: Comparison) -> list[tuple[str, str]]:
    """The id and the name of each run's project; empty where all runs are of the project of the page."""
    if set(found.projects.values()) == {access.here.id}:
        return []
    known = {each.id: each.name for each in [*projects.listed(hub, access.asker), access.here]}
    return [(here, known.get(here, here)) for here in (found.projects[run.id] for run in found.runs)]


def _charted(found: Comparison) -> list[dict[str, object]]:
    """What charts need to know of the runs; `begun` is in milliseconds since the Unix epoch."""
    return [
        {
            "id": run.id,
            "project": found.projects[run.id],
            "label": run.id[:8],
            "place": place,
            "begun": (micros(run.started) or 0) // 1000,
        }
        for place, run in enumerate(found.runs)
    ]


def _said(line: Line) -> list[str]:
    """The values of a line as texts."""
    return [clipped(value, 500)[0] + ("…" if clipped(value, 500)[1] else "") for value in line.values]


def _digests(line: Line) -> list[str]:
    """The digests of a line, or the words that say why there are none."""
    shown = []
    for value in line.values:
        parts = [part[:8] if len(part) == 64 else part[:20] for part in str(value).split()[:3]]
        shown.append("" if value is None else words.visible(" ".join(parts)))
    return shown
