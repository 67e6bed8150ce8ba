"""Finding runs from Python."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dotscience as ds
from dotscience import Recorder
from dotscience.catalog.runs import Row, Runs, get, runs
from dotscience.errors import AmbiguousError, ArgumentError, NotFoundError, QueryError, StateError

if TYPE_CHECKING:
    from conftest import Study


def test_a_row_says_what_the_record_says(study: Study) -> None:
    run = study.publish(
        parameters={"n": 3, "rate": 0.5, "optimizer": "adam", "deep": True, "seed": None, "layers": [1, 2]},
        metrics={"accuracy": 0.93, "loss": math.inf},
        labels={
            "mode": "test",
            "artefact:forest": json.dumps({"files": {"model": "m"}, "type": "sklearn-model"}),
        },
        description="a first try",
        mode="script",
        workload_file="train.py",
        error="out of memory",
        continues="earlier",
    )
    row = get(run, workspace=study.workspace)
    assert row.parameters == {
        "n": 3,
        "rate": 0.5,
        "optimizer": "adam",
        "deep": True,
        "seed": None,
        "layers": [1, 2],
    }
    assert [type(value) for value in row.parameters.values()] != []
    assert type(row.parameters["deep"]) is bool
    assert row.metrics == {"accuracy": 0.93, "loss": math.inf}
    assert row.labels["mode"] == "test"
    assert row.models == ("forest",)
    assert (row.status, row.mode, row.workload_file, row.duration) == (
        "completed",
        "script",
        "train.py",
        30.0,
    )
    assert (row.description, row.error, row.continues) == ("a first try", "out of memory", "earlier")
    assert row.started == datetime(2026, 11, 1, 8, 1, tzinfo=timezone.utc)
    assert row.workspace == str(study.root)
    assert row.record.parameters["layers"] == row.record.parameters["layers"]
    assert row.record is row.record
    assert json.loads(json.dumps(row.to_json(), allow_nan=False))["started"] == "2026-11-01T08:01:00.000000Z"


def test_the_best_ten_of_many(study: Study) -> None:
    for number in range(60):
        study.publish(parameters={"n": number % 5}, metrics={"accuracy": (number * 37 % 60) / 60})
    best = runs("parameter.n == 3", sort="-metric.accuracy", limit=10, workspace=study.workspace)
    accuracies = [row.metrics["accuracy"] for row in best]
    everything = [row for row in runs(workspace=study.workspace) if row.parameters["n"] == 3]
    assert accuracies == sorted((row.metrics["accuracy"] for row in everything), reverse=True)[:10]
    assert len(best) == 10


def test_the_newest_come_first_unless_asked_otherwise(study: Study) -> None:
    published = [study.publish(metrics={"a": value}) for value in (2, 1, 3)]
    published.append(study.publish())
    assert [row.id for row in runs(workspace=study.workspace)] == published[::-1]
    assert [row.id for row in runs(sort="started", workspace=study.workspace)] == published
    assert [row.metrics.get("a") for row in runs(sort="metric.a", workspace=study.workspace)] == [
        1,
        2,
        3,
        None,
    ]
    assert [row.metrics.get("a") for row in runs(sort="-metric.a", workspace=study.workspace)] == [
        3,
        2,
        1,
        None,
    ]
    assert [row.id for row in runs(limit=2, workspace=study.workspace)] == published[:1:-1]
    assert runs(limit=0, workspace=study.workspace) == []


def test_several_sort_keys(study: Study) -> None:
    for mode, loss in (("b", 1), ("a", 2), ("a", 1)):
        study.publish(labels={"mode": mode}, metrics={"loss": loss})
    found = runs(sort=["label.mode", "-metric.loss"], workspace=study.workspace)
    assert [(row.labels["mode"], row.metrics["loss"]) for row in found] == [("a", 2), ("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    "query, expected",
    [
        ('"raw/*.csv" in input', {0}),
        ('"raw/**" in input', {0, 1}),
        ('"raw/2026/b.csv" in input', {1}),
        ('"*.bin" in output', {2}),
        ('"**/*.bin" not in output', {0, 1, 3}),
        ('"na\udce9ve.csv" in input', {3}),
        ("'na?ve.csv' in input", {3}),
        ('mode == "script" and duration >= 30', {0}),
        ('"forest" in model', {2}),
        ('id == "x"', set()),
    ],
)
def test_files_and_fields_in_queries(study: Study, query: str, expected: set[int]) -> None:
    published = [
        study.publish(inputs={"raw/a.csv": b"a"}, mode="script"),
        study.publish(inputs={"raw/2026/b.csv": b"b"}),
        study.publish(outputs={"m.bin": b"m"}, labels={"artefact:forest": '{"files": {"model": "m.bin"}}'}),
        study.publish(inputs={"na\udce9ve.csv": b"c"}),
    ]
    query = query.replace("\udce9", r"\udce9")
    assert {published.index(row.id) for row in runs(query, workspace=study.workspace)} == expected


def test_times_without_a_zone_are_utc(study: Study) -> None:
    run = study.publish()  # at 08:01 UTC
    for query in (
        'started > "2026-11-01"',
        'started == "2026-11-01 08:01"',
        'started == "2026-11-01T10:01+02:00"',
    ):
        assert [row.id for row in runs(query, workspace=study.workspace)] == [run]
    assert runs('started > "2026-11-01 08:01"', workspace=study.workspace) == []


def test_one_run_by_id_prefix_or_latest(study: Study) -> None:
    first = study.publish(id="aaaa1111")
    second = study.publish(id="aaaa2222")
    assert get(first, workspace=study.workspace).id == first
    assert get("aaaa2", workspace=study.workspace).id == second
    assert get("@latest", workspace=study.workspace).id == second
    exact = study.publish(id="aaaa")
    assert get("aaaa", workspace=study.workspace).id == exact
    with pytest.raises(AmbiguousError, match=r"'aaa' fits several runs \(aaaa, aaaa1111, aaaa2222\)"):
        get("aaa", workspace=study.workspace)
    for missing in ("zzz", "", "a%", "@later"):
        with pytest.raises(NotFoundError, match="`ds list` shows"):
            get(missing, workspace=study.workspace)
    with pytest.raises(ArgumentError, match="named by its id"):
        get(5, workspace=study.workspace)  # type: ignore[arg-type]


def test_the_points_of_a_series_can_be_read_back(recorder: Recorder, tmp_path: Path) -> None:
    recorder.start()
    for step in range(5):
        recorder.log({"loss": 1 / (step + 1)}, step=10 * step, epoch=step / 2)
    row = get(recorder.publish().id, workspace=tmp_path)
    loss = row.series("loss")
    assert (list(loss.steps), list(loss.values)) == ([0, 10, 20, 30, 40], [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert list(loss.epochs) == [0, 0.5, 1, 1.5, 2]
    with pytest.raises(NotFoundError, match=r"No series 'accuracy'.*there are: loss"):
        row.series("accuracy")


def test_a_run_in_progress_shows_the_last_point_of_each_series(recorder: Recorder, tmp_path: Path) -> None:
    recorder.start()
    recorder.metric("accuracy", 0.5)
    for step in range(3):
        recorder.log({"loss": float(step)})
        recorder.log({"loss": step + 0.5, "rate": math.nan}, epoch=1)
    recorder.start()  # which leaves the run behind, everything written
    (row,) = runs("status == 'unpublished'", workspace=tmp_path)
    assert row.metrics["accuracy"] == 0.5 and row.metrics["loss"] == 2.5 and math.isnan(row.metrics["rate"])


def test_rows_are_short_where_they_are_printed(study: Study) -> None:
    run = study.publish(metrics={"accuracy": 0.93125})
    found = runs(workspace=study.workspace)
    assert repr(found) == repr(found[0])
    assert repr(found[0]).startswith(f"<run {run[:8]} completed ") and "accuracy=0.93125>" in repr(found[0])
    assert repr(Runs()) == "no runs"


def test_a_run_without_series_says_so(study: Study) -> None:
    with pytest.raises(NotFoundError, match="logged no series"):
        get(study.publish(), workspace=study.workspace).series("loss")


def test_latest_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        get("@latest", workspace=tmp_path)


def test_everywhere_merges_all_workspaces(study: Study, other_study: Study) -> None:
    for number in range(3):
        study.publish(metrics={"a": 2 * number})
        other_study.publish(metrics={"a": 2 * number + 1})
    assert len(runs(workspace=study.workspace)) == 3
    found = runs(sort="-metric.a", limit=4, everywhere=True, workspace=study.workspace)
    assert [row.metrics["a"] for row in found] == [5, 4, 3, 2]
    assert {row.workspace for row in found} == {str(study.root), str(other_study.root)}
    there = other_study.publish()
    assert get(there, everywhere=True, workspace=study.workspace).workspace == str(other_study.root)
    with pytest.raises(NotFoundError):
        get(there, workspace=study.workspace)


@pytest.mark.parametrize("sort", ["-published", "published", "metric.a"])
def test_a_run_that_two_workspaces_hold_is_found_once_where_it_was_published_first(
    sort: str, study: Study, other_study: Study
) -> None:
    run = other_study.publish(metrics={"a": 1})
    for number in range(3):
        study.publish(
            id=run if number == 1 else f"own {number}", metrics={"a": "2"}
        )  # collected: later, as texts
    found = runs(sort=sort, limit=3, everywhere=True, workspace=study.workspace)
    assert sorted(row.id for row in found) == sorted([run, "own 0", "own 2"])
    (held,) = (row for row in found if row.id == run)
    assert (held.workspace, held.metrics) == (str(other_study.root), {"a": 1})
    assert runs('metric.a == "2"', everywhere=True, workspace=study.workspace)[0].id != run
    assert [row.metrics for row in runs(f'id == "{run}"', workspace=study.workspace)] == [{"a": "2"}]


def test_of_a_run_that_two_workspaces_hold_the_published_one_is_found(
    study: Study, other_study: Study, new_study: type[Study], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = other_study.publish()
    folder = study.folder(run)
    os.makedirs(folder.path)
    Path(folder.journal_path).write_text(json.dumps({"journal": 1, "id": run, "process": {}}) + "\n")
    assert [row.published for row in runs(workspace=study.workspace)] == [None]
    (found,) = runs(everywhere=True, workspace=study.workspace)
    assert (found.status, found.workspace) == ("completed", str(other_study.root))
    third = new_study(tmp_path_factory.mktemp("third"))
    third.publish(), third.publish(id=run)  # later
    asked = new_study(tmp_path_factory.mktemp("asked"))
    assert get(run[:8], everywhere=True, workspace=asked.workspace).workspace == str(other_study.root)


def test_a_run_that_was_copied_with_its_workspace_is_found_where_it_is_asked_for(
    study: Study, other_study: Study
) -> None:
    run = study.publish()
    shutil.copytree(study.folder(run).path, other_study.folder(run).path)
    for asked in (study, other_study):
        (found,) = runs(everywhere=True, workspace=asked.workspace)
        assert found.workspace == str(asked.root)


def test_the_workspace_of_the_current_directory_is_the_default(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = study.publish()
    below = study.root / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert [row.id for row in ds.runs()] == [run]
    assert ds.get("@latest").id == run


@pytest.mark.parametrize("limit", [-1, 1.5, True, "3"])
def test_a_wrong_limit(study: Study, limit: Any) -> None:
    with pytest.raises(ArgumentError, match="limit is a number of rows"):
        runs(limit=limit, workspace=study.workspace)


def test_a_wrong_query_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Did you mean metric"):
        runs("metrics.a > 1", workspace=tmp_path)
    with pytest.raises(QueryError, match="Did you mean started"):
        runs(sort="startd", workspace=tmp_path)


def test_pandas(study: Study) -> None:
    pandas = pytest.importorskip("pandas")
    study.publish(parameters={"n": 1}, metrics={"loss": 0.5})
    study.publish(parameters={"n": 2}, labels={"mode": "test"})
    frame = runs(sort="started", workspace=study.workspace).to_pandas()
    assert list(frame["parameter.n"]) == [1, 2]
    assert list(frame["metric.loss"].isna()) == [False, True]
    assert list(frame["label.mode"])[1] == "test"
    assert isinstance(frame["started"].dtype, pandas.DatetimeTZDtype)
    assert list(Runs().to_pandas().columns)[:2] == ["id", "status"]


def test_without_pandas_the_error_says_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(StateError, match="pip install pandas"):
        Runs().to_pandas()


def test_the_table_in_a_notebook_is_escaped(study: Study) -> None:
    study.publish(description="<script>alert(1)</script>", parameters={"<b>": "<i>"}, metrics={"loss": 1 / 3})
    shown = runs(workspace=study.workspace)._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "0.333333" in shown
    assert Runs()._repr_html_().startswith("<table>")


def test_a_long_table_says_how_many_more_there_are(study: Study) -> None:
    for _ in range(3):
        study.publish()
    rows: list[Row] = list(runs(workspace=study.workspace))
    assert "and 10 more" in Runs(rows * 20)._repr_html_()


def test_lineage_in_queries(study: Study, other_study: Study, new_study: Callable[[Path], Study]) -> None:
    prepare = study.publish(inputs={"data/raw.csv": b"raw"}, outputs={"data/clean.csv": b"clean"})
    train = other_study.publish(inputs={"copied.csv": b"clean"}, outputs={"model.pkl": b"model"})
    score = study.publish(inputs={"fetched.pkl": b"model"}, outputs={"plot.png": b"plot"})
    unrelated = study.publish(inputs={"data/other.csv": b"other"}, outputs={"other.png": b"other plot"})

    def found(query: str) -> list[str]:
        return [row.id for row in runs(query, sort="started", workspace=study.workspace)]

    assert found('upstream("data/raw.csv")') == [prepare, score]
    assert found('not upstream("data/raw.csv")') == [unrelated]
    assert found('downstream("plot.png")') == [prepare, score]
    assert found('upstream("nothing.csv")') == []
    digest = study.folder(prepare).read_record().outputs[0].digest
    assert digest is not None
    assert found(f'upstream("{digest[:10]}")') == [score]
    assert [row.id for row in runs('upstream("copied.csv")', workspace=other_study.workspace)] == [train]
    assert {
        row.id for row in runs('upstream("copied.csv")', everywhere=True, workspace=other_study.workspace)
    } == {
        train,
        score,
    }
