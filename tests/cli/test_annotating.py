"""`ds tag`, `ds note`, `ds publish`, `ds discard`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dotscience.testing import fresh_recorder

Ds = Callable[..., Result]
Ids = Mapping[str, str]


def test_tags_are_given_and_taken_away(study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]) -> None:
    run = ids["prepared"]
    assert ds_json("tag", run, "baseline", "paper") == {"id": run, "tags": ["baseline", "paper"]}
    assert ds("tag", run, "paper", "--remove").stdout == f"{run}: baseline\n"
    assert ds("tag", run).stdout == f"{run}: baseline\n"
    assert ds("tag", ids["tuned"]).stdout.endswith("no tags\n")


def test_tags_and_notes_are_listed_at_once(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    ds("list")
    ds("tag", ids["prepared"], "baseline")
    ds("note", ids["prepared"], "the old rows\nof spring")
    (row,) = ds_json("list", '"baseline" in tag')
    assert row["id"] == ids["prepared"]
    assert [note["text"] for note in row["notes"]] == ["the old rows\nof spring"]
    assert "the old rows" in ds("show", ids["prepared"]).stdout


def test_the_record_is_not_touched(study: Path, ids: Ids, ds: Ds) -> None:
    record = study / ".dotscience" / "runs" / ids["prepared"] / "record.json"
    before = record.read_bytes()
    ds("tag", ids["prepared"], "a")
    ds("note", ids["prepared"], "b")
    assert record.read_bytes() == before
    assert ds("verify").exit_code == 0


@pytest.mark.parametrize("tag", ["two words", "", "tab\t", "\x1b[31m"])
def test_a_tag_is_one_word(study: Path, ids: Ids, ds: Ds, tag: str) -> None:
    result = ds("tag", ids["prepared"], "fine", tag)
    assert result.exit_code == 2
    assert "A tag is one word" in result.stderr
    assert ds("tag", ids["prepared"]).stdout.endswith("no tags\n")


def test_a_note_needs_a_text(study: Path, ids: Ids, ds: Ds) -> None:
    assert ds("note", ids["prepared"], " ").exit_code == 2
    assert ds("note", ids["prepared"]).exit_code == 2


def test_a_run_that_was_left_behind_is_published(
    study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]
) -> None:
    document = ds_json("publish", ids["tuned"][:8])
    assert (document["status"], document["metrics"]) == ("crashed", {"accuracy": 0.1})
    assert ds("publish", ids["explored"]).stdout == f"{ids['explored']}  published, completed\n"
    assert {row["published"] is None for row in ds_json("list")} == {False}


def test_a_published_run_is_not_published_again(study: Path, ids: Ids, ds: Ds) -> None:
    result = ds("publish", ids["prepared"])
    assert result.exit_code == 1
    assert "published already" in result.stderr


def test_a_run_in_progress_is_neither_published_nor_dropped(study: Path, ds: Ds) -> None:
    with fresh_recorder(study) as recorder:
        recorder.start("at work")
        for command in (("publish", "@latest"), ("discard", "@latest", "--yes")):
            result = ds(*command)
            assert result.exit_code == 1
            assert "still in progress" in result.stderr


def test_an_unpublished_run_is_dropped(study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]) -> None:
    assert ds_json("discard", ids["tuned"], "--yes") == {"discarded": [ids["tuned"]]}
    assert ids["tuned"] not in json.dumps(ds_json("list"))


def test_nothing_is_dropped_where_nobody_can_be_asked(study: Path, ids: Ids, ds: Ds) -> None:
    result = ds("discard", ids["tuned"], ids["explored"])
    assert result.exit_code == 1
    assert ids["tuned"] in result.stderr and "say --yes" in result.stderr
    assert len(list((study / ".dotscience" / "runs").iterdir())) == 5


def test_with_a_published_run_among_them_none_is_dropped(study: Path, ids: Ids, ds: Ds) -> None:
    result = ds("discard", ids["tuned"], ids["prepared"], "--yes")
    assert result.exit_code == 1
    assert "a record is permanent" in result.stderr
    assert len(list((study / ".dotscience" / "runs").iterdir())) == 5
