"""Runs side by side over the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dotscience.records.files import FileVersion

from ..sending import Live, kept, record, send, upload

if TYPE_CHECKING:
    from ...hub_server import RunningHub

A, B = "a" * 64, "b" * 64


def compared(hub: RunningHub, *runs: dict[str, Any]) -> Any:
    """What the API says of runs with those fields."""
    project = hub.project(hub.admin).id
    names = [f"run{number}" for number in range(len(runs))]
    for name, fields in zip(names, runs, strict=True):
        send(hub.admin, project, record(name, **fields))
    answer = hub.admin.get(f"/api/projects/{project}/compare", params={"run": names})
    assert answer.status_code == 200, answer.text
    return answer.json()


def lines(section: Any) -> dict[str, tuple[list[Any], bool]]:
    return {line["name"]: (line["values"], line["differs"]) for line in section["lines"]}


def test_values_stand_side_by_side_and_what_differs_comes_first(hub: RunningHub) -> None:
    found = compared(
        hub,
        {"parameters": {"a": 1, "rate": 0.1}},
        {"parameters": {"a": 1, "rate": 0.2}},
        {"parameters": {"a": 1}},
    )
    parameters = found["values"][1]
    assert [line["name"] for line in parameters["lines"]] == ["rate", "a"]
    assert lines(parameters) == {"rate": ([0.1, 0.2, None], True), "a": ([1, 1, 1], False)}


def test_values_of_other_types_differ(hub: RunningHub) -> None:
    found = compared(hub, {"parameters": {"n": 1, "m": 2}}, {"parameters": {"n": True, "m": 2.0}})
    assert [differs for _, differs in lines(found["values"][1]).values()] == [True, True]


def test_files_differ_by_their_content(hub: RunningHub) -> None:
    found = compared(
        hub,
        {"inputs": (FileVersion("raw.csv", A, 1), FileVersion("same.csv", A, 1))},
        {"inputs": (FileVersion("raw.csv", B, 1), FileVersion("same.csv", A, 1))},
    )
    assert lines(found["files"][0]) == {"raw.csv": ([A, B], True)}


def test_code_and_packages_differ_from_the_first_run(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for run, rate, version in (("one", "1", "2.0"), ("two", "2", "2.1"), ("three", "1", "2.0")):
        packages = f'{{"numpy": "{version}", "pandas": "2.2"}}'.encode()
        send(
            hub.admin,
            project,
            record(
                run,
                code={
                    "workload": kept(hub.admin, project, "train.py", f"rate = {rate}\n".encode()).to_json()
                },
                environment={"packages": {"sha256": upload(hub.admin, project, packages)}},
            ),
        )
    found = hub.admin.get(f"/api/projects/{project}/compare", params={"run": ["one", "two", "three"]}).json()
    assert list(found["sources"]) == ["two"]
    assert found["sources"]["two"][0]["diff"][-2:] == ["-rate = 1", "+rate = 2"]
    assert lines(found["packages"]) == {"numpy": (["2.0", "2.1", "2.0"], True)}


def test_a_run_in_progress_opens_no_content_of_others(hub: RunningHub) -> None:
    bob = hub.person("bob")
    secret = upload(hub.admin, hub.project(hub.admin).id, b"secret = 1\n")
    theirs = hub.project(bob, "other").id
    for run, digest in (("one", secret), ("two", A)):
        workload = {"path": "x.py", "sha256": digest, "size": 11, "kept": True}
        Live(bob, theirs, run).say(["surroundings", {"code": {"workload": workload}}])
    answer = bob.get(f"/api/projects/{theirs}/compare?run=one&run=two")
    assert answer.status_code == 200
    assert "secret =" not in answer.text
    assert answer.json()["sources"]["two"][0]["note"].startswith("it differs; how is not known")


def test_runs_of_several_projects_are_compared_by_who_may_view_them(hub: RunningHub) -> None:
    here, there = hub.project(hub.admin, "here").id, hub.project(hub.admin, "there").id
    for project, run, rate in ((here, "one", 1), (there, "two", 2)):
        code = kept(hub.admin, project, "train.py", f"rate = {rate}\n".encode())
        send(hub.admin, project, record(run, code={"workload": code.to_json()}, parameters={"rate": rate}))
    bob = hub.person("bob")
    hub.admin.put(f"/api/projects/{here}/members/bob", json={"role": "viewer"})
    asked = {"params": {"run": ["one", "two"]}}
    found = hub.admin.get(f"/api/projects/{here}/compare", **asked).json()
    assert found["projects"] == {"one": here, "two": there}
    assert lines(found["values"][1]) == {"rate": ([1, 2], True)}
    assert found["sources"]["two"][0]["diff"][-2:] == ["-rate = 1", "+rate = 2"]
    for person, expected in ((bob, 404), (hub.with_key(hub.admin, project=here), 404), (hub.admin, 200)):
        for address in (f"/api/projects/{here}/compare", f"/projects/{here}/compare"):
            assert person.get(address, **asked).status_code == expected


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([], 422),
        (["7f3c"], 422),
        (["7f3c", "7f3c"], 422),
        ([str(n) for n in range(21)], 422),
        (["7f3c", "x"], 404),
    ],
)
def test_a_wrong_choice_of_runs_is_answered_precisely(hub: RunningHub, runs: list[str], status: int) -> None:
    project = hub.project(hub.admin).id
    send(hub.admin, project, record())
    for address in (f"/api/projects/{project}/compare", f"/projects/{project}/compare"):
        assert hub.admin.get(address, params={"run": runs}).status_code == status


def test_many_sources_are_compared_until_there_were_enough_lines(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dotscience.hub.services.compare._MOST_LINES", 3)
    project = hub.project(hub.admin).id
    for run in ("one", "two", "three", "four"):
        code = {
            "workload": kept(hub.admin, project, "train.py", f"run = {run!r}\n".encode()).to_json(),
            "cells": [{"source": run, "count": 1}],
        }
        send(hub.admin, project, record(run, code=code))
    asked = {"run": ["one", "two", "three", "four"]}
    found = hub.admin.get(f"/api/projects/{project}/compare", params=asked).json()["sources"]
    told = [(len(each["diff"]) > 0, each["note"]) for sources in found.values() for each in sources]
    assert told[:2] == [(True, "")] * 2
    assert set(told[2:]) == {(False, "it differs; it is not compared, because so much else is")}
    assert [each["what"] for each in found["four"]] == ["train.py", "cells"]


def test_long_sources_are_not_compared_for_minutes(hub: RunningHub) -> None:
    cells = [
        {"source": "\n".join(f"x{number} = {run}" for number in range(30_000)), "count": 1} for run in (1, 2)
    ]
    found = compared(hub, {"code": {"cells": cells[:1]}}, {"code": {"cells": cells[1:]}})
    assert "it is not compared" in found["sources"]["run1"][0]["note"]
