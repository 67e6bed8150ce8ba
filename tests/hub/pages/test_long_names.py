"""Names as long as the Hub takes them: no page becomes wider than its screen, and none is without its buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..browser import screenshots, signed_in
from ..sending import kept, record, send, sent_series

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub

LONG = "long" * 50
"""Nothing in it where a line could be broken."""


def test_long_names_widen_no_page(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin, LONG).id
    here = f"/projects/{project}"
    hub.admin.patch(f"/api{here}", json={"description": LONG})
    hub.admin.post(f"/api{here}/views", json={"name": LONG[:100], "settings": {}})
    for run, number in (("a" * 100, 1.5), ("b" * 100, 1e-300)):
        sent = record(
            run,
            description=LONG,
            workload_file=LONG,
            error=LONG,
            status="failed",
            parameters={LONG: LONG + run},
            metrics={LONG: number},
            labels={LONG: LONG},
            outputs=(kept(hub.admin, project, LONG, run.encode()),),
            series=sent_series(hub.admin, project, {LONG: [number, 1.0, 123456789.0]}),
            environment={"argv": ["python", LONG + run]},
        )
        send(hub.admin, project, sent)
        annotation = f"/api{here}/runs/{run}/annotations/00000000-0000-4000-8000-00000000000{run[0]}"
        hub.admin.put(annotation, json={"tag": LONG})
    signed_in(page, hub.admin)
    both = f"run={'a' * 100}&run={'b' * 100}"
    pages = {
        "home": "/",
        "runs": f"{here}/runs",
        "run": f"{here}/runs/{'a' * 100}",
        "compare": f"{here}/compare?{both}",
        "files": f"{here}/files",
        "lineage": f"{here}/lineage?run={'a' * 100}",
        "search": "/search?q=long",
        "settings": f"{here}/settings",
    }
    for name, address in pages.items():
        page.goto(address)
        screenshots(page, f"long-{name}")
    page.goto(f"{here}/runs?chart=scatter&x=started&y=metric.{LONG}")
    page.locator("#chart .main-svg").first.wait_for()
    screenshots(page, "long-chart")
