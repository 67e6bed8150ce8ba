"""A real Chromium that looks at the Hub's pages, and what every page is held to.

    def test_a_page(hub: RunningHub, page: Page) -> None:
        signed_in(page, hub.admin)
        page.goto("/projects/…")
        assert_accessible(page)
        screenshots(page, "run")

The fixture `page` (conftest.py) has the Hub's address as its base, collects what goes wrong in the browser, and fails the
test at its end where something did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from dotscience.hub.gate import COOKIE
from dotscience.hub.services import accounts

if TYPE_CHECKING:
    from ..hub_server import Person, RunningHub

__all__ = [
    "SCREENSHOTS",
    "assert_accessible",
    "expect_faults",
    "loading",
    "opened",
    "running_chromium",
    "screenshots",
    "signed_in",
    "wait_until",
]

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {1280: 900, 390: 844}
"""Widths that every page is looked at in, with the height of such a screen; CSS pixels."""

_TALLEST = 2000
"""Pixels of a page that a screenshot shows."""

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def running_chromium(program: str) -> Iterator[Browser]:
    """A browser. While it runs, this thread counts as one with an event loop, so `asyncio.run` is refused in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, hub: RunningHub) -> Iterator[Page]:
    """A page of a fresh profile; at the end nothing may have gone wrong in it."""
    context = browser.new_context(
        base_url=hub.url, viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    faults = _watched(page)
    page.__dict__["_faults"], page.__dict__["_hub"] = faults, hub
    try:
        yield page
        assert not faults, "\n".join(faults)
    finally:
        context.close()


def _watched(page: Page) -> list[str]:
    faults: list[str] = []
    page.on(
        "console",
        lambda said: faults.append(f"console: {said.text}") if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on(
        "requestfailed",
        # what a reader leaves behind is broken off; that is no fault
        lambda asked: (
            None
            if "ERR_ABORTED" in (asked.failure or "")
            else faults.append(f"failed: {asked.url} {asked.failure}")
        ),
    )
    page.on(
        "response", lambda said: faults.append(f"{said.status}: {said.url}") if said.status >= 400 else None
    )
    return faults


def expect_faults(page: Page, pattern: str) -> None:
    """Faults that the test means to cause: there must be one that the pattern is found in, and all such are forgotten."""
    faults: list[str] = page.__dict__["_faults"]
    found = [fault for fault in faults if re.search(pattern, fault)]
    assert found, f"no fault fits {pattern!r}: {faults}"
    faults[:] = [fault for fault in faults if fault not in found]


def signed_in(page: Page, person: Person) -> Page:
    """The page, with a session of that person."""
    hub: RunningHub = page.__dict__["_hub"]
    assert person.user is not None and person.key is not None
    cookie, _ = accounts.sign_in(hub.hub, person.user.name, person.key, "127.0.0.1")
    page.context.clear_cookies()
    page.context.add_cookies(
        [{"name": COOKIE, "value": cookie, "url": hub.url, "httpOnly": True, "sameSite": "Lax"}]
    )
    return page


@contextmanager
def loading(page: Page) -> Iterator[None]:
    """What is done inside makes the page load again, or another one; it has loaded at the end."""
    with page.expect_event("load"):
        yield


def wait_until(page: Page, expression: str, arg: object = None) -> None:
    """Wait until an expression of JavaScript is true. Not `page.wait_for_function`, whose later looks our CSP refuses."""
    for _ in range(600):
        if page.evaluate(expression, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never came to be: {expression}")


def assert_accessible(page: Page) -> None:
    """No serious or critical violation of axe's rules, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        bad = [
            f"{scheme}: {one['id']} ({one['impact']}): {one['help']}: {[node['html'][:200] for node in one['nodes'][:4]]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert not bad, "\n".join(bad)
    page.emulate_media(color_scheme="light")


def screenshots(page: Page, name: str) -> None:
    """Write `build/screenshots/NAME-WIDTH-light|dark.png`, and hold the page to its width: nothing makes it scroll sideways."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(150)  # charts follow the width and the colours
            seen = min(page.evaluate("document.documentElement.scrollHeight"), _TALLEST)
            clip = {"x": 0, "y": 0, "width": width, "height": seen}
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True, clip=clip)  # type: ignore[arg-type]
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide on a screen of {width} px"
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
