"""The chart library comes from the installed package; browsers keep it, and ask whether our scripts are still the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...hub_server import RunningHub


def test_the_library_is_sent_once(hub: RunningHub) -> None:
    first = hub.nobody.get("/static/plotly.min.js")
    assert first.status_code == 200
    assert first.headers["content-type"].startswith("text/javascript")
    assert "max-age=604800" in first.headers["cache-control"]
    assert b"plotly.js" in first.content[:200]
    again = hub.nobody.get("/static/plotly.min.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_script_is_asked_for_each_time_and_sent_when_it_changed(hub: RunningHub) -> None:
    first = hub.nobody.get("/static/js/base.js")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = hub.nobody.get("/static/js/base.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
