"""A journal's events are replayed as far as they make sense; the rest is said to be left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.records.files import FileVersion
from dotscience.records.state import RUN_STATUSES, RunState

DIGEST = "0" * 64
HEADER = {"id": "an-id", "root": "/w", "process": {"pid": 1}}


def test_every_kind_of_event() -> None:
    state = RunState.replay(
        HEADER,
        [
            ["started", 1.5],
            ["mode", "script"],
            ["workload_file", "x.py"],
            ["label", "a", 1],
            ["label", "a", 2],
            ["parameter", "p", {"type": "decimal.Decimal", "text": "1"}],
            ["metric", "m", None],
            ["inputs", [{"path": "i", "size": 1, "mtime": 2}]],
            [
                "inputs",
                [{"path": "i", "size": 1, "mtime": 2, "sha256": DIGEST}, {"path": "j", "unseen": "missing"}],
            ],
            ["output", "o"],
            ["output", "o"],
            ["description", "d"],
            ["error", "e"],
            ["continues", "before"],
            ["traceback", "Traceback …"],
            ["surroundings", {"git": {"commit": "c"}}],
            ["ended", 2],
            ["closed", "crashed"],
        ],
    )
    assert (state.id, state.root, state.process, state.status) == ("an-id", "/w", {"pid": 1}, "crashed")
    assert (state.started, state.ended, state.mode, state.workload_file) == (1.5, 2, "script", "x.py")
    assert (state.labels, state.metrics) == ({"a": 2}, {"m": None})
    assert state.parameters == {"p": {"type": "decimal.Decimal", "text": "1"}}
    assert list(state.inputs.values()) == [FileVersion("i", DIGEST, 1, 2), FileVersion("j", unseen="missing")]
    assert list(state.outputs) == ["o"]
    assert (state.description, state.error, state.continues) == ("d", "e", "before")
    assert (state.traceback, state.surroundings) == ("Traceback …", {"git": {"commit": "c"}})
    assert state.problems == []


WRONG: list[list[Any]] = [
    ["unknown", 1], ["label"], ["label", "a"], ["label", 1, 2], ["label", "a", 1, 2], ["label", "a", [1]],
    ["metric", "a", {}], ["metric", "a", {"text": 1}], ["inputs"], ["inputs", 1], ["inputs", {"path": "a"}],
    ["inputs", ["a"]], ["inputs", [{}]], ["inputs", [{"path": "a", "sha256": "x"}]], ["output"], ["output", None],
    ["output", ["a"]], ["description"], ["description", 1], ["started"], ["started", "now"], ["started", None],
    ["started", float("nan")], ["started", float("inf")], ["ended", 1e300], ["surroundings", []], ["surroundings", {"git": []}], ["surroundings", {"notices": [1]}],
    ["surroundings"], ["closed"], ["closed", "completed"], ["closed", []], ["id", "x"], ["__class__", "x"], ["problems", 1],
]  # fmt: skip


@pytest.mark.parametrize("event", WRONG, ids=str)
def test_an_event_that_does_not_fit_is_passed_over_and_said(event: list[Any]) -> None:
    state = RunState.replay(HEADER, [["metric", "before", 1], event, ["metric", "after", 2]])
    assert state.metrics == {"before": 1, "after": 2}
    assert len(state.problems) == 1
    assert repr(event[0]) in state.problems[0]
    state.problems.clear()
    assert state == RunState.replay(HEADER, [["metric", "before", 1], ["metric", "after", 2]])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
kinds = st.text() | st.sampled_from(
    ["label", "inputs", "output", "started", "closed", "surroundings", "mode", "error"]
)


@given(
    st.lists(
        st.builds(lambda kind, rest: [kind, *rest], kinds, st.lists(json_values, max_size=3)), max_size=5
    )
)
def test_no_event_ends_a_replay(events: list[list[Any]]) -> None:
    state = RunState.replay(HEADER, events)
    assert state.status in RUN_STATUSES
    assert len(state.problems) <= len(events)


@pytest.mark.parametrize(
    "header", [{"id": "x"}, {"id": "x", "process": []}, {"id": "x", "process": 1, "root": None}]
)
def test_a_header_may_say_little(header: dict[str, Any]) -> None:
    state = RunState.replay(header, [])
    assert (state.id, state.process, state.status) == ("x", {}, "running")
