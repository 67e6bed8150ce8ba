"""A person and a script meet at the Hub: the script publishes with the real library, the person watches in Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from .browser import assert_accessible, screenshots

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from ..hub_server import RunningHub

TRAIN = """
import sys, time
from pathlib import Path
import dotscience as ds

ds.connect(sys.argv[1], sys.argv[2], "tides", sys.argv[3])
ds.start("fit the tides")
rate = ds.parameter("rate", float(sys.argv[4]))
Path(ds.input("tides.csv")).read_text()
for step in range(int(sys.argv[5])):
    ds.log({"loss": 1 / (1 + step * rate)}, step=step)
    if len(sys.argv) > 6 and step == 20:
        print("logged", flush=True)
        sys.stdin.readline()
Path(ds.output("fit.txt")).write_text(f"rate {rate}")
ds.metric("error", 1 / rate)
print(ds.publish("fit the tides").url)
"""


def train(hub: RunningHub, folder: Path, rate: float, *, waits: bool = False) -> subprocess.Popen[str]:
    """The script, on another machine as far as it knows: in a folder and a home of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "tides.csv").write_text("high,low\n4,1\n5,2\n")
    assert hub.admin.user is not None
    arguments = [
        hub.admin.user.name,
        str(hub.admin.key),
        hub.url,
        str(rate),
        "40",
        *(["waits"] if waits else []),
    ]
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(script: subprocess.Popen[str]) -> str:
    """Let the script end; the address of the run that it published."""
    said, _ = script.communicate("go on\n", timeout=60)
    assert script.returncode == 0
    return said.split()[-1]


def test_a_run_is_watched_compared_and_traced(hub: RunningHub, page: Page, tmp_path: Path) -> None:
    first = finish(train(hub, tmp_path / "one", 0.5))
    assert first.startswith(f"{hub.url}/projects/")

    page.goto("/")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password or API key").fill(str(hub.admin.key))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="tides").first.click()
    page.locator("tr[data-run]").first.wait_for()
    assert page.locator("tr[data-run]").count() == 1

    script = train(hub, tmp_path / "two", 2.0, waits=True)
    assert script.stdout is not None
    assert script.stdout.readline() == "logged\n"
    page.locator("tr[data-run]", has_text="running").wait_for(timeout=20_000)
    page.locator("tr[data-run]", has_text="running").get_by_role("link").click()
    page.locator(".js-plotly-plot").first.wait_for()
    second = finish(script)
    page.get_by_text("completed").first.wait_for(timeout=20_000)
    page.get_by_text("fit.txt").first.wait_for()
    assert_accessible(page)
    screenshots(page, "journey-run")

    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("button", name="metric error").click()
    page.locator('th[data-column="metric.error"][aria-sort="descending"]').wait_for()
    rows = [row.get_attribute("data-run") for row in page.locator("tr[data-run]").all()]
    assert rows == [first.rpartition("/")[2], second.rpartition("/")[2]]
    page.get_by_role("combobox", name="Query").fill("metric.error < 1")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tr[data-run]")).to_have_count(1)

    page.get_by_role("combobox", name="Query").fill("")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tr[data-run]")).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare?*")
    page.get_by_text("rate").first.wait_for()
    screenshots(page, "journey-compare")

    page.goto(f"{first}")
    page.get_by_role("link", name="Lineage").first.click()
    page.locator(".box.asked").wait_for()
    assert page.locator(".box.file", has_text="tides.csv").count() == 1
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin")
    assert page.goto("/settings") is not None
    assert page.url.endswith("/signin?next=%2Fsettings")
