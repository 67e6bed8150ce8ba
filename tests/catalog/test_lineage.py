"""Where a file came from and what was made from it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from dotscience.catalog.lineage import File, Lineage, impact, why
from dotscience.errors import AmbiguousError, NotFoundError
from dotscience.records.files import FileVersion
from dotscience.testing import fresh_recorder

if TYPE_CHECKING:
    from conftest import Study


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def chain(study: Study) -> list[str]:
    """raw.csv → clean.csv → model.pkl and plot.png, all on disk."""
    study.write("raw.csv", b"raw")
    return [
        study.publish(inputs={"raw.csv": b"raw"}, outputs={"clean.csv": b"clean"}, on_disk=True),
        study.publish(
            inputs={"clean.csv": b"clean"},
            outputs={"model.pkl": b"model"},
            on_disk=True,
            parameters={"n": 3},
            environment={"argv": ["train.py", "--n", "3 and more"]},
            git={"commit": "abc", "dirty": True},
        ),
        study.publish(
            inputs={"model.pkl": b"model", "clean.csv": b"clean"}, outputs={"plot.png": b"plot"}, on_disk=True
        ),
    ]


def runs_of(lineage: Lineage) -> list[str]:
    return [step.run for step in lineage.steps]


def test_why_goes_back_to_raw_data(study: Study) -> None:
    prepare, train, score = chain(study)
    found = why("plot.png", workspace=study.workspace)
    (plot,) = found.files
    assert plot == File(
        "plot.png", str(study.root), digest(b"plot"), 4, state="unchanged", producers=1, made_by=score
    )
    assert [(step.run, step.depth) for step in found.steps] == [(score, 0), (train, 1), (prepare, 1)]
    step = found.step(train)
    assert step is not None
    assert (step.command, step.commit, step.dirty) == ("train.py --n '3 and more'", "abc", True)
    assert step.parameters == {"n": 3}
    assert [(file.path, file.made_by, file.state) for file in step.inputs] == [
        ("clean.csv", prepare, "unchanged")
    ]
    assert [file.path for file in step.outputs] == ["model.pkl"]
    first = found.step(prepare)
    assert first is not None
    assert [(file.path, file.made_by, file.producers) for file in first.inputs] == [("raw.csv", None, 0)]
    assert not found.truncated
    assert found.step("no such run") is None


def test_impact_follows_everything_made_from_a_file(study: Study) -> None:
    prepare, train, score = chain(study)
    found = impact("raw.csv", workspace=study.workspace)
    assert runs_of(found) == [prepare, score, train]
    assert found.files[0].used_by == (prepare,)
    step = found.step(prepare)
    assert step is not None
    assert [(file.path, file.used_by) for file in step.outputs] == [("clean.csv", (score, train))]
    last = found.step(score)
    assert last is not None
    assert [file.path for file in last.inputs] == ["clean.csv", "model.pkl"]
    assert [(file.path, file.used_by) for file in last.outputs] == [("plot.png", ())]


def test_a_file_that_was_renamed_moved_or_copied_is_still_known(study: Study) -> None:
    _, train, _ = chain(study)
    (study.root / "elsewhere").mkdir()
    (study.root / "model.pkl").rename(study.root / "elsewhere" / "best.bin")
    found = why("elsewhere/best.bin", workspace=study.workspace)
    assert runs_of(found)[0] == train
    assert (found.files[0].path, found.files[0].state) == ("elsewhere/best.bin", "unchanged")
    gone = why("model.pkl", workspace=study.workspace)
    assert (gone.files[0].made_by, gone.files[0].state) == (train, "missing")


def test_a_file_that_was_changed_by_hand_says_so(study: Study) -> None:
    _, train, _ = chain(study)
    study.write("model.pkl", b"edited by hand")
    (file,) = why("model.pkl", workspace=study.workspace).files
    assert (file.state, file.digest, file.made_by) == ("changed since", digest(b"model"), train)


def test_inputs_say_whether_they_changed_since(study: Study) -> None:
    prepare, *_ = chain(study)
    study.write("raw.csv", b"new raw data")
    (study.root / "clean.csv").unlink()
    found = why("plot.png", workspace=study.workspace)
    states = {file.path: file.state for step in found.steps for file in step.inputs}
    assert states == {"model.pkl": "unchanged", "clean.csv": "missing", "raw.csv": "changed since"}
    assert prepare in runs_of(found)


def test_a_change_that_keeps_size_and_time_is_seen(study: Study) -> None:
    chain(study)
    study.write("model.pkl", b"ledom")
    assert why("model.pkl", workspace=study.workspace).files[0].state == "changed since"


def test_what_was_not_seen_is_unknown(study: Study) -> None:
    unseen = (FileVersion("s3://bucket/raw.csv", unseen="reference"),)
    study.publish(outputs={"clean.csv": b"clean"}, versions_read=unseen)
    (step,) = why("clean.csv", workspace=study.workspace).steps
    assert [(file.path, file.state, file.unseen) for file in step.inputs] == [
        ("s3://bucket/raw.csv", "unknown", "reference")
    ]
    assert runs_of(impact("s3://bucket/raw.csv", workspace=study.workspace)) == []


def test_lineage_crosses_workspaces_unless_told_otherwise(study: Study, other_study: Study) -> None:
    prepare, *_ = chain(study)
    train = other_study.publish(
        inputs={"data.csv": b"clean"}, outputs={"forest.pkl": b"forest"}, on_disk=True
    )
    found = why("forest.pkl", workspace=other_study.workspace)  # as recorded there, not in this directory
    assert found.files[0].state == "unchanged"
    assert [(step.run, step.workspace) for step in found.steps] == [
        (train, str(other_study.root)),
        (prepare, str(study.root)),
    ]
    here = why("forest.pkl", here=True, workspace=other_study.workspace)
    assert runs_of(here) == [train]
    assert here.steps[0].inputs[0].made_by is None
    assert train in runs_of(impact("raw.csv", workspace=study.workspace))
    assert train not in runs_of(impact("raw.csv", here=True, workspace=study.workspace))


def test_of_several_runs_that_wrote_the_same_bytes_the_last_before_the_reading_counts(study: Study) -> None:
    study.publish(outputs={"a.csv": b"same"})
    second = study.publish(outputs={"b.csv": b"same"})
    reader = study.publish(inputs={"b.csv": b"same"}, outputs={"c.csv": b"read"})
    third = study.publish(outputs={"a.csv": b"same"})
    found = why("c.csv", workspace=study.workspace)
    (file,) = found.steps[0].inputs
    assert (file.producers, file.made_by) == (3, second)
    assert runs_of(found) == [reader, second]
    (target,) = why("a.csv", workspace=study.workspace).files
    assert (target.producers, target.made_by) == (3, third)


def test_a_run_that_rewrites_what_it_read_is_not_its_own_origin(study: Study) -> None:
    first = study.publish(outputs={"log.txt": b"log"})
    again = study.publish(inputs={"log.txt": b"log"}, outputs={"log.txt": b"log"})
    assert runs_of(why("log.txt", workspace=study.workspace)) == [again, first]
    alone = study.publish(inputs={"x": b"x"}, outputs={"x": b"x"})
    found = why("x", workspace=study.workspace)
    assert runs_of(found) == [alone]
    assert found.steps[0].inputs[0].made_by is None
    assert runs_of(impact("x", workspace=study.workspace)) == [alone]


def test_records_that_form_a_circle_come_to_an_end(study: Study) -> None:
    one = study.publish(inputs={"b": b"b"}, outputs={"a": b"a"})
    other = study.publish(inputs={"a": b"a"}, outputs={"b": b"b"})
    assert set(runs_of(why("a", workspace=study.workspace))) == {one, other}
    assert set(runs_of(impact("a", workspace=study.workspace))) == {one, other}


def test_empty_files_are_told_apart_by_their_path(study: Study) -> None:
    marker = study.publish(inputs={"raw.csv": b"raw"}, outputs={"done": b"", "x/__init__.py": b""})
    reader = study.publish(inputs={"done": b""}, outputs={"result": b"result"})
    other = study.publish(inputs={"other": b""}, outputs={"other result": b"other result"})
    assert runs_of(why("result", workspace=study.workspace)) == [reader, marker]
    assert runs_of(why("other result", workspace=study.workspace)) == [other]
    assert runs_of(impact("raw.csv", workspace=study.workspace)) == [marker, reader]
    study.write("done", b"")
    study.write("unknown", b"")
    assert why("done", workspace=study.workspace).files[0].made_by == marker
    with pytest.raises(NotFoundError):
        why("unknown", workspace=study.workspace)


def test_shared_ancestors_stand_once(study: Study) -> None:
    source = study.publish(outputs={"source": b"source"})
    middle = [study.publish(inputs={"source": b"source"}, outputs={f"m{n}": b"m%d" % n}) for n in range(3)]
    last = study.publish(inputs={f"m{n}": b"m%d" % n for n in range(3)}, outputs={"end": b"end"})
    assert runs_of(why("end", workspace=study.workspace)) == [last, *reversed(middle), source]


def test_the_depth_can_be_limited(study: Study) -> None:
    prepare, train, score = chain(study)
    near = why("plot.png", depth=1, workspace=study.workspace)
    assert (runs_of(near), near.truncated) == ([score], True)
    assert {file.made_by for file in near.steps[0].inputs} == {train, prepare}
    whole = why("plot.png", depth=3, workspace=study.workspace)
    assert (len(whole.steps), whole.truncated) == (3, False)
    assert impact("raw.csv", depth=0, workspace=study.workspace).truncated


def test_a_directory_asks_for_all_files_in_it(study: Study) -> None:
    run = study.publish(outputs={"out/a": b"a", "out/sub/b": b"b"}, on_disk=True)
    study.write("out/readme", b"by hand")
    found = why("out", workspace=study.workspace)
    assert {file.path: file.made_by for file in found.files} == {
        "out/a": run,
        "out/sub/b": run,
        "out/readme": None,
    }
    assert runs_of(found) == [run]
    for path in ("out/a", "out/sub/b", "out/readme"):
        (study.root / path).unlink()
    gone = why("out", workspace=study.workspace)
    assert [(file.path, file.state) for file in gone.files] == [
        ("out/a", "missing"),
        ("out/sub/b", "missing"),
    ]


def test_a_digest_or_its_beginning_asks_too(study: Study) -> None:
    _, train, _ = chain(study)
    for ref in (digest(b"model"), digest(b"model")[:8]):
        found = why(ref, workspace=study.workspace)
        assert (found.asked, found.files[0].path, found.files[0].made_by) == (ref, "model.pkl", train)
    with pytest.raises(NotFoundError):
        why(digest(b"model")[:7], workspace=study.workspace)


@pytest.mark.parametrize("asked", ["model.pkl", "model", "gone.pkl", digest(b"model")[:9]])
def test_no_question_goes_through_all_file_versions(study: Study, asked: str) -> None:
    chain(study)
    study.publish(outputs={"gone.pkl": b"gone"})
    why("raw.csv", workspace=study.workspace)
    statements: list[tuple[str, Any]] = []

    def note(_: object, cursor: object, statement: str, given: Any, *more: object) -> None:
        statements.append((statement, given))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with contextlib.suppress(NotFoundError):
            why(asked, workspace=study.workspace)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    plans = study.catalog().read(
        lambda connection: [
            str(row)
            for statement, given in statements
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    )
    assert any("SEARCH versions" in plan for plan in plans)
    assert not [plan for plan in plans if "SCAN versions" in plan or "SCAN uses" in plan]


def test_a_digest_that_begins_several_is_ambiguous(study: Study) -> None:
    twins = tuple(FileVersion(name, "deadbeef" + name * 56, 1) for name in "ab")
    study.publish(versions_read=twins)
    with pytest.raises(AmbiguousError, match="2 digests begin with deadbeef"):
        why("deadbeef", workspace=study.workspace)


@pytest.mark.parametrize(
    "file", ["notes.txt", "nothing.txt", "", ".", "\0", "deadbeef", "../outside", "http://x/y"]
)
def test_a_file_that_no_run_knows(study: Study, file: str) -> None:
    study.write("notes.txt", b"notes")
    with pytest.raises(NotFoundError, match="No run has read or written"):
        why(file, workspace=study.workspace)


def test_names_that_are_no_utf8(study: Study) -> None:
    run = study.publish(inputs={"caf\udce9.csv": b"1"}, outputs={"out\udcff": b"2"}, on_disk=True)
    found = why("out\udcff", workspace=study.workspace)
    assert runs_of(found) == [run]
    assert found.steps[0].inputs[0].path == "caf\udce9.csv"


def test_runs_without_times_have_lineage_too(study: Study) -> None:
    first = study.publish(outputs={"a": b"a"}, started=None, ended=None)
    second = study.publish(inputs={"a": b"a"}, outputs={"b": b"b"}, started=None, ended=None)
    assert runs_of(why("b", workspace=study.workspace)) == [second, first]


def test_a_run_that_is_not_published_counts_as_a_reader(study: Study) -> None:
    study.write("raw.csv", b"raw")
    published = study.publish(inputs={"raw.csv": b"raw"})
    with fresh_recorder(study.root) as recorder:
        recorder.start("left behind")
        recorder.input("raw.csv")
    steps = impact("raw.csv", workspace=study.workspace).steps
    assert {(step.run == published, step.status) for step in steps} == {
        (True, "completed"),
        (False, "unpublished"),
    }


def test_lineage_as_json(study: Study) -> None:
    chain(study)
    wire = json.loads(json.dumps(why("plot.png", workspace=study.workspace).to_json()))
    assert wire["asked"] == "plot.png"
    assert wire["steps"][0]["started"] == "2026-11-01T08:03:00.000000Z"
    assert wire["steps"][0]["inputs"][0]["path"] == "model.pkl"


def test_a_long_chain(study: Study) -> None:
    runs = [study.publish(outputs={"0": b"0"})]
    for number in range(1, 120):
        runs.append(study.publish(inputs={"x": b"%d" % (number - 1)}, outputs={"y": b"%d" % number}))
    found = why(digest(b"119"), workspace=study.workspace)
    assert runs_of(found) == runs[::-1]
    assert found.steps[-1].depth == 119


def test_it_is_told_how_much_of_a_large_file_has_been_read(study: Study) -> None:
    large = b"x" * 3_000_000
    study.publish(outputs={"model.bin": large}, on_disk=True)
    steps: list[tuple[int, int]] = []
    why("model.bin", workspace=study.workspace, progress=lambda done, total: steps.append((done, total)))
    assert len(steps) > 1
    assert steps[-1] == (3_000_000, 3_000_000)
