"""The run block: written exactly as existing tools parse it, and found again among anything else."""

import dataclasses
import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.records.block import block_metadata, block_text, find_blocks
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.records.values import stored

MOMENT = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
RECORD = Record("an-id", "completed", MOMENT)
ids = st.text(st.characters(exclude_characters="[]\r\n"), min_size=1)
metadata = st.dictionaries(st.text(), st.text() | st.lists(st.text()))
noise = st.text() | st.sampled_from(
    ["[[DOTSCIENCE-RUN:", "[[DOTSCIENCE-RUN:x]]{", "[[/DOTSCIENCE-RUN:x]]", "[[DOTSCIENCE-RUN:x]][1][[/DOTSCIENCE-RUN:x]]"]
)  # fmt: skip


def test_the_block_of_a_record_with_everything() -> None:
    record = Record(
        "an-id",
        "failed",
        MOMENT,
        started=MOMENT,
        ended=MOMENT.replace(microsecond=7),
        mode="script",
        workload_file="train.py",
        description="é",
        error="no rows",
        labels={"b": stored(True), "a": None},
        parameters={"p": stored(Decimal("0.10"))},
        metrics={"m": stored(float("nan"))},
        inputs=(FileVersion("b"), FileVersion("a", "0" * 64), FileVersion("a", "1" * 64)),
        outputs=(FileVersion("z"), FileVersion("y")),
    )
    assert block_text(record.id, block_metadata(record)) == (
        "[[DOTSCIENCE-RUN:an-id]]{\n"
        '    "description": "\\u00e9",\n'
        '    "end": "20261101T083000.000007",\n'
        '    "error": "no rows",\n'
        '    "input": [\n        "a",\n        "b"\n    ],\n'
        '    "labels": {\n        "a": "None",\n        "b": "True"\n    },\n'
        '    "output": [\n        "y",\n        "z"\n    ],\n'
        '    "parameters": {\n        "p": "0.10"\n    },\n'
        '    "start": "20261101T083000.000000",\n'
        '    "summary": {\n        "m": "nan"\n    },\n'
        '    "version": "1",\n'
        '    "workload-file": "train.py"\n'
        "}[[/DOTSCIENCE-RUN:an-id]]"
    )


def test_an_empty_text_is_said_and_an_absent_one_is_not() -> None:
    said = block_metadata(dataclasses.replace(RECORD, description="", error=""))
    assert (said["description"], said["error"]) == ("", "")
    assert not {"description", "error", "start", "end", "workload-file"} & set(block_metadata(RECORD))


@pytest.mark.parametrize(
    ("mode", "named"), [("script", True), (None, True), ("remote", True), ("interactive", False)]
)
def test_a_notebook_is_no_workload_file(mode: str | None, named: bool) -> None:
    record = dataclasses.replace(RECORD, mode=mode, workload_file="x")
    assert ("workload-file" in block_metadata(record)) is named


@given(before=noise, run_id=ids, said=metadata, after=noise)
def test_a_block_is_found_among_noise(before: str, run_id: str, said: dict[str, Any], after: str) -> None:
    block = block_text(run_id, said)
    # Noise that opens the very same block swallows it; nothing else may.
    if f"[[DOTSCIENCE-RUN:{run_id}]]" not in before + after:
        assert (run_id, said) in list(find_blocks(before + block + after))


@given(st.lists(st.tuples(ids, metadata), max_size=4, unique_by=lambda block: block[0]), st.text(max_size=5))
def test_every_block_is_found_in_order(blocks: list[tuple[str, dict[str, Any]]], between: str) -> None:
    written = between.join(block_text(*block) for block in blocks)
    assert list(find_blocks(written)) == blocks


def test_a_block_that_is_cut_off_does_not_hide_the_next() -> None:
    whole = block_text("b", {"version": "1"})
    assert list(find_blocks('[[DOTSCIENCE-RUN:a]]{"version": ' + whole)) == [("b", {"version": "1"})]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "1", '{"a": ', "[" * 100_000], ids=lambda body: body[:8] or "empty"
)
def test_what_is_no_object_is_passed_over(body: str) -> None:
    written = f"[[DOTSCIENCE-RUN:x]]{body}[[/DOTSCIENCE-RUN:x]]" + block_text("y", {})
    assert list(find_blocks(written)) == [("y", {})]


def test_a_value_may_hold_the_text_of_a_block() -> None:
    said = {"labels": {"a": "[[/DOTSCIENCE-RUN:y]] [[DOTSCIENCE-RUN:y]]{}"}}
    assert list(find_blocks(block_text("x", said))) == [("x", said)]


def test_many_torn_blocks_are_searched_in_reasonable_time() -> None:
    torn = "".join(f"[[DOTSCIENCE-RUN:{number}]]{{\n" for number in range(2000))
    assert list(find_blocks(torn + "x" * 100_000)) == []


def test_the_block_reads_back_with_the_json_module() -> None:
    text = block_text("x", block_metadata(RECORD))
    assert json.loads(text[len("[[DOTSCIENCE-RUN:x]]") : -len("[[/DOTSCIENCE-RUN:x]]")])["version"] == "1"
