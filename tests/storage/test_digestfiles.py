"""Files of the digest cache: what was put in is found, and what is damaged is never taken for a digest."""

import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotscience.storage.digestfiles import RECORD, SMALL, DigestFile, encode

LARGE = {random.Random(number).randbytes(40): number.to_bytes(33, "big") for number in range(SMALL + 1)}
LARGE_FILE = encode(LARGE)

entries = st.dictionaries(st.binary(min_size=40, max_size=40), st.binary(min_size=33, max_size=33))


def opened(path: Path | str, raw: bytes) -> DigestFile:
    Path(path).write_bytes(raw)
    return DigestFile(open(path, "rb", buffering=0))


@given(entries, st.binary(min_size=40, max_size=40))
def test_a_small_file_holds_what_was_put_in(entries: Mapping[bytes, bytes], other: bytes) -> None:
    file = opened("file", encode(entries))
    assert file.entries() == entries
    assert all(file.get(identity) == value for identity, value in entries.items())
    assert file.get(other) == entries.get(other)


def test_a_large_file_holds_what_was_put_in() -> None:
    file = opened("file", LARGE_FILE)
    assert file.entries() == LARGE
    assert all(file.get(identity) == value for identity, value in LARGE.items())
    assert file.get(bytes(40)) is None


def test_a_record_takes_73_bytes_and_little_beside() -> None:
    assert len(LARGE_FILE) < len(LARGE) * (RECORD + 1.1)


def test_an_identity_is_not_found_across_two_records() -> None:
    entries = {bytes(40): bytes(33), b"\1" * 40: b"\1" * 33}
    file = opened("file", encode(entries))
    assert file.get(bytes(39) + b"\1") is None
    assert file.get(b"\0" + b"\1" * 39) is None


@given(st.data())
def test_a_file_that_was_cut_or_grew_is_refused(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from([LARGE_FILE, encode({}), encode({bytes(40): bytes(33)})]))
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    for damaged in (cut, raw + b"x"):
        with pytest.raises(ValueError, match=r"cut short|not a file of digests"):
            opened("file", damaged)


@settings(max_examples=20)
@given(st.data())
def test_what_is_damaged_is_never_taken_for_a_digest(data: st.DataObject) -> None:
    raw = bytearray(LARGE_FILE)
    for place in data.draw(
        st.sets(st.integers(0, len(raw) - 1) | st.integers(0, 300), min_size=1, max_size=3)
    ):
        raw[place] ^= data.draw(st.integers(1, 255))
    try:
        file = opened("file", bytes(raw))
    except ValueError:
        return
    with pytest.raises(ValueError, match="is damaged"):
        file.entries()
    for identity, value in LARGE.items():
        assert file.get(identity) in (value, None)


@given(st.binary(max_size=500))
def test_garbage_is_refused(garbage: bytes) -> None:
    for raw in (garbage, b"dotscience digests 1\n" + garbage):
        with pytest.raises(ValueError, match=r"cut short|not a file of digests"):
            opened("file", raw)


def test_a_file_that_another_process_removes_stays_usable() -> None:
    file = opened("file", LARGE_FILE)
    os.unlink("file")
    identity, value = next(iter(LARGE.items()))
    assert file.get(identity) == value
