"""Generated programs give the same run blocks under dotscience 0.8.7 and under this one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

Driver = Callable[[str, list[Any]], list[Any]]
Call = tuple[str, list[Any], dict[str, Any]]

texts = st.text(max_size=8)
values = texts | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.integers(), max_size=3)
files = st.sampled_from([
    "a.csv", "./a.csv", "data", "data/", "data/b.csv", "data/../a.csv", "missing.csv", "missing/x", "../beside",
    "a.csv/below", "new [1].csv", "é/ü.csv", "data/deep", "link.csv", "links", "broken",
])  # fmt: skip
# As an output, `..` gave 0.8.7 names such as ../study/a.csv for files inside the root.
inputs = files | st.just("..")


def calls(
    verb: str, *arguments: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]
) -> st.SearchStrategy[Call]:
    return st.tuples(st.just(verb), st.tuples(*arguments).map(list), st.fixed_dictionaries(named))


def pairs(verb: str) -> st.SearchStrategy[Call]:
    positional = st.lists(st.tuples(texts, values), max_size=3).map(
        lambda given: [part for pair in given for part in pair]
    )
    return st.tuples(st.just(verb), positional, st.dictionaries(st.sampled_from("abc"), values, max_size=2))


one = st.one_of(
    *(calls(verb, texts, values) for verb in ("label", "metric", "summary", "parameter", "add_label", "add_metric")),
    *(calls(verb, texts, values) for verb in ("add_summary", "add_parameter")),
    *(pairs(verb) for verb in ("add_labels", "add_metrics", "add_summaries", "add_parameters")),
    *(calls(verb, inputs) for verb in ("input", "add_input")),
    *(calls(verb, files) for verb in ("output", "add_output")),
    *(st.tuples(st.just(verb), st.lists(files), st.just({})) for verb in ("add_inputs", "add_outputs")),
    *(calls(verb, values) for verb in ("description", "set_description", "error", "set_error")),
    calls("model", st.sampled_from(["sklearn", "tensorflow", "torch"]), texts, files),
    calls("model", st.just("sklearn"), texts, files, classes=files),
    calls("start"), calls("start", values), calls("end"), calls("publish"), calls("publish", values),
    calls("chdir", st.sampled_from(["data", "..", "."])),
)  # fmt: skip
script_mode = calls("script", files) | calls("interactive")


def workspace(folder: Path) -> str:
    """A folder of files and links, inside one of its own, so that `..` is the same everywhere."""
    here = folder / "outer/root"
    for name in ("a.csv", "data/b.csv", "data/deep/c.csv", "é/ü.csv"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
    (here / "link.csv").symlink_to("a.csv")
    (here / "links").symlink_to("data")
    (here / "broken").symlink_to("nowhere")
    return str(here)


def comparable(answers: list[Any]) -> list[Any]:
    """Ids and times, which always differ, as one word each."""
    text = json.dumps(answers)
    text = re.sub(r"DOTSCIENCE-RUN:[0-9a-f-]{36}", "DOTSCIENCE-RUN:id", text)
    return list(json.loads(re.sub(r"\d{8}T\d{6}\.\d{6}", "time", text)))


@given(script_mode, st.lists(one, max_size=25))
@example(("script", ["x.py"], {}), [("input", [".."], {}), ("input", ["links"], {})])
@example(
    ("script", ["x.py"], {}), [("add_labels", ["a", 1], {"a": 2}), ("error", [""], {}), ("publish", [], {})]
)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_the_same_calls_give_the_same_blocks(
    original: Driver, ours: Driver, tmp_path_factory: Any, mode: Call, program: list[Call]
) -> None:
    # The first call comes at once, because 0.8.7 takes the root from where it is imported.
    whole = [mode, ("start", [], {}), *program, ("publish", [], {})]
    theirs = original(workspace(tmp_path_factory.mktemp("theirs")), whole)
    here = ours(workspace(tmp_path_factory.mktemp("ours")), whole)
    assert comparable(here) == comparable(theirs)
