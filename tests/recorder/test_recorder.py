"""Runs follow one another in a process, and none of them is lost."""

import decimal
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dotscience
from dotscience.errors import (
    AlreadyStartedError,
    ArgumentError,
    HubNeededError,
    ModeError,
    UnknownFrameworkError,
)
from dotscience.recorder import lifecycle
from dotscience.recorder.recorder import Recorder
from dotscience.records.block import block_metadata
from dotscience.records.record import Record
from dotscience.records.values import text
from dotscience.storage.runs import RunFolder
from dotscience.testing import FixedClock, counted_ids, fresh_recorder

Folders = Callable[[], list[RunFolder]]


def on_disk(folder: RunFolder) -> Record:
    return folder.read_record()


# Values


@pytest.mark.parametrize("verb", ["label", "parameter", "metric"])
@pytest.mark.parametrize(
    "value", [float("nan"), math.inf, b"\xff", decimal.Decimal("0.10"), Path("x"), [1], 1 << 99, None]
)
def test_a_verb_gives_back_the_very_object(verb: str, value: Any, recorder: Recorder) -> None:
    assert getattr(recorder, verb)("a", value) is value
    record = recorder.publish().record
    stored = getattr(record, f"{verb}s")["a"]
    assert text(stored) == str(value)


@given(names=st.dictionaries(st.text(), st.floats() | st.text() | st.integers(), min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_a_name(names: dict[str, Any], recorder: Recorder) -> None:
    recorder.start()
    for name, value in names.items():
        recorder.metric(name, value)
        recorder.label(name, value)
        recorder.parameter(name, value)
    done = recorder.publish()
    assert done.folder is not None
    record = on_disk(RunFolder(done.folder))
    for found in (record.metrics, record.labels, record.parameters):
        assert {name: text(value) for name, value in found.items()} == {
            name: str(value) for name, value in names.items()
        }


@pytest.mark.parametrize(
    "name", ["a.b/c", "", "😀", "\x00", "\ud800", "../..", "artefact:", "x" * 10_000, 1, None, 0.5]
)
def test_odd_names_do_no_harm(name: Any, recorder: Recorder) -> None:
    recorder.metric(name, 1)
    done = recorder.publish()
    assert done.folder is not None
    assert on_disk(RunFolder(done.folder)).metrics == {str(name): 1}


def test_the_record_keeps_the_type_and_the_block_the_text(recorder: Recorder) -> None:
    recorder.parameter("price", decimal.Decimal("9.90"))
    recorder.parameter("on", True)
    done = recorder.publish()
    assert done.record.parameters == {
        "price": {"type": "decimal.Decimal", "text": "9.90", "value": 9.9},
        "on": True,
    }
    assert block_metadata(done.record)["parameters"] == {"price": "9.90", "on": "True"}


def test_a_value_whose_text_cannot_be_made_does_not_stop_the_job(recorder: Recorder) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("broken")

    value = Broken()
    assert recorder.label("a", value) is value
    assert recorder.error(value) is value
    assert recorder.description(value) is value
    record = recorder.publish().record
    assert record.error == record.description == text(record.labels["a"])
    assert "whose str() raised RuntimeError" in str(record.error)


def test_add_functions_name_a_missing_value(recorder: Recorder) -> None:
    for name in ("labels", "parameters", "metrics"):
        with pytest.raises(
            ArgumentError, match=rf'add_{name}\(\) got the name \'c\' without a value.*add_{name}\("a", 1'
        ):
            getattr(recorder, f"add_{name}")("a", 1, "c")
    record = recorder.publish().record
    assert record.labels == record.parameters == record.metrics == {}


@pytest.mark.parametrize(
    ("verb", "given", "said"),
    [
        ("label", ("mode",), r"ds\.label\(\) missing 1 required positional argument: 'value'"),
        ("param", ("C",), r"ds\.parameter\(\) missing 1 required positional argument: 'value'"),
        ("metric", ("accuracy", 0.9, 1), r"ds\.metric\(\) takes 3 positional arguments but 4 were given"),
        ("start", ("train", "a", "forest"), r"ds\.start\(\) takes from 1 to 2 positional arguments but 4"),
    ],
)
def test_a_missing_argument_is_said_of_what_was_called(
    verb: str, given: tuple[Any, ...], said: str, recorder: Recorder, run_folders: Folders
) -> None:
    with pytest.raises(TypeError, match=said):
        getattr(recorder, verb)(*given)
    assert run_folders() == []


def test_a_keyword_may_have_any_name(recorder: Recorder) -> None:
    recorder.add_metrics(self=1, kind=2, pairs=3, named=4)
    assert recorder.publish().record.metrics == {"self": 1, "kind": 2, "pairs": 3, "named": 4}


# One run after another


def test_the_first_event_fixes_the_id(recorder: Recorder, run_folders: Folders) -> None:
    recorder.metric("a", 1)
    (folder,) = run_folders()
    assert folder.state().status == "running"
    assert recorder.publish().id == folder.id == on_disk(folder).id


def test_what_is_said_after_a_publish_is_a_new_run_that_continues(
    tmp_path: Path, run_folders: Folders
) -> None:
    clock = FixedClock()
    with fresh_recorder(tmp_path, clock=clock, new_id=counted_ids()) as recorder:
        (tmp_path / "in").write_bytes(b"in")
        recorder.start("first")
        recorder.input("in")
        recorder.output("out")
        recorder.metric("m", 1)
        recorder.log({"loss": 0.5})
        first = recorder.publish().record
        clock.advance(10)
        recorder.metric("n", 2)
        clock.advance(10)
        second = recorder.publish().record
        third = recorder.publish().record
    assert [record.id[-1] for record in (first, second, third)] == ["1", "2", "3"]
    assert (first.continues, second.continues, third.continues) == (None, first.id, second.id)
    assert second.started is not None and second.ended is not None and first.ended is not None
    assert (second.started - first.ended).total_seconds() == 10
    assert (second.ended - second.started).total_seconds() == 10
    assert second.metrics == {"m": 1, "n": 2}  # the series, and the metric that it made, stay with their run
    assert second.series == {} and second.description == "first"
    assert (second.inputs, second.outputs) == (first.inputs, first.outputs)
    assert [on_disk(folder).id for folder in run_folders()] == [first.id, second.id, third.id]


def test_what_was_carried_over_can_be_overwritten_without_touching_the_earlier_run(
    recorder: Recorder,
) -> None:
    recorder.parameter("p", [1])
    first = recorder.publish().record
    recorder.parameter("p", 2)
    second = recorder.publish().record
    assert (text(first.parameters["p"]), second.parameters) == ("[1]", {"p": 2})


def test_a_start_leaves_the_run_before_it_unpublished(recorder: Recorder, run_folders: Folders) -> None:
    recorder.start("one")
    recorder.metric("m", 1)
    recorder.start("two")
    one, two = run_folders()
    assert (one.state().status, one.state().description, one.state().metrics) == (
        "unpublished",
        "one",
        {"m": 1},
    )
    assert two.state().status == "running"
    record = recorder.publish().record
    assert (record.metrics, record.continues) == ({}, None)


def test_a_publish_alone_is_an_empty_run(recorder: Recorder) -> None:
    record = recorder.publish("nothing").record
    assert (record.description, record.status, record.metrics) == ("nothing", "completed", {})
    assert record.started is not None and record.ended is not None


def test_an_error_makes_the_run_failed(recorder: Recorder) -> None:
    recorder.start()
    assert recorder.error("no rows") == "no rows"
    record = recorder.publish().record
    assert (record.status, record.error) == ("failed", "no rows")


def test_a_published_record_never_changes(recorder: Recorder, run_folders: Folders) -> None:
    done = recorder.publish()
    (folder,) = run_folders()
    raw = Path(folder.record_path).read_bytes()
    recorder.metric("m", 1)
    recorder.publish()
    assert Path(folder.record_path).read_bytes() == raw
    assert done.record.metrics == {}


def test_a_run_by_itself_starts_once() -> None:
    run = dotscience.Run("/w")
    run.start()
    with pytest.raises(AlreadyStartedError, match=r"ds\.start\(\), which opens a new one"):
        run.start()


def test_the_run_is_recorded_before_a_missing_hub_is_an_error(
    recorder: Recorder, run_folders: Folders
) -> None:
    for name in ("build", "deploy"):
        recorder.start()
        recorder.metric("m", 1)
        with pytest.raises(HubNeededError, match=rf"ds\.publish\({name}=True\) needs a Hub.*ds show"):
            recorder.publish(**{name: True})
        assert on_disk(run_folders()[-1]).metrics == {"m": 1}


def test_an_unknown_framework_is_named_with_the_known_ones(recorder: Recorder, tmp_path: Path) -> None:
    for kind in (json, "sklearn", None, object()):
        with pytest.raises(UnknownFrameworkError, match=r"Unknown model type.*tensorflow, sklearn"):
            recorder.model(kind, "m", "m.bin")  # type: ignore[arg-type]


def test_a_model_with_a_wrong_path_leaves_nothing(recorder: Recorder) -> None:
    sklearn: Any = SimpleNamespace(__name__="sklearn", __version__="1.0")
    with pytest.raises(ArgumentError, match=r"ds\.model\(\) takes a path"):
        recorder.model(sklearn, "m", "m.bin", classes=5)  # type: ignore[arg-type]
    record = recorder.publish().record
    assert record.labels == {} and record.outputs == ()


def test_a_model_may_be_a_directory_with_its_classes(recorder: Recorder, tmp_path: Path) -> None:
    sklearn: Any = SimpleNamespace(__name__="sklearn", __version__="1.0")
    path = Path("models/forest")
    (tmp_path / path).mkdir(parents=True)
    for name in ("model.joblib", "classes.json"):
        (tmp_path / path / name).write_text(name)
    assert recorder.model(sklearn, "forest", path, path / "classes.json") is path
    record = recorder.publish().record
    assert record.models == {
        "forest": {
            "files": {"model": "models/forest", "classes": "models/forest/classes.json"},
            "type": "sklearn-model",
            "version": "1.0",
        }
    }
    assert [version.path for version in record.outputs] == [
        "models/forest/classes.json",
        "models/forest/model.joblib",
    ]


def test_a_mode_chosen_after_another_names_both(recorder: Recorder) -> None:
    recorder.script("x.py")
    recorder.publish()
    with pytest.raises(ModeError, match=r"Cannot switch to interactive mode.*records in script mode"):
        recorder.interactive()
    recorder.script("y.py")
    assert recorder.publish().record.workload_file == "y.py"


@pytest.mark.parametrize("wrong", [5, object(), [], ""])
def test_a_script_that_is_no_path_is_an_argument_error(wrong: Any, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=r"ds\.script\(\) takes a path"):
        recorder.script(wrong)


def test_a_mode_chosen_while_a_run_is_open_counts_for_it(recorder: Recorder, run_folders: Folders) -> None:
    recorder.start()
    recorder.script("train.py")
    recorder._recording._writer.flush()  # type: ignore[union-attr]
    state = run_folders()[0].state()
    assert (state.mode, state.workload_file) == ("script", "train.py")
    record = recorder.publish().record
    assert (record.mode, record.workload_file) == ("script", "train.py")


def test_a_signal_handler_may_publish_whatever_its_thread_is_about(tmp_path: Path) -> None:
    """As if the signal came while this thread holds the locks of the verbs: it must not wait for itself."""
    with fresh_recorder(tmp_path) as recorder:
        (tmp_path / "data").write_bytes(b"x" * 100_000)
        run = recorder._start(None)
        assert run.reader is not None
        with lifecycle._lock, run.reader._budget, run.points._lock, recorder._lock:
            recorder.output("data")
            recorder.input("data")
            recorder.log({"loss": 0.5})
            Recorder(root=tmp_path).publish(stream=io.StringIO())
        assert recorder.publish(stream=io.StringIO()).folder is not None
