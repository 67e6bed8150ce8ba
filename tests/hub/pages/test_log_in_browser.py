"""The log of a run in a real browser: read to its end, piece by piece, and without anything in it at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..browser import assert_accessible, screenshots, signed_in, wait_until
from ..sending import Live, record, send
from .study import MARKUP
from .test_log import send_execution, sent

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ...hub_server import RunningHub


def test_a_log_is_read_from_its_end_and_then_from_its_beginning(hub: RunningHub, page: Page) -> None:
    lines = "".join(f"epoch {number}: loss {1 / (1 + number):.6f}\n" for number in range(20_000))
    warning = f"\x1b[33mwarning:\x1b[0m {MARKUP}\n"
    costs = {"wall": 61.0, "cpu_user": 30.0, "cpu_system": 2.0, "peak_memory": 300 << 20}
    project = sent(hub, lines.encode(), warning.encode(), **costs)
    signed_in(page, hub.admin)
    page.goto(f"/projects/{project}/runs/7f3c")
    log = page.locator("#log")
    assert log.get_by_label("End of stdout").inner_text().splitlines()[-1].startswith("epoch 19999:")
    end = "document.querySelector('#log pre[data-tail]')"
    wait_until(page, f"{end}.scrollTop > 0 && {end}.scrollTop + {end}.clientHeight >= {end}.scrollHeight - 2")
    assert log.get_by_label("All of stderr").inner_text() == f"warning: {MARKUP}\n"
    assert_accessible(page)
    screenshots(page, "run-log")
    log.get_by_role("button", name="Show all of stdout").click()
    log.locator("pre", has_text="epoch 0: loss 1.000000").wait_for()
    while (more := log.get_by_role("button", name="Show the next")).count():
        shown = log.locator("pre").count()
        more.click()
        log.locator("pre").nth(shown).wait_for()
    assert "epoch 19999:" in log.locator("#stdout-shown pre").last.inner_text()
    assert_accessible(page)
    with page.expect_download() as saved:
        log.get_by_role("link", name="Download stdout").click()
    assert saved.value.suggested_filename == "stdout.log"
    assert saved.value.path().read_text() == lines


def test_a_log_comes_to_a_page_that_is_open(hub: RunningHub, page: Page) -> None:
    project = hub.project(hub.admin).id
    Live(hub.admin, project, "7f3c")
    signed_in(page, hub.admin)
    page.goto(f"/projects/{project}/runs/7f3c")
    page.locator("#run[data-published=false]").wait_for()
    send(hub.admin, project, record(process={"execution": "5d0b"}))
    page.locator("#log", has_text="is sent when it has ended").wait_for()
    send_execution(hub.admin, project, b"printed\n")
    page.locator("#log pre", has_text="printed").wait_for()
