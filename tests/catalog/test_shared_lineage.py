"""Lineage as a Hub asks for it, on each database: by digest, by path, by run; no disk is looked at."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, event

from dotscience.catalog.disk import STATES
from dotscience.catalog.lineage import Lineage, lineage_of_digest, lineage_of_path, lineage_of_run
from dotscience.catalog.listing import find_runs
from dotscience.catalog.neighbours import neighbours
from dotscience.catalog.shared_writing import forget_runs, write_runs
from dotscience.errors import AmbiguousError, ArgumentError, NotFoundError
from dotscience.records.files import FileVersion

if TYPE_CHECKING:
    from conftest import Team


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def chain(team: Team) -> list[str]:
    """raw.csv → clean.csv → model.pkl → plot.png, each in a project of its own but the first two."""
    return [
        team.run("one", inputs={"raw.csv": b"raw"}, outputs={"clean.csv": b"clean", "log": b"log"}),
        team.run("one", inputs={"clean.csv": b"clean"}, outputs={"model.pkl": b"model"}, parameters={"n": 3}),
        team.run("two", inputs={"in/model.pkl": b"model"}, outputs={"plot.png": b"plot"}),
    ]


def runs_of(lineage: Lineage) -> list[tuple[str, int]]:
    return [(step.run, step.depth) for step in lineage.steps]


def test_upstream_of_a_run_is_what_made_its_inputs(team: Team) -> None:
    prepare, train, score = chain(team)
    place = team.seen_by("one", "two")
    found = lineage_of_run(place, score)
    assert (found.asked, found.truncated) == (score, False)
    assert runs_of(found) == [(score, 0), (train, 1), (prepare, 2)]
    assert [(file.path, file.made_by, file.producers) for file in found.files] == [("plot.png", score, 1)]
    assert [step.workspace for step in found.steps] == ["two", "one", "one"]
    first, second, _ = found.steps
    assert [(file.path, file.workspace, file.made_by) for file in first.inputs] == [
        ("in/model.pkl", "two", train)
    ]
    assert second.parameters == {"n": 3}
    assert [file.path for file in second.outputs] == ["model.pkl"]


def test_downstream_of_a_run_is_what_was_made_from_its_outputs(team: Team) -> None:
    prepare, train, score = chain(team)
    place = team.seen_by("one", "two")
    found = lineage_of_run(place, prepare, direction="down")
    assert runs_of(found) == [(prepare, 0), (train, 1), (score, 2)]
    assert [(file.path, file.used_by) for file in found.files] == [("clean.csv", (train,)), ("log", ())]
    assert [file.path for file in found.steps[0].inputs] == ["raw.csv"]
    assert runs_of(lineage_of_run(place, score, direction="down")) == [(score, 0)]


def test_a_run_without_files_has_itself_as_its_lineage(team: Team) -> None:
    run = team.run("one")
    for direction in ("up", "down"):
        found = lineage_of_run(team.seen_by("one"), run, direction=direction)
        assert (runs_of(found), found.files, found.truncated) == ([(run, 0)], (), False)


def test_a_run_that_reads_what_it_wrote_and_a_circle_come_to_an_end(team: Team) -> None:
    own = team.run("one", inputs={"log": b"log"}, outputs={"log": b"log"})
    one = team.run("one", inputs={"b": b"b"}, outputs={"a": b"a"})
    other = team.run("one", inputs={"a": b"a"}, outputs={"b": b"b"})
    place = team.seen_by("one")
    for direction in ("up", "down"):
        assert runs_of(lineage_of_run(place, own, direction=direction)) == [(own, 0)]
        assert runs_of(lineage_of_run(place, one, direction=direction)) == [(one, 0), (other, 1)]


def test_by_digest_or_its_beginning(team: Team) -> None:
    prepare, train, score = chain(team)
    place = team.seen_by("one", "two")
    for digest in (sha(b"model"), sha(b"model")[:8]):
        assert runs_of(lineage_of_digest(place, digest)) == [(train, 0), (prepare, 1)]
        assert runs_of(lineage_of_digest(place, digest, direction="down")) == [(score, 0)]
    with pytest.raises(NotFoundError, match="No run has read or written"):
        lineage_of_digest(place, sha(b"model")[:7])
    twins = team.facts()
    twins.inputs = [FileVersion(name, "deadbeef" + name * 56, 1) for name in "ab"]
    team.catalog.write(lambda connection: write_runs(connection, [(twins, "one")]))
    with pytest.raises(AmbiguousError, match="2 digests begin with deadbeef"):
        lineage_of_digest(place, "deadbeef")


def test_by_path_means_its_latest_version_in_that_project(team: Team) -> None:
    _, train, _ = chain(team)
    again = team.run("one", outputs={"model.pkl": b"a newer model"})
    copy = team.run("two", outputs={"model.pkl": b"another model"})
    around = team.seen_by("one", "two")
    found = lineage_of_path(around, team.seen_by("one"), "model.pkl")
    assert (runs_of(found), found.files[0].workspace) == ([(again, 0)], "one")
    assert runs_of(lineage_of_path(around, team.seen_by("two"), "model.pkl")) == [(copy, 0)]
    (folder,) = lineage_of_path(around, team.seen_by("two"), "in/").files
    assert (folder.path, folder.made_by) == ("in/model.pkl", train)
    for path in ("", "/", "mod", "model.pkl/", "in/model", "\0", "\udce9"):
        with pytest.raises(NotFoundError):
            lineage_of_path(around, team.seen_by("one"), path)


def test_nothing_is_said_of_a_disk(team: Team) -> None:
    _, _, score = chain(team)
    unseen = team.facts(outputs={"made": b"made"})
    unseen.inputs = [FileVersion("s3://bucket/x", unseen="reference")]
    team.catalog.write(lambda connection: write_runs(connection, [(unseen, "one")]))
    found = lineage_of_run(team.seen_by("one", "two"), score)
    assert {file.state for step in found.steps for file in (*step.inputs, *step.outputs)} == {"elsewhere"}
    assert {file.state for file in found.files} == {"elsewhere"}
    (step,) = lineage_of_run(team.seen_by("one"), unseen.id).steps
    assert [file.state for file in step.inputs] == ["unknown"]
    assert {"elsewhere", "unknown"} <= STATES.keys()
    assert json.loads(json.dumps(found.to_json()))["steps"][0]["run"] == score


def test_depth_and_number_of_runs_can_be_limited(team: Team) -> None:
    _, train, score = chain(team)
    place = team.seen_by("one", "two")
    near = lineage_of_run(place, score, depth=1)
    assert (runs_of(near), near.truncated) == ([(score, 0)], True)
    assert near.steps[0].inputs[0].made_by == train
    whole = lineage_of_run(place, score, depth=3)
    assert (len(whole.steps), whole.truncated) == (3, False)
    few = lineage_of_digest(place, sha(b"plot"), most=2)
    assert (runs_of(few), few.truncated) == ([(score, 0), (train, 1)], True)
    assert lineage_of_digest(place, sha(b"raw"), direction="down", depth=1).truncated


@pytest.mark.parametrize("direction", ["up", "down"])
def test_lineage_is_of_one_moment(team: Team, direction: str) -> None:
    prepare, train, score = chain(team)
    start, *others = (score, train, prepare) if direction == "up" else (prepare, train, score)
    place, statements = team.seen_by("one", "two"), list[str]()

    def change(connection: Connection, cursor: object, statement: str, *rest: object) -> None:
        is_first = not statements and not statement.startswith("BEGIN")
        if statements or is_first:
            statements.append(statement)
        if is_first:
            team.catalog.write(lambda other: forget_runs(other, [score, train, prepare]))
            for _ in range(3):  # under the same keys
                team.run("secret", inputs={"clean.csv": b"clean"}, outputs={"secret.csv": b"secret"})

    event.listen(team.catalog.engine, "after_cursor_execute", change)
    found = lineage_of_run(place, start, direction=direction)
    assert len(statements) > 1
    assert [step.run for step in found.steps] == [start, *others]


def test_the_number_of_files_can_be_limited_too(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dotscience.catalog.tracing._FILES_OF_RUN", 3)
    team.run("one", inputs={f"raw/{number}": bytes([number]) for number in range(5)}, outputs={"a": b"a"})
    place = team.seen_by("one")
    few = lineage_of_digest(place, sha(b"a"), most=1)
    assert ([file.path for file in few.steps[0].inputs], few.truncated) == (
        ["raw/0", "raw/1", "raw/2", "raw/3"],
        True,
    )
    whole = lineage_of_digest(place, sha(b"a"), most=2)
    assert (len(whole.steps[0].inputs), whole.truncated) == (5, False)
    assert len(lineage_of_digest(place, sha(b"a")).steps[0].inputs) == 5


def test_of_a_file_that_very_many_runs_read_the_newest_are_told(team: Team) -> None:
    readers = [team.run("one", inputs={"raw.csv": b"raw", "copy.csv": b"raw"}) for _ in range(6)]
    place, newest = team.seen_by("one"), readers[::-1]
    wide = lineage_of_digest(place, sha(b"raw"), direction="down", most=3)
    assert ([step.run for step in wide.steps], wide.truncated) == (newest[:2], True)
    assert wide.files[0].used_by == tuple(newest[:2])
    maker = team.run("one", outputs={"raw.csv": b"raw"})
    assert neighbours(maker, [place], most=2) == ((), tuple(newest[:2]))
    assert neighbours(maker, [place]) == ((), tuple(newest))
    whole = lineage_of_digest(place, sha(b"raw"), direction="down", most=12)
    assert (whole.files[0].used_by, whole.truncated) == (tuple(newest), False)


def test_empty_files_are_joined_under_the_same_path_of_the_same_project_only(team: Team) -> None:
    maker = team.run("one", inputs={"raw": b"raw"}, outputs={"done": b"", "other": b""})
    same = team.run("one", inputs={"done": b""}, outputs={"a": b"a"})
    foreign = team.run("two", inputs={"done": b""}, outputs={"b": b"b"})
    elsewhere = team.run("one", inputs={"not done": b""}, outputs={"c": b"c"})
    place = team.seen_by("one", "two")
    assert runs_of(lineage_of_run(place, same)) == [(same, 0), (maker, 1)]
    for run in (foreign, elsewhere):
        assert runs_of(lineage_of_run(place, run)) == [(run, 0)]
    assert runs_of(lineage_of_run(place, maker, direction="down")) == [(maker, 0), (same, 1)]
    assert {row.id for row in find_runs(place, 'upstream("raw")').rows} == {maker, same}
    assert {row.id for row in find_runs(place, 'downstream("a")').rows} == {maker, same}
    assert neighbours(same, [place]) == ((), ())


def test_of_several_that_wrote_the_same_bytes_the_last_before_the_reading_counts(team: Team) -> None:
    team.run("one", outputs={"a": b"same"})
    second = team.run("two", outputs={"b": b"same"})
    reader = team.run("one", inputs={"a": b"same"}, outputs={"c": b"c"})
    third = team.run("two", outputs={"b": b"same"})
    found = lineage_of_run(team.seen_by("one", "two"), reader)
    assert [(file.producers, file.made_by) for file in found.steps[0].inputs] == [(3, second)]
    alone = lineage_of_run(team.seen_by("one"), reader)
    assert [file.producers for file in alone.steps[0].inputs] == [1]
    assert runs_of(lineage_of_digest(team.seen_by("two"), sha(b"same"))) == [(third, 0)]


def test_a_long_way(team: Team) -> None:
    runs = [team.run("p0", outputs={"0": b"0"})]
    for number in range(1, 40):
        runs.append(
            team.run(f"p{number % 3}", inputs={"x": b"%d" % (number - 1)}, outputs={"y": b"%d" % number})
        )
    place = team.seen_by("p0", "p1", "p2")
    assert [step.run for step in lineage_of_run(place, runs[-1]).steps] == runs[::-1]
    assert [step.run for step in lineage_of_run(place, runs[0], direction="down").steps] == runs


@pytest.mark.parametrize("direction", ["", "UP", "sideways"])
def test_a_direction_that_is_none(team: Team, direction: str) -> None:
    run = team.run("one", outputs={"a": b"a"})
    place = team.seen_by("one")
    with pytest.raises(ArgumentError, match="`up` or `down`"):
        lineage_of_run(place, run, direction=direction)
    with pytest.raises(ArgumentError, match="`up` or `down`"):
        lineage_of_digest(place, sha(b"a"), direction=direction)
