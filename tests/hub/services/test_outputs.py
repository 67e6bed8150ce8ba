"""Where the outputs of a run of dotscience 0.8.7 lie in what it sent."""

from __future__ import annotations

import pytest

from dotscience.hub.services.outputs import Sent, match
from dotscience.hub.store.entries import Entry


def tree(key: str, *members: str, commit: str = "upload", content: str = "") -> Sent:
    """An archive that was unpacked at a key."""
    paths = [f"{key}/{member}" for member in members]
    return Sent(commit, key, True, {path: Entry(path, path + content, 1, 0) for path in paths})


def file(path: str, commit: str = "upload", content: str = "") -> Sent:
    return Sent(commit, path, False, {path: Entry(path, path + content, 1, 0)})


@pytest.mark.parametrize(
    ("outputs", "sent", "wanted"),
    [
        pytest.param(
            ["model/a/saved.pb", "model/classes.json"],
            tree("model", "a/saved.pb", "classes.json"),
            {"model/a/saved.pb": "model/a/saved.pb", "model/classes.json": "model/classes.json"},
            id="model",
        ),
        pytest.param(
            ["model/a", "model/b"],
            tree("model", "model/a", "model/b"),
            {"model/a": "model/model/a", "model/b": "model/model/b"},
            id="./model or model/",
        ),
        pytest.param(
            ["model/a", "model/b"],
            tree("abs/here/model", "model/a", "model/b"),
            {"model/a": "abs/here/model/model/a", "model/b": "abs/here/model/model/b"},
            id="absolute",
        ),
        pytest.param(
            ["classes.json", "model.joblib"],
            tree("model.joblib", "classes.json", "model.joblib"),
            {"classes.json": "model.joblib/classes.json", "model.joblib": "model.joblib/model.joblib"},
            id="a file and its classes",
        ),
        pytest.param(
            ["m1/a", "m2/a"],
            tree("m2", "m1/a", "a"),
            {"m1/a": "m2/m1/a", "m2/a": "m2/a"},
            id="two models",
        ),
        pytest.param(["data.csv"], file("data.csv"), {"data.csv": "data.csv"}, id="one file"),
        pytest.param(["model/a"], file("model/a"), {"model/a": "model/a"}, id="directory of one file"),
    ],
)
def test_outputs_are_found(outputs: list[str], sent: Sent, wanted: dict[str, str]) -> None:
    found = match(outputs, [sent])
    assert {output: entry.path for output, entry in found.files.items()} == wanted
    assert found.is_whole and not found.is_ambiguous
    assert found.uploads == ("upload",)


def test_a_run_without_outputs_takes_nothing() -> None:
    found = match([], [file("a"), tree("b", "c")])
    assert found.is_whole and not found.uploads


@pytest.mark.parametrize(
    ("outputs", "sent"),
    [
        (["../model/a", "../model/b"], []),
        (["../a"], [file("a")]),
        (["a", "b"], [tree("model", "a", "b", "c")]),
        (["a", "b", "c"], [tree("model", "a", "b")]),
        (["a"], [tree("a", "a")]),
        (["a", "b"], [tree("model")]),
    ],
)
def test_what_does_not_fit_is_not_taken(outputs: list[str], sent: list[Sent]) -> None:
    found = match(outputs, sent)
    assert found.files == {} and not found.uploads
    assert found.missing == tuple(sorted(outputs))


def test_several_files_one_by_one_as_before_0_6_9() -> None:
    found = match(["a", "b"], [file("b", "second"), file("a", "first")])
    assert found.is_whole
    assert set(found.uploads) == {"first", "second"}


def test_outputs_that_got_one_name_in_the_archive_are_unknown() -> None:
    found = match(["model/a", "a", "b"], [tree("model", "a", "b")])
    assert (set(found.files), found.missing) == ({"b"}, ("a", "model/a"))


def test_the_newest_that_fits_is_taken_and_others_are_told_of() -> None:
    found = match(["a"], [file("a", "new", "1"), file("x", "other"), file("a", "old", "2")])
    assert (found.uploads, found.is_ambiguous) == (("new",), True)
    trees = [tree("m", "a", "b", commit="new", content="1"), tree("m", "a", "b", commit="old", content="2")]
    found = match(["m/a", "m/b"], trees)
    assert (found.uploads, found.is_ambiguous) == (("new",), True)


def test_the_same_bytes_twice_leave_no_doubt() -> None:
    assert not match(["a"], [file("a", "new"), file("a", "old")]).is_ambiguous
