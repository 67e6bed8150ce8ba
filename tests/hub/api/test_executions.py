"""Executions of `ds run` as they are sent: checked, kept once, and with what they printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ..sending import NOW, record, send, upload

if TYPE_CHECKING:
    from ...hub_server import RunningHub

MISSING = "ab" * 32


def document(**changes: Any) -> dict[str, Any]:
    """What `ds run` writes when a command has ended."""
    said: dict[str, Any] = {
        "execution": 1,
        "id": "5d0b",
        "command": ["python", "train.py"],
        "directory": "/home/ada/study",
        "started": NOW.isoformat(),
        "ended": NOW.isoformat(),
        "exit_code": 0,
        "wall": 1.5,
        "runs": ["7f3c"],
    }
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def put(hub: RunningHub, project: str, said: Any, execution: str = "5d0b") -> Any:
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    return hub.admin.put(f"/api/projects/{project}/executions/{execution}", data=raw)


@pytest.fixture
def project(hub: RunningHub) -> str:
    """A project with the run 7f3c."""
    made = hub.project(hub.admin).id
    send(hub.admin, made, record(process={"execution": "5d0b"}))
    return made


def test_an_execution_is_kept_once(hub: RunningHub, project: str) -> None:
    first, again = put(hub, project, document()), put(hub, project, document(unknown="field"))
    assert (first.status_code, first.json()) == (201, {"id": "5d0b", "is_new": True})
    assert (again.status_code, again.json()) == (200, {"id": "5d0b", "is_new": False})
    told = hub.admin.get(f"/api/projects/{project}/executions/5d0b").json()
    assert (told["exit_code"], told["wall"], told["runs"]) == (0, 1.5, ["7f3c"])
    assert "unknown" not in told


def test_what_has_ended_never_changes(hub: RunningHub, project: str) -> None:
    put(hub, project, document())
    other = put(hub, project, document(exit_code=1))
    assert (other.status_code, other.json()["reason"]) == (409, "differs")
    assert hub.admin.get(f"/api/projects/{project}/executions/5d0b").json()["exit_code"] == 0


def test_what_it_printed_comes_first(hub: RunningHub, project: str) -> None:
    said = document(stdout={"sha256": MISSING, "size": 3})
    answer = put(hub, project, said)
    assert (answer.status_code, answer.json()["reason"]) == (409, "missing-blobs")
    assert answer.json()["missing"] == [MISSING]
    said = document(stdout={"sha256": upload(hub.admin, project, b"ok\n"), "size": 3})
    assert put(hub, project, said).status_code == 201


def test_what_was_printed_to_another_project_is_taken_over_by_who_may_see_it(
    hub: RunningHub, project: str
) -> None:
    digest = upload(hub.admin, hub.project(hub.admin, "other").id, b"ok\n")
    assert put(hub, project, document(stdout={"sha256": digest, "size": 3})).status_code == 201
    assert hub.admin.get(f"/api/projects/{project}/blobs/{digest}").content == b"ok\n"


@pytest.mark.parametrize("runs", [[], ["unknown"]])
def test_an_execution_without_a_run_here_is_not_taken(hub: RunningHub, project: str, runs: list[str]) -> None:
    answer = put(hub, project, document(runs=runs))
    assert (answer.status_code, answer.json()["reason"]) == (409, "no-runs")


def test_a_deleted_run_takes_its_log_with_it_and_brings_it_back(hub: RunningHub, project: str) -> None:
    put(hub, project, document())
    here = f"/api/projects/{project}"
    hub.admin.delete(f"{here}/runs/7f3c")
    assert hub.admin.get(f"{here}/executions/5d0b").status_code == 404
    hub.admin.post(f"{here}/runs/7f3c/restore")
    assert hub.admin.get(f"{here}/executions/5d0b").status_code == 200


def test_a_project_goes_with_its_executions(hub: RunningHub, project: str) -> None:
    put(hub, project, document())
    assert hub.admin.delete(f"/api/projects/{project}").status_code == 204


def test_two_projects_may_have_runs_of_one_execution(hub: RunningHub, project: str) -> None:
    put(hub, project, document())
    other = hub.project(hub.admin, "other").id
    send(hub.admin, other, record("8a4d"))
    assert put(hub, other, document(runs=["7f3c", "8a4d"])).status_code == 201


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        json.dumps(document()).replace("1.5", "NaN").encode(),
        json.dumps(document()).replace("1.5", "1e999").encode(),
        json.dumps(document()).replace("1.5", "9" * 5000).encode(),
        json.dumps(document()).replace("1.5", "9" * 400).encode(),
        document(execution=2),
        document(id="other"),
        document(id=5),
        document(ended=None),
        document(exit_code=None),
        document(exit_code=True),
        document(exit_code=-1),
        document(exit_code=1 << 60),
        document(wall=-1.0),
        document(wall="1"),
        document(peak_memory=1 << 80),
        document(started="yesterday"),
        document(started="0001-01-01T00:00:00+23:59"),
        document(command="python train.py"),
        document(command=[1]),
        document(runs="7f3c"),
        document(runs=["7f3c", "a b"]),
        document(runs=["7f3c", "\ud800"]),
        document(runs=["7f3c", "x" * 101]),
        document(directory=None),
        document(stdout=[]),
        document(stdout={}),
        document(stdout={"sha256": "../../etc/passwd", "size": 1}),
        document(stdout={"sha256": MISSING.upper(), "size": 1}),
        document(stdout={"sha256": MISSING, "size": -1}),
        document(stdout={"sha256": MISSING, "size": True}),
        document(stderr={"sha256": [MISSING], "size": 1}),
    ],
)
def test_what_is_no_execution_is_refused_and_leaves_nothing(hub: RunningHub, project: str, said: Any) -> None:
    answer = put(hub, project, said)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert hub.admin.get(f"/api/projects/{project}/executions/5d0b").status_code == 404


def test_a_document_of_more_than_a_mebibyte_is_refused(hub: RunningHub, project: str) -> None:
    assert put(hub, project, document(directory="x" * (1 << 20))).status_code == 413


@pytest.mark.parametrize("execution", ["a%20b", "%2E%2E", "x" * 101, "%F0%9F%92%A9"])
def test_an_id_that_no_link_can_hold_is_refused(hub: RunningHub, project: str, execution: str) -> None:
    answer = put(hub, project, document(), execution)
    assert answer.status_code in (404, 405, 422), answer.text


def test_texts_of_any_kind_come_back_as_they_were_sent(hub: RunningHub, project: str) -> None:
    words = ["python", "\ud800", "nul \0", "\x1b[31m", "<script>"]
    assert put(hub, project, document(command=words)).status_code == 201
    assert hub.admin.get(f"/api/projects/{project}/executions/5d0b").json()["command"] == words
