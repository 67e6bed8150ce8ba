"""Commit metadata: read by the rules of the agents of its time, and never refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dotscience.records.commit import (
    NO_RUNS,
    CommitMetadata,
    DatasetVersion,
    InputFile,
    RunMetadata,
    dataset_outputs,
    parse_commit,
)
from dotscience.records.commit_runs import commit_metadata, last_model, parsed_value, record_of
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.records.values import number, text

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


FIRST, SECOND, THIRD = "run-of-rms-1", "run-of-rms-2", "file-change"
THOROUGH = {
    "type": "dotscience.run.v1",
    "author": "452342",
    "date": "1538658370073482093",
    "workload.type": "command",
    "workload.image": "busybox",
    "workload.image.hash": "busybox@sha256:2a03",
    "workload.command": '["sh","-c","curl http://localhost/testjob.sh | /bin/sh"]',
    "workload.environment": '{"DEBUG_MODE": "YES"}',
    "runner.version": "Runner=Docker Executor Agent=Agent",
    "runner.name": "bob",
    "runner.platform": "linux",
    "runner.platform_version": "Linux a1bc10a2fb6e 4.14.60",
    "runner.ram": "16579702784",
    "runner.cpu": '["i7-7500U", "i7-7500U"]',
    "exec.start": "20181004T130607.101",
    "exec.end": "20181004T130610.223",
    "exec.logs": '["agent-stdout.log","workload-stdout.log"]',
    "input-dataset.b": "dot-b@before",
    "input-dataset.c": "dot-c@before",
    "output-dataset.c": "dot-c@after",
    "output-dataset.d": "dot-d@after",
    "runs": json.dumps([FIRST, SECOND, THIRD]),
    f"run.{FIRST}.authority": "workload",
    f"run.{FIRST}.input-files": '["foo.csv@earlier"]',
    f"run.{FIRST}.dataset-input-files.b": '["input.csv@earlier-b"]',
    f"run.{FIRST}.dataset-input-files.c": '["cache.sqlite@earlier-c"]',
    f"run.{FIRST}.output-files": '["log.txt"]',
    f"run.{FIRST}.dataset-output-files.c": '["cache.sqlite"]',
    f"run.{FIRST}.dataset-output-files.d": '["output.csv"]',
    f"run.{FIRST}.summary.rms_error": "0.057",
    f"run.{FIRST}.parameters.smoothing": "1.0",
    f"run.{FIRST}.start": "20181004T130607.225",
    f"run.{FIRST}.end": "20181004T130608.225",
    f"run.{SECOND}.authority": "workload",
    f"run.{SECOND}.summary.rms_error": "0.123",
    f"run.{SECOND}.parameters.smoothing": "2",
    f"run.{SECOND}.start": "20181004T130608.579",
    f"run.{SECOND}.end": "20181004T130609.579",
    f"run.{THIRD}.authority": "correction",
    f"run.{THIRD}.description": "File changes were detected that the run metadata did not explain",
    f"run.{THIRD}.output-files": '["mylibrary.pyc"]',
}
"""What an agent wrote of a command that held two runs and changed a file that neither named."""


def test_a_commit_of_three_runs() -> None:
    runs = (
        RunMetadata(
            FIRST,
            "workload",
            start=at(2018, 10, 4, 13, 6, 7, 225000),
            end=at(2018, 10, 4, 13, 6, 8, 225000),
            metrics={"rms_error": "0.057"},
            parameters={"smoothing": "1.0"},
            inputs=(InputFile("foo.csv", "earlier"),),
            outputs=("log.txt",),
            dataset_inputs={
                "b": (InputFile("input.csv", "earlier-b"),),
                "c": (InputFile("cache.sqlite", "earlier-c"),),
            },
            dataset_outputs={"c": ("cache.sqlite",), "d": ("output.csv",)},
        ),
        RunMetadata(
            SECOND,
            "workload",
            start=at(2018, 10, 4, 13, 6, 8, 579000),
            end=at(2018, 10, 4, 13, 6, 9, 579000),
            metrics={"rms_error": "0.123"},
            parameters={"smoothing": "2"},
        ),
        RunMetadata(
            THIRD,
            "correction",
            "File changes were detected that the run metadata did not explain",
            outputs=("mylibrary.pyc",),
        ),
    )
    assert parse_commit(THOROUGH) == CommitMetadata(
        success=True,
        message="",
        author="452342",
        inputs={"b": DatasetVersion("dot-b", "before"), "c": DatasetVersion("dot-c", "before")},
        outputs={"c": DatasetVersion("dot-c", "after"), "d": DatasetVersion("dot-d", "after")},
        workload_type="command",
        workload_image="busybox",
        workload_image_hash="busybox@sha256:2a03",
        workload_command=("sh", "-c", "curl http://localhost/testjob.sh | /bin/sh"),
        workload_environment={"DEBUG_MODE": "YES"},
        start=at(2018, 10, 4, 13, 6, 7, 101000),
        end=at(2018, 10, 4, 13, 6, 10, 223000),
        logs=("agent-stdout.log", "workload-stdout.log"),
        runner_name="bob",
        runner_version="Runner=Docker Executor Agent=Agent",
        runner_platform="linux",
        runner_platform_version="Linux a1bc10a2fb6e 4.14.60",
        runner_cpus=("i7-7500U", "i7-7500U"),
        runner_ram=16579702784,
        runs=runs,
    )


def test_a_commit_without_runs_says_so() -> None:
    assert parse_commit({"type": "dotscience.run.v1", "author": "ada"}) == CommitMetadata(False, NO_RUNS)


def test_what_is_missing_has_its_default() -> None:
    found = parse_commit({"runs": '["a"]'})
    assert found == CommitMetadata(True, "", runs=(RunMetadata("a"),))
    assert (found.cpu_seconds, found.peak_ram, found.runner_ram, found.runner_ram_ecc) == (-1.0, -1, -1, None)


class Counted(dict[str, str]):
    """Counts how often all of it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return super().__iter__()

    def items(self) -> Any:
        self.times += 1
        return super().items()


def test_many_runs_are_read_without_going_through_everything_for_each() -> None:
    def read(count: int) -> tuple[list[Any], int]:
        names = [f"r{number}" for number in range(count)]
        said = Counted({f"run.{name}.parameters.depth": name for name in names}, runs=json.dumps(names * 2))
        return [run.parameters for run in parse_commit(said).runs], said.times

    assert read(50) == ([{"depth": f"r{number}"} for number in range(50)], read(1)[1])


@pytest.mark.parametrize("written", ["", "[", "{}", "[1]", "null", '"a"', "[" * 100_000])
def test_a_list_of_runs_that_cannot_be_read_is_empty(written: str) -> None:
    assert parse_commit({"runs": written, "author": "ada"}) == CommitMetadata(True, "", author="ada")


@pytest.mark.parametrize(
    ("key", "written", "field", "wanted"),
    [
        ("success", "true", "success", True),
        ("success", "", "success", True),
        ("success", "True", "success", False),
        ("success", "false", "success", False),
        ("exec.ram", "12", "peak_ram", 12),
        ("exec.ram", "1_2", "peak_ram", -1),
        ("exec.ram", " 12", "peak_ram", -1),
        ("exec.ram", "9" * 19, "peak_ram", -1),
        ("exec.ram", "٣", "peak_ram", -1),
        ("exec.cpu-seconds", "1.5e3", "cpu_seconds", 1500.0),
        ("exec.cpu-seconds", "fast", "cpu_seconds", -1.0),
        ("runner.ram.ecc", "true", "runner_ram_ecc", True),
        ("runner.ram.ecc", "false", "runner_ram_ecc", False),
        ("runner.ram.ecc", "maybe", "runner_ram_ecc", None),
        ("exec.start", "20181004T130607", "start", at(2018, 10, 4, 13, 6, 7)),
        ("exec.start", "20181004T130607.123456789", "start", at(2018, 10, 4, 13, 6, 7, 123456)),
        ("exec.start", "20181304T130607", "start", None),
        ("exec.start", "2018-10-04T13:06:07", "start", None),
        ("exec.logs", '["a", 1]', "logs", ()),
        ("workload.environment", '{"a": 1}', "workload_environment", {}),
        ("input-dataset.b", "dot", "inputs", {}),
        ("input-dataset.b", "dot@a@b", "inputs", {}),
        ("input-dataset.b.c", "dot@a", "inputs", {"b.c": DatasetVersion("dot", "a")}),
    ],
)
def test_one_field_of_a_commit(key: str, written: str, field: str, wanted: Any) -> None:
    assert getattr(parse_commit({"runs": "[]", key: written}), field) == wanted


@pytest.mark.parametrize(
    ("key", "written", "field", "wanted"),
    [
        ("authority", "workload", "authority", "workload"),
        ("authority", "derived", "authority", "derived"),
        ("authority", "remote", "authority", "remote"),
        ("authority", "else", "authority", "correction"),
        ("error", "", "error", ""),
        ("summary.a.b / c", "1", "metrics", {"a.b / c": "1"}),
        ("metric.loss", "1", "metrics", {"loss": "1"}),
        ("label.", "1", "labels", {"": "1"}),
        ("parameters.ü", "1", "parameters", {"ü": "1"}),
        ("input-files", '["a.csv", "b@1", "c@1@2"]', "inputs", (InputFile("a.csv"), InputFile("b", "1"), InputFile(""))),
        ("output-files", "no", "outputs", ()),
        ("dataset-output-files.c", "no", "dataset_outputs", {}),
        ("dataset-input-files.c", "no", "dataset_inputs", {"c": ()}),
        ("comments-count", "3", "comments", 3),
    ],
)  # fmt: skip
def test_one_field_of_a_run(key: str, written: str, field: str, wanted: Any) -> None:
    (run,) = parse_commit({"runs": '["a.b"]', f"run.a.b.{key}": written}).runs
    assert getattr(run, field) == wanted


def test_a_commit_of_a_data_set_names_the_files_of_each_run() -> None:
    said = {
        "type": "dotscience.run-output.v1",
        "workspace": "dot-a",
        "run.one.dataset-output-files": '["output.csv"]',
        "run.two.dataset-output-files": "no",
        "run.two.more.dataset-output-files": '["output.csv"]',
    }
    assert dataset_outputs(said) == ("dot-a", {"one": ("output.csv",)})
    assert dataset_outputs({**said, "type": "dotscience.run.v1"}) == ("", {})


keys = (
    st.sampled_from(sorted({*THOROUGH, "success", "exec.ram", "exec.cpu-seconds", "runner.ram.ecc"}))
    | st.text()
)
texts = st.text() | st.sampled_from([*THOROUGH.values(), "NaN", "[[[", '{"a":', "1e999", "99991231T235959"])


@given(st.dictionaries(keys, texts, max_size=12))
def test_anything_can_be_read(said: dict[str, str]) -> None:
    found = parse_commit(said)
    assert found.success is False or "runs" in said
    for run in found.runs:
        record_of(found, run, outputs=(), published=NOW).to_bytes()


@given(
    st.text()
    | st.floats().map(str)
    | st.integers().map(str)
    | st.sampled_from(["0.50", "1e5", "-0", "٣", "1_0"])
)
@example("9" * 400)
@example("-" + "9" * 300)
@example("nan")
def test_a_value_keeps_its_text(written: str) -> None:
    value = parsed_value(written)
    assert text(value) == written
    assert (
        Record.from_bytes(Record("a", "completed", NOW, metrics={"m": value}).to_bytes()).metrics["m"]
        == value
    )


@given(
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(1 << 63), (1 << 63) - 1) | st.booleans()
)
def test_a_number_is_the_number_that_it_was(value: float) -> None:
    assert number(parsed_value(str(value))) == value
    assert parsed_value(str(value)) == value


def test_the_last_model_is_the_one_that_was_declared_last() -> None:
    labels = {"run.a.label.artefact:z": "{}", "run.a.label.owner": "ada", "run.a.label.artefact:b": "{}"}
    (run,) = parse_commit({"runs": '["a"]', **labels}).runs
    assert last_model(run) == "b"
    assert last_model(RunMetadata("a")) is None


names = st.text(max_size=8)
files = st.lists(st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"]), min_size=1, max_size=8), max_size=3, unique=True)  # fmt: skip


@given(
    st.dictionaries(names, st.text(max_size=5)),
    st.dictionaries(names, st.integers() | st.floats(allow_nan=False) | st.booleans()),
    files,
    st.none() | st.text(min_size=1, max_size=5),
)
def test_a_record_comes_back_from_its_commit_metadata(
    labels: dict[str, str], metrics: dict[str, Any], paths: list[str], error: str | None
) -> None:
    named = tuple(FileVersion(path, unseen="named") for path in sorted(paths))
    there = Record(
        id="7f3c",
        status="completed" if error is None else "failed",
        published=NOW,
        started=at(2026, 11, 1, 8, 0),
        ended=at(2026, 11, 1, 8, 0, 1),
        mode="remote",
        workload_file="train.py",
        error=error,
        labels=labels,
        metrics={name: parsed_value(str(value)) for name, value in metrics.items()},
        inputs=named,
        outputs=named,
    )
    commit = parse_commit(commit_metadata(there, "ada"))
    assert record_of(commit, commit.runs[0], outputs=named, published=NOW) == there
    assert commit.author == "ada"
