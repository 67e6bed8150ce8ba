"""A journal is readable whatever happened to its writer: a torn tail is dropped, a damaged line is said to be."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.errors import CorruptError
from dotscience.storage.journal import JOURNAL_VERSION, AppendFile, encode_events, read_journal

HEADER = {"journal": JOURNAL_VERSION, "id": "an-id", "process": {"pid": 1}}
EVENTS: list[list[Any]] = [
    ["started", 1793521800.25],
    ["label", "é😀\n\x00\ud800", {"type": "float", "text": "nan"}],
    ["inputs", [{"path": "a", "size": 1, "mtime": 2}]],
    ["metric", "m", 0.1],
]
WHOLE = encode_events([HEADER, *EVENTS])


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
events = st.lists(st.builds(lambda kind, rest: [kind, *rest], st.text(), st.lists(json_values)), max_size=6)


@given(events)
def test_what_is_appended_comes_back(tmp_path_factory: pytest.TempPathFactory, said: list[list[Any]]) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    file = AppendFile(str(path))
    file.append(encode_events([HEADER]))
    for event in said:
        file.append(encode_events([event]))
    file.close()
    file.close()
    journal = read_journal(str(path))
    assert (journal.header, journal.events, journal.problems) == (HEADER, said, [])
    assert journal.last_beat == path.stat().st_mtime


def test_a_tail_torn_at_any_byte_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for length in range(len(WHOLE) + 1):
        path.write_bytes(WHOLE[:length])
        journal = read_journal(str(path))
        lines = WHOLE[:length].count(b"\n")
        assert journal.problems == []
        assert journal.header == (HEADER if lines else {})
        assert journal.events == EVENTS[: max(0, lines - 1)]


def test_a_tail_of_zeros_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(WHOLE + bytes(4096))
    assert read_journal(str(path)).events == EVENTS
    assert read_journal(str(path)).problems == []


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b"\xff",
        b"garbage",
        b'["metric","a"',
        b"null",
        b'["metric","a",NaN]',
        b"[" * 100_000,
    ],
    ids=lambda line: repr(line[:12]),
)
def test_a_damaged_line_is_named_and_the_others_are_kept(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = WHOLE.split(b"\n")
    lines.insert(3, line)
    path.write_bytes(b"\n".join(lines))
    journal = read_journal(str(path))
    assert journal.events == EVENTS
    (problem,) = journal.problems
    assert (problem.file, problem.field) == (str(path), "line 4")


@given(st.data())
def test_a_changed_byte_costs_at_most_its_own_lines(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    start = WHOLE.index(b"\n") + 1
    place = data.draw(st.integers(start, len(WHOLE) - 1))
    path.write_bytes(WHOLE[:place] + bytes([data.draw(st.integers(0, 255))]) + WHOLE[place + 1 :])
    journal = read_journal(str(path))
    assert len([event for event in EVENTS if event in journal.events]) >= len(EVENTS) - 2


@pytest.mark.parametrize("header", [b"garbage", b"[]", b'{"journal":1}', b'{"journal":1,"id":5}', b"\xff"])
def test_a_damaged_header_is_named(header: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(header + b"\n" + b'["metric","a",1]\n')
    with pytest.raises(CorruptError, match="line 1: is no journal header") as caught:
        read_journal(str(path))
    assert caught.value.file == str(path)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_named(version: Any, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(encode_events([{**HEADER, "journal": version}]))
    with pytest.raises(CorruptError, match=r"journal version .* is not known here"):
        read_journal(str(path))


def test_events_are_ascii_lines() -> None:
    assert WHOLE.isascii()
    assert [json.loads(line) for line in WHOLE.splitlines()] == [HEADER, *EVENTS]


def test_an_append_file_continues_where_it_ended(tmp_path: Path) -> None:
    for part in (b"one\n", b"two\n"):
        file = AppendFile(str(tmp_path / "file"))
        file.append(part)
        file.close()
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"


def test_a_new_file_is_never_seen_without_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            if path.exists():
                seen.add(path.read_bytes())
                path.unlink()

    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(300):
        AppendFile(str(path), b"begin\n").close()
    stop.set()
    looker.join()
    assert seen == {b"begin\n"}
    assert os.listdir(tmp_path) in ([], ["file"])


def test_a_beginning_that_finds_no_room_leaves_no_file(full_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        AppendFile(str(full_disk / "file"), b"x" * (1 << 20))
    assert os.listdir(full_disk) == []


def test_what_a_failed_write_left_half_done_is_taken_back(full_disk: Path) -> None:
    file = AppendFile(str(full_disk / "file"))
    file.append(b"kept\n")
    with pytest.raises(OSError, match="No space left"):
        file.append(b"x" * (1 << 20))
    assert (full_disk / "file").read_bytes() == b"kept\n"
    file.append(b"again\n")
    file.close()
    assert (full_disk / "file").read_bytes() == b"kept\nagain\n"


def test_a_beat_sets_the_time_and_nothing_else(tmp_path: Path) -> None:
    file = AppendFile(str(tmp_path / "file"))
    file.append(b"x")
    os.utime(tmp_path / "file", (1, 1))
    file.beat()
    file.close()
    assert (tmp_path / "file").stat().st_mtime > 1e9
    assert (tmp_path / "file").read_bytes() == b"x"
