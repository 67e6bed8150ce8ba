"""What programs written for dotscience 0.8.7 rely on: the local part of that client, behaviour by behaviour."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import dotscience as ds
from dotscience.recorder.verbs import Verbs
from dotscience.testing import FixedClock, counted_ids, fresh_recorder, recording_to

ROOT = "/workspace-root"
EMPTY = {"version": "1", "input": [], "output": [], "labels": {}, "parameters": {}, "summary": {}}
TIME = re.compile(r"\d{8}T\d{6}\.\d{6}")

texts = st.text() | st.sampled_from(["", "\x00", "\ud800", "é", "😀", "[[/DOTSCIENCE-RUN:x]]", '"\\\n'])
paths = st.sampled_from(["test.csv", "workspace-root/test.csv", "data/test.csv", "data/a/../b.csv"])
sklearn = cast(ModuleType, SimpleNamespace(__name__="sklearn", __version__="0.21.3"))
tensorflow = cast(ModuleType, SimpleNamespace(__name__="tensorflow", __version__="1.2.3.4"))


def block_of(run: ds.Run | str) -> dict[str, Any]:
    """The JSON of a run block, which must be the whole text."""
    found = re.fullmatch(r"\[\[DOTSCIENCE-RUN:(.+?)\]\](\{.*\})\[\[/DOTSCIENCE-RUN:\1\]\]\n?", str(run), re.S)
    assert found is not None
    metadata: dict[str, Any] = json.loads(found[2])
    assert found[2] == json.dumps(metadata, sort_keys=True, indent=4)
    assert metadata["version"] == "1"
    return metadata


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Publishes through the functions of the package and gives the block's JSON with its id."""

    def publish(*args: Any, **named: Any) -> dict[str, Any]:
        stream = io.StringIO()
        ds.publish(*args, stream=stream, **named)
        found = re.match(r"\[\[DOTSCIENCE-RUN:(.+?)\]\]", stream.getvalue())
        assert found is not None and stream.getvalue().endswith("]]\n")
        return {"id": found[1], **block_of(stream.getvalue())}

    with recording_to(tmp_path):
        yield publish


# A Run by itself


def test_a_new_run_is_an_empty_block() -> None:
    run = ds.Run(ROOT, new_id=lambda: "an-id")
    assert str(run) == (
        "[[DOTSCIENCE-RUN:an-id]]{\n"
        '    "input": [],\n'
        '    "labels": {},\n'
        '    "output": [],\n'
        '    "parameters": {},\n'
        '    "summary": {},\n'
        '    "version": "1"\n'
        "}[[/DOTSCIENCE-RUN:an-id]]"
    )
    assert run.metadata() == EMPTY


def test_a_run_writes_nothing_to_disk(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1")
    run = ds.Run(tmp_path)
    run.start()
    run.input("in.csv")
    run.output("out.csv")
    run.model(sklearn, "m", "m.joblib")
    run.log({"loss": 0.5})
    run.metric("a", 1)
    run.end()
    str(run)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in.csv"]
    assert not Path(os.environ["XDG_STATE_HOME"]).exists()


@given(texts, texts)
def test_error_and_description_come_back_and_stand_in_the_block(error: str, description: str) -> None:
    run = ds.Run(ROOT)
    assert run.error(error) is error
    assert run.description(description) is description
    assert block_of(run) == {**EMPTY, "error": error, "description": description}


@given(texts)
def test_the_setters_do_the_same_and_return_nothing(text: str) -> None:
    run = ds.Run(ROOT)
    assert run.set_error(text) is None
    assert run.set_description(text) is None
    assert block_of(run) == {**EMPTY, "error": text, "description": text}


@pytest.mark.parametrize("verb", ["input", "output"])
@given(path=paths)
def test_a_file_comes_back_and_stands_relative_to_the_root(verb: str, path: str) -> None:
    run = ds.Run(ROOT)
    given = f"{ROOT}/{path}"
    assert getattr(run, verb)(given) is given
    assert block_of(run) == {**EMPTY, verb: [os.path.relpath(given, ROOT)]}


@pytest.mark.parametrize("verb", ["input", "output"])
@given(given=st.lists(paths))
def test_the_add_forms_take_any_number_of_files_and_name_each_once(verb: str, given: list[str]) -> None:
    run, twin = ds.Run(ROOT), ds.Run(ROOT)
    absolute = [f"{ROOT}/{path}" for path in given]
    assert getattr(run, f"add_{verb}s")(*absolute) is None
    for path in absolute:
        assert getattr(twin, f"add_{verb}")(path) is None
    wanted = sorted({os.path.relpath(path, ROOT) for path in absolute})
    assert block_of(run)[verb] == block_of(twin)[verb] == wanted


@pytest.mark.parametrize("verb", ["input", "output"])
def test_a_relative_file_is_taken_from_the_current_directory(verb: str, tmp_path: Path) -> None:
    run = ds.Run(tmp_path)
    (tmp_path / "below").mkdir()
    os.chdir("below")
    assert getattr(run, verb)("../foo/test.csv") == "../foo/test.csv"
    assert block_of(run)[verb] == ["foo/test.csv"]


def tree(folder: Path) -> None:
    for name in ("file1", "a/file2", "a/file3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "empty").mkdir()


TREE = ["tree/a/file2", "tree/a/file3", "tree/file1"]


def test_an_input_directory_is_listed_when_it_is_declared(tmp_path: Path) -> None:
    tree(tmp_path / "tree")
    run = ds.Run(tmp_path)
    assert run.input("tree") == "tree"
    (tmp_path / "tree/later").write_text("later")
    assert block_of(run)["input"] == TREE


def test_an_output_directory_is_listed_when_it_is_asked_for(tmp_path: Path) -> None:
    run = ds.Run(tmp_path)
    assert run.output("tree") == "tree"
    assert block_of(run)["output"] == ["tree"]
    tree(tmp_path / "tree")
    assert block_of(run)["output"] == TREE


@given(texts, paths, st.sampled_from([tensorflow, sklearn]))
def test_a_model_is_an_output_and_a_label(name: str, path: str, kind: ModuleType) -> None:
    run = ds.Run(ROOT)
    given = f"{ROOT}/{path}"
    assert run.model(kind, name, given) is given
    relative = os.path.relpath(given, ROOT)
    label = (
        f'{{"files":{{"model":"{relative}"}},"type":"{kind.__name__}-model","version":"{kind.__version__}"}}'
    )
    assert block_of(run) == {**EMPTY, "output": [relative], "labels": {f"artefact:{name}": label}}
    assert run.getModelDir() == given


def test_a_model_may_name_its_classes() -> None:
    run = ds.Run(ROOT)
    assert run.add_model(tensorflow, "m", f"{ROOT}/m", classes=f"{ROOT}/m/classes.json") is None
    assert block_of(run)["output"] == ["m", "m/classes.json"]
    assert block_of(run)["labels"] == {
        "artefact:m": '{"files":{"classes":"m/classes.json","model":"m"},"type":"tensorflow-model","version":"1.2.3.4"}'
    }


@pytest.mark.parametrize("kind", [json, SimpleNamespace(), "sklearn", None])
def test_any_other_framework_is_refused_and_leaves_nothing(kind: Any) -> None:
    run = ds.Run(ROOT)
    with pytest.raises(RuntimeError, match="Unknown model type"):
        run.model(kind, "m", "m.bin")
    assert run.metadata() == EMPTY


FAMILIES = {
    "label": ("add_label", "add_labels", "labels"),
    "metric": ("add_metric", "add_metrics", "summary"),
    "summary": ("add_summary", "add_summaries", "summary"),
    "parameter": ("add_parameter", "add_parameters", "parameters"),
}
family = pytest.mark.parametrize("verb", FAMILIES)


@family
@given(name=texts, value=texts)
def test_a_value_comes_back_and_stands_under_its_name(verb: str, name: str, value: str) -> None:
    add, _, field = FAMILIES[verb]
    run, twin = ds.Run(ROOT), ds.Run(ROOT)
    assert getattr(run, verb)(name, value) is value
    assert getattr(twin, add)(name, value) is None
    assert block_of(run) == block_of(twin) == {**EMPTY, field: {name: value}}


@family
@given(a=texts, b=texts, c=texts, d=texts)
def test_the_plural_takes_pairs_keywords_and_both(verb: str, a: str, b: str, c: str, d: str) -> None:
    _, add_all, field = FAMILIES[verb]
    run = ds.Run(ROOT)
    assert getattr(run, add_all)("a", a) is None
    getattr(run, add_all)(b=b)
    getattr(run, add_all)("c", c, d=d)
    getattr(run, add_all)()
    assert block_of(run)[field] == {"a": a, "b": b, "c": c, "d": d}


@family
def test_a_name_given_both_ways_takes_the_positional_value(verb: str) -> None:
    _, add_all, field = FAMILIES[verb]
    run = ds.Run(ROOT)
    getattr(run, add_all)("a", "pair", a="keyword")
    assert block_of(run)[field] == {"a": "pair"}


@family
def test_a_name_without_a_value_is_a_value_error(verb: str) -> None:
    run = ds.Run(ROOT)
    with pytest.raises(ValueError, match="'c' without a value"):
        getattr(run, FAMILIES[verb][1])("a", 1, "c", d=2)
    assert run.metadata() == EMPTY


@family
@pytest.mark.parametrize("value", [1, 0.1, None, True, [1, {"a": 2}], Path("x"), float("nan"), b"\xff"])
def test_names_and_values_stand_as_their_text(verb: str, value: object) -> None:
    run = ds.Run(ROOT)
    assert getattr(run, verb)(1, value) is value
    assert block_of(run)[FAMILIES[verb][2]] == {"1": str(value)}


def test_param_is_parameter() -> None:
    run = ds.Run(ROOT)
    assert run.param("a", 1) == 1
    assert block_of(run)["parameters"] == {"a": "1"}
    assert ds.param == ds.parameter


@pytest.mark.parametrize("level", [ds, ds.Dotscience(), ds.Run(ROOT)], ids=["module", "recorder", "run"])
def test_summary_is_metric_at_every_level(level: Any) -> None:
    assert level.summary == level.metric
    assert level.add_summary == level.add_metric
    assert level.add_summaries == level.add_metrics


def test_a_run_starts_once() -> None:
    clock = FixedClock()
    run = ds.Run(ROOT, clock=clock)
    run.start()
    clock.advance(1)
    with pytest.raises(RuntimeError, match="called more than once"):
        run.start()
    assert block_of(run) == {**EMPTY, "start": "20261101T083000.000000"}


def test_only_the_first_end_counts() -> None:
    clock = FixedClock()
    run = ds.Run(ROOT, clock=clock)
    run.end()
    clock.advance(1)
    run.end()
    assert block_of(run) == {**EMPTY, "end": "20261101T083000.000000"}


def test_a_run_can_have_a_new_id() -> None:
    run = ds.Run(ROOT, new_id=counted_ids())
    before = run.id
    run.newID()
    assert run.id != before
    assert f"[[DOTSCIENCE-RUN:{run.id}]]" in str(run)


def test_ids_are_random_uuids() -> None:
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", ds.Run(ROOT).id
    )


def test_debug_prints_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    run = ds.Run(ROOT)
    run.metric("é", 1)
    run.debug()
    assert capsys.readouterr().out == json.dumps(run.metadata(), sort_keys=True, indent=4) + "\n"


# Modes


def test_modes_exclude_each_other(tmp_path: Path) -> None:
    for first, second in (("interactive", "script"), ("script", "interactive")):
        with fresh_recorder(tmp_path) as recorder:
            getattr(recorder, first)()
            getattr(recorder, first)()
            with pytest.raises(RuntimeError, match=f"Cannot switch to {second} mode"):
                getattr(recorder, second)()
            assert recorder.publish().record.mode == first


@pytest.mark.parametrize(("word", "mode"), [("jupyter", "interactive"), ("command", "script")])
def test_the_environment_chooses_a_mode(word: str, mode: str, tmp_path: Path) -> None:
    with fresh_recorder(tmp_path, environ={**os.environ, "DOTSCIENCE_WORKLOAD_TYPE": word}) as recorder:
        published = recorder.publish()
    assert published.record.mode == mode
    assert ("workload-file" in block_of(published.block)) is (mode == "script")


def test_script_mode_names_the_running_script_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/train.py").touch()
    monkeypatch.setattr("sys.argv", [str(tmp_path / "code/train.py"), "--fast"])
    with fresh_recorder(tmp_path) as recorder:
        recorder.script()
        assert block_of(recorder.publish().block)["workload-file"] == "code/train.py"


def test_script_mode_takes_a_name_relative_to_the_current_directory(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    os.chdir("code")
    with fresh_recorder(tmp_path) as recorder:
        recorder.script("train.py")
        assert block_of(recorder.publish().block)["workload-file"] == "code/train.py"


# The functions of the package


def test_start_and_publish_write_one_block(published: Callable[..., dict[str, Any]]) -> None:
    ds.script("made_up.py")
    assert ds.start() is None
    block = published()
    assert TIME.fullmatch(block.pop("start"))
    assert TIME.fullmatch(block.pop("end"))
    del block["id"]
    assert block == {**EMPTY, "workload-file": "made_up.py"}


def test_end_keeps_its_time(tmp_path: Path) -> None:
    clock = FixedClock()
    with fresh_recorder(tmp_path, clock=clock) as recorder:
        recorder.start()
        clock.advance(1)
        recorder.end()
        clock.advance(1)
        recorder.end()
        block = block_of(recorder.publish().block)
    assert (block["start"], block["end"]) == ("20261101T083000.000000", "20261101T083001.000000")


@given(texts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_every_form_of_a_description(published: Callable[..., dict[str, Any]], text: str) -> None:
    ds.start(text)
    started = published()
    ds.start()
    named = published(text)
    ds.start()
    ds.set_description(text)
    was_set = published()
    ds.start("replaced")
    assert ds.description(text) is text
    said = published()
    ds.start("replaced")
    replaced = published(description=text)
    assert {block["description"] for block in (started, named, was_set, said, replaced)} == {text}


@given(texts)
@example("")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_every_form_of_an_error(published: Callable[..., dict[str, Any]], text: str) -> None:
    ds.start()
    assert ds.error(text) is text
    said = published()
    ds.start()
    assert ds.set_error(text) is None
    was_set = published()
    assert said["error"] == was_set["error"] == text


@given(st.dictionaries(texts, texts, max_size=3), st.dictionaries(texts, texts, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_values_of_every_family(
    published: Callable[..., dict[str, Any]], first: dict[str, str], second: dict[str, str]
) -> None:
    ds.start()
    for verb, (add, add_all, _) in FAMILIES.items():
        for name, value in first.items():
            assert getattr(ds, verb)(name, value) is value
            getattr(ds, add)(name, value)
        getattr(ds, add_all)(*(part for pair in second.items() for part in pair))
    block = published()
    assert block["labels"] == block["summary"] == block["parameters"] == first | second


def test_files_of_the_package_functions(published: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    tree(tmp_path / "tree")
    ds.start()
    assert ds.input("a.csv") == "a.csv"
    assert ds.output(str(tmp_path / "b.csv")) == str(tmp_path / "b.csv")
    ds.add_input("c.csv")
    ds.add_inputs("c.csv", "tree")
    ds.add_outputs("d.csv", "e.csv")
    ds.add_output("tree")
    block = published()
    assert block["input"] == ["a.csv", "c.csv", *TREE]
    assert block["output"] == ["b.csv", "d.csv", "e.csv", *TREE]


def test_what_was_declared_carries_over_a_publish(published: Callable[..., dict[str, Any]]) -> None:
    ds.start("Hello")
    ds.input("a.csv")
    ds.output("b.csv")
    ds.label("l", 1)
    ds.parameter("p", 1)
    ds.metric("m", 1)
    ds.error("e")
    first = published()
    ds.metric("m", 2)
    second = published("World")
    times = ("id", "start", "end")
    assert all(first.pop(name) != second.pop(name) for name in times)
    assert second == {**first, "summary": {"m": "2"}, "description": "World"}


def test_a_second_publish_alone_is_a_new_run(published: Callable[..., dict[str, Any]]) -> None:
    ds.start()
    first, second = published("Hello"), published("World")
    assert (first["description"], second["description"]) == ("Hello", "World")
    assert first["id"] != second["id"]
    assert first["end"] <= second["start"] <= second["end"]


def test_a_start_forgets_the_run_before(published: Callable[..., dict[str, Any]]) -> None:
    ds.start("Hello")
    ds.metric("m", 1)
    ds.error("e")
    first = published()
    ds.start()
    second = published()
    assert first["id"] != second["id"]
    assert second["summary"] == {}
    assert "description" not in second and "error" not in second


def test_a_loop_of_runs_keeps_each_apart(published: Callable[..., dict[str, Any]]) -> None:
    blocks = []
    for number in range(5):
        ds.start(f"run {number}")
        ds.parameter("number", number)
        blocks.append(published())
    assert [block["parameters"] for block in blocks] == [{"number": str(number)} for number in range(5)]
    assert len({block["id"] for block in blocks}) == 5


def test_verbs_without_a_start_open_a_run_and_say_so_once(
    published: Callable[..., dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    ds.metric("a", 1)
    ds.metric("b", 2)
    assert published()["summary"] == {"a": "1", "b": "2"}
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("ds.start()") <= 1  # said once in a process


def test_the_names_of_the_package_are_those_of_its_recorder() -> None:
    verbs = {name for name in vars(Verbs) if not name.startswith("_")}
    assert verbs <= set(ds.__all__)
    for name in verbs | {"start", "publish", "script", "interactive", "run"}:
        assert getattr(ds, name) == getattr(ds._default, name)
    assert ds.Dotscience is ds.Recorder
