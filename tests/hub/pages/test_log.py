"""The log on the page of a run: what a command printed and cost, escaped and within bounds, whatever it printed."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from ..sending import NOW, Live, record, send, upload
from .html import html_of
from .study import MARKUP

if TYPE_CHECKING:
    from ...hub_server import Person, RunningHub

AWAITED = "is sent when it has ended"


def send_execution(
    person: Person, project: str, stdout: bytes | None = None, stderr: bytes | None = None, **fields: Any
) -> None:
    """Send what `ds run` executed: it held the run 7f3c."""
    said = {
        "execution": 1, "id": "5d0b", "command": ["python", "train.py"], "directory": "/", "runs": ["7f3c"],
        "started": NOW.isoformat(), "ended": NOW.isoformat(), "exit_code": 0, **fields,
    }  # fmt: skip
    for name, data in (("stdout", stdout), ("stderr", stderr)):
        if data is not None:
            said[name] = {"sha256": upload(person, project, data), "size": len(data)}
    answer = person.put(f"/api/projects/{project}/executions/5d0b", json=said)
    assert answer.status_code == 201, answer.text


def sent(hub: RunningHub, stdout: bytes | None = None, stderr: bytes | None = None, **fields: Any) -> str:
    """The id of a project with the run 7f3c, which was part of an execution."""
    project = hub.project(hub.admin).id
    send(hub.admin, project, record(process={"execution": "5d0b"}))
    send_execution(hub.admin, project, stdout, stderr, **fields)
    return project


def shown(hub: RunningHub, project: str) -> str:
    """The section of the page."""
    text = html_of(hub.admin.get(f"/projects/{project}/runs/7f3c"))
    found = re.search(r'<section id="log".*?</section>', text, re.DOTALL)
    assert found
    return found[0]


def printed(section: str) -> list[str]:
    """The texts of the outputs that a fragment shows."""
    return [html.unescape(each) for each in re.findall(r"<pre[^>]*>(.*?)</pre>", section, re.DOTALL)]


def test_what_the_command_printed_and_cost_is_shown(hub: RunningHub) -> None:
    costs = {"wall": 61.0, "cpu_user": 30.0, "cpu_system": 2.0, "peak_memory": 3 << 20}
    section = shown(hub, sent(hub, b"out\n", b"err\n", exit_code=137, signal="SIGKILL", **costs))
    for words in ("137 (SIGKILL)", "1 min 1 s", "30.0 s user, 2.0 s system", "3.0 MiB"):
        assert words in section
    assert printed(section) == ["out\n", "err\n"]
    assert section.count('download="stdout.log"') == section.count('download="stderr.log"') == 1
    assert "Show all" not in section and AWAITED not in section


def test_a_command_that_printed_nothing_says_so(hub: RunningHub) -> None:
    section = shown(hub, sent(hub, b"", b""))
    assert "It printed nothing." in section and printed(section) == []


def test_a_run_that_was_part_of_no_execution_has_no_log(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record())
    assert "<h2>Log" not in shown(hub, project)


def test_a_log_that_has_not_come_is_awaited(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    Live(hub.admin, project, "8a4d")
    assert "<h2>Log" not in html_of(hub.admin.get(f"/projects/{project}/runs/8a4d"))
    send(hub.admin, project, record(process={"execution": "5d0b"}))
    assert AWAITED in shown(hub, project)


@pytest.mark.parametrize("named", [5, "other", ["5d0b"], "\ud800", "x" * 1000, {"5d0b": 1}])
def test_a_record_may_name_anything_as_its_execution(hub: RunningHub, named: Any) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record(process={"execution": named}))
    assert AWAITED in shown(hub, project)


def test_a_run_has_the_log_only_of_an_execution_that_names_it(hub: RunningHub) -> None:
    project = sent(hub, b"mine\n")
    send(hub.admin, project, record("8a4d", process={"execution": "5d0b"}))
    assert "mine" not in html_of(hub.admin.get(f"/projects/{project}/runs/8a4d"))


def test_markup_and_control_characters_do_nothing(hub: RunningHub) -> None:
    nasty = MARKUP.encode() + b"\x1b[31mred\x1b[0m\x07 \x00 \xff \xe2\x80\xae backwards\n"
    section = shown(hub, sent(hub, nasty, signal=MARKUP))
    assert MARKUP not in section and "\x1b" not in section
    assert printed(section) == [f"{MARKUP}red\\x07 \\x00 \ufffd \\u202e backwards\n"]


def test_of_a_progress_bar_its_end_is_shown(hub: RunningHub) -> None:
    bar = b"".join(b"\r%3d%%|%s|" % (count, b"#" * count) for count in range(101))
    assert printed(shown(hub, sent(hub, stderr=bar + b"\ndone\n"))) == [f"100%|{'#' * 100}|\ndone\n"]


def test_of_a_long_log_the_last_lines_are_shown_and_the_rest_comes_in_pieces(hub: RunningHub) -> None:
    lines = [f"line {number}: ∞" for number in range(50_000)]
    project = sent(hub, "\n".join([*lines, ""]).encode())
    section = shown(hub, project)
    assert printed(section)[0].splitlines() == lines[-200:]
    (address,) = re.findall(r'data-all="([^"]+)"', section)
    pieces = []
    while address:
        fragment = html_of(hub.admin.get(address))
        assert len(fragment) < 300 * 1024
        pieces += printed(fragment)
        address = next(iter(re.findall(r'data-all="([^"]+)"', fragment)), "")
    assert len(pieces) > 2
    assert "".join(pieces).splitlines() == lines


@pytest.mark.parametrize("character", ["x", "é", "∞", "💩"])
def test_a_line_without_an_end_is_cut_between_characters(hub: RunningHub, character: str) -> None:
    text = "a" + character * 300_000
    project = sent(hub, text.encode())
    assert "\ufffd" not in printed(shown(hub, project))[0]
    address, pieces = f"/projects/{project}/executions/5d0b/stdout", []
    while address:
        fragment = html_of(hub.admin.get(address))
        pieces += printed(fragment)
        address = next(iter(re.findall(r'data-all="([^"]+)"', fragment)), "")
    assert "".join(pieces) == text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("5d0b/stdout?start=3", 416),
        ("5d0b/stdout?start=-1", 422),
        ("5d0b/stdout?start=x", 422),
        ("5d0b/stderr", 404),
        ("5d0b/password", 422),
        ("none/stdout", 404),
    ],
)
def test_what_is_not_there_is_said(hub: RunningHub, path: str, status: int) -> None:
    project = sent(hub, b"ok\n")
    assert hub.admin.get(f"/projects/{project}/executions/{path}").status_code == status


def test_content_that_has_gone_leaves_the_page_whole(hub: RunningHub) -> None:
    project = sent(hub, b"ok\n")
    for entry in list(hub.hub.blobs.entries()):
        hub.hub.blobs.delete(entry.digest)
    assert "not on this Hub any more" in shown(hub, project)
