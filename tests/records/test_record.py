"""A record comes back from its bytes as it was; anything else in its place is a clear error."""

import dataclasses
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.errors import CorruptError
from dotscience.records.files import CHANGES, UNSEEN, FileVersion
from dotscience.records.record import RECORD_VERSION, STATUSES, Record, canonical, seal_of
from dotscience.records.values import stored

MOMENT = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
RECORD = Record("an-id", "completed", MOMENT)

texts = st.text()
moments = st.datetimes(timezones=st.just(timezone.utc))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(texts, json_values, max_size=3)
values = st.dictionaries(texts, json_values.map(stored) | st.floats().map(stored), max_size=3)
versions = st.builds(
    FileVersion,
    texts,
    st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    st.none() | st.integers(0, (1 << 63) - 1),
    st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
    st.booleans(),
    st.none() | st.sampled_from(sorted(UNSEEN)),
    st.none() | st.sampled_from(sorted(CHANGES)),
)
records = st.builds(
    Record,
    texts,
    st.sampled_from(STATUSES),
    moments,
    **dict.fromkeys(("started", "ended"), st.none() | moments),
    **dict.fromkeys(
        ("mode", "workload_file", "description", "error", "continues", "corrects"), st.none() | texts
    ),
    **dict.fromkeys(("labels", "parameters", "metrics"), values),
    **dict.fromkeys(("inputs", "outputs"), st.lists(versions, max_size=3).map(tuple)),
    **dict.fromkeys(("workspace", "process", "code", "git", "environment"), objects),
    notices=st.lists(texts, max_size=3).map(tuple),
)  # type: ignore[arg-type]


def sealed(wire: dict[str, Any]) -> bytes:
    """A document whose seal is right, whatever it says."""
    return canonical({**wire, "seal": seal_of(canonical(wire))})


@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    raw = record.to_bytes()
    again = Record.from_bytes(raw)
    assert again.seal is not None
    assert dataclasses.replace(again, seal=None) == record
    assert again.to_bytes() == raw


@given(records)
def test_a_record_is_one_line_of_ascii(record: Record) -> None:
    raw = record.to_bytes()
    assert raw.isascii() and raw.count(b"\n") == 1 and raw.endswith(b"\n")


@given(records)
def test_what_is_written_is_the_canonical_form_of_the_document(record: Record) -> None:
    body = canonical(record.to_json())
    assert record.to_bytes() == b'{"seal":"%s",%s\n' % (seal_of(body).encode(), body[1:])


def test_a_field_that_says_nothing_is_absent() -> None:
    assert RECORD.to_json() == {
        "record": 1,
        "id": "an-id",
        "status": "completed",
        "published": "2026-11-01T08:30:00.000000Z",
    }


def test_a_document_may_be_written_in_another_order_with_spaces() -> None:
    wire = json.loads(RECORD.to_bytes())
    assert Record.from_bytes(json.dumps(dict(reversed(wire.items())), indent=2).encode()).id == "an-id"


@given(st.data())
def test_every_change_of_a_byte_is_noticed(data: st.DataObject) -> None:
    raw = dataclasses.replace(RECORD, labels={"a": 1}, description="x").to_bytes().rstrip(b"\n")
    place = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[place]))
    with pytest.raises(CorruptError, match=r"run/record\.json"):
        Record.from_bytes(raw[:place] + bytes([byte]) + raw[place + 1 :], "run/record.json")


@pytest.mark.parametrize("length", [0, 1, 20, -3])
def test_a_record_that_was_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(CorruptError, match=r"r\.json: not JSON"):
        Record.from_bytes(RECORD.to_bytes()[:length], "r.json")


@pytest.mark.parametrize(
    "raw", [b"[]", b"1", b'"x"', b"null", b"\xff", b"[" * 100_000, b'{"seal":1}', b'{"a":NaN}']
)
def test_any_other_document_is_refused(raw: bytes) -> None:
    with pytest.raises(CorruptError, match=r"^r\.json: "):
        Record.from_bytes(raw, "r.json")


def test_a_missing_seal_is_noticed() -> None:
    wire = json.loads(RECORD.to_bytes())
    del wire["seal"]
    with pytest.raises(CorruptError, match="seal: does not match") as caught:
        Record.from_bytes(json.dumps(wire).encode(), "r.json")
    assert (caught.value.file, caught.value.field) == ("r.json", "seal")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_named(version: Any) -> None:
    wire = {**RECORD.to_json(), "record": version}
    with pytest.raises(CorruptError, match=r"r\.json: record: version .* is not known here") as caught:
        Record.from_bytes(sealed(wire), "r.json")
    assert str(RECORD_VERSION) in str(caught.value)


TEXTS = [
    "id",
    "mode",
    "workload_file",
    "description",
    "error",
    "continues",
    "corrects",
    "published",
    "started",
    "ended",
]
OBJECTS = ["labels", "parameters", "metrics", "series", "workspace", "process", "code", "git", "environment"]
VALUES = ["labels", "parameters", "metrics"]
OF_A_FILE = [
    ("sha256", "00"), ("sha256", "Z" * 64), ("sha256", 1), ("size", "1"), ("size", True), ("size", -1), ("size", 0.5),
    ("mtime", "1"), ("kept", "yes"), ("unseen", 1), ("changed", []), ("path", None),
]  # fmt: skip
WRONG: list[tuple[str, Any]] = [
    *((name, wrong) for name in TEXTS for wrong in (1, None, ["a"])),
    *((name, "yesterday") for name in ("published", "started", "ended")),
    ("published", "2026-13-01T00:00:00Z"),
    *((name, wrong) for name in OBJECTS for wrong in (1, [], "a", None)),
    *((name, {"a": wrong}) for name in VALUES for wrong in ([], {}, {"text": 1}, {"type": 1, "text": "x"})),
    ("status", "good"),
    ("status", ["completed"]),
    ("notices", "one"),
    ("notices", [1]),
    *((name, wrong) for name in ("inputs", "outputs") for wrong in ({}, [1], "a", [{}], [{"path": 1}])),
    *(("inputs", [{"path": "a", field: wrong}]) for field, wrong in OF_A_FILE),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=str)
def test_a_field_of_the_wrong_type_is_named(name: str, wrong: Any) -> None:
    with pytest.raises(CorruptError, match=rf"^runs/x/record\.json: {name}: ") as caught:
        Record.from_bytes(sealed({**RECORD.to_json(), name: wrong}), "runs/x/record.json")
    assert (caught.value.file, caught.value.field) == ("runs/x/record.json", name)


@pytest.mark.parametrize("name", ["id", "status", "published"])
def test_a_missing_field_is_named(name: str) -> None:
    wire = {key: value for key, value in RECORD.to_json().items() if key != name}
    with pytest.raises(CorruptError, match=f"{name}: is missing"):
        Record.from_bytes(sealed(wire))


def test_an_unknown_field_of_a_later_minor_version_is_passed_over() -> None:
    assert Record.from_bytes(sealed({**RECORD.to_json(), "mood": "good"})).id == "an-id"


def test_times_of_other_zones_become_utc() -> None:
    wire = {**RECORD.to_json(), "started": "2026-11-01T10:30:00+02:00", "ended": "2026-11-01T08:30:00"}
    record = Record.from_json(wire)
    assert record.started == record.ended == MOMENT
    assert record.started is not None and record.started.utcoffset() == timedelta(0)


def test_models_are_read_from_well_formed_labels_only() -> None:
    good = {"files": {"model": "m"}, "type": "sklearn-model", "version": "1"}
    labels = {
        "artefact:m": json.dumps(good),
        "artefact:": json.dumps(good),
        "artefact:no json": "{",
        "artefact:no object": "[]",
        "artefact:no files": '{"files": 1}',
        "artefact:deep": "[" * 100_000,
        "artefact:typed": stored(0.5),
        "other": json.dumps(good),
    }
    assert dataclasses.replace(RECORD, labels=labels).models == {"m": good, "": good}
