"""What every store of blobs does, a folder and an object store alike."""

import io
import os
import struct
import subprocess
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotscience.errors import ArgumentError, NotFoundError
from dotscience.storage.blobs import Blobs
from dotscience.storage.points import Layout, Rows
from dotscience.storage.series import SeriesReader, pack_series

from .conftest import Place, content, sha

MIB = 1 << 20
ABSENT = "0" * 64

one_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)


@pytest.mark.parametrize("size", [0, 1, 100, MIB, 8 * MIB, 8 * MIB + 1, 20_000_000])
@pytest.mark.parametrize(
    "put", [lambda blobs, data: blobs.put_bytes(data), lambda blobs, data: blobs.put_file(io.BytesIO(data))]
)
def test_what_is_put_is_there_for_everybody(
    place: Place, blobs: Blobs, size: int, put: Callable[[Blobs, bytes], str]
) -> None:
    data = os.urandom(size)
    digest = put(blobs, data)
    assert digest == sha(data)
    other = place.open()
    assert other.has(digest)
    assert other.size(digest) == size
    with other.open(digest) as stream:
        assert stream.read() == data
    assert content(other, digest) == data
    assert list(other) == [digest]


def test_a_file_is_put_from_where_it_stands(blobs: Blobs) -> None:
    stream = io.BytesIO(b"skipped, kept")
    stream.seek(9)
    assert content(blobs, blobs.put_file(stream)) == b"kept"


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(blobs: Blobs) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 9 * MIB:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(Exception, match="the disk is gone"):
        blobs.put_file(Broken(bytes(12 * MIB)))
    assert list(blobs) == []
    assert list(blobs.stale_uploads(time.time() + 60)) == []


def test_all_blobs_are_listed_with_sizes_and_ages(blobs: Blobs) -> None:
    before = time.time() - 2  # some stores count whole seconds
    datas = [bytes([number]) * number for number in range(30)]
    for data in datas:
        blobs.put_bytes(data)
    with blobs.upload("no-blob") as upload:
        upload.write(b"on its way")
    entries = list(blobs.entries())
    assert sorted((entry.digest, entry.size) for entry in entries) == sorted(
        (sha(data), len(data)) for data in datas
    )
    assert all(before < entry.modified < time.time() + 2 for entry in entries)
    assert sorted(blobs) == sorted(map(sha, datas))


def test_an_empty_store_lists_nothing(blobs: Blobs) -> None:
    assert list(blobs) == list(blobs.entries()) == list(blobs.stale_uploads(time.time() + 60)) == []
    assert blobs.sweep(time.time() + 60) == 0


def test_a_deleted_blob_is_gone_and_deleting_it_again_does_nothing(blobs: Blobs) -> None:
    digest = blobs.put_bytes(b"content")
    blobs.delete(digest)
    blobs.delete(digest)
    assert not blobs.has(digest)
    assert list(blobs) == []


@pytest.mark.parametrize(
    "ask",
    [lambda blobs: blobs.open(ABSENT), lambda blobs: blobs.size(ABSENT), lambda blobs: blobs.read(ABSENT)],
)
def test_a_blob_that_is_not_there_is_said_at_once(blobs: Blobs, ask: Callable[[Blobs], object]) -> None:
    assert not blobs.has(ABSENT)
    with pytest.raises(NotFoundError, match=f"no blob {ABSENT}"):
        ask(blobs)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "abc",
        "A" * 64,
        "0" * 65,
        "../" + "0" * 61,
        "0" * 63 + "\n",
        "uploads/" + "0" * 56,
        b"0" * 64,
        None,
    ],
)
def test_what_is_no_digest_never_becomes_a_key(blobs: Blobs, digest: str) -> None:
    with blobs.upload("name") as upload:
        for ask in (blobs.has, blobs.size, blobs.open, blobs.read, blobs.delete, upload.commit):
            with pytest.raises(ArgumentError, match="64 hexadecimal digits"):
                ask(digest)


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, None),
        (0, 0),
        (0, 1),
        (1, 1),
        (9, 1),
        (9, 5),
        (9, None),
        (10, None),
        (10, 1),
        (11, None),
        (99, 3),
        (0, 10),
        (0, 11),
        (3, 4),
    ],
)
def test_a_range_is_what_a_slice_is(blobs: Blobs, start: int, length: int | None) -> None:
    data = b"0123456789"
    digest = blobs.put_bytes(data)
    end = None if length is None else start + length
    assert b"".join(blobs.read(digest, start, length)) == data[start:end]


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1), (-5, 5)])
def test_a_negative_range_is_refused(blobs: Blobs, start: int, length: int | None) -> None:
    digest = blobs.put_bytes(b"0123456789")
    with pytest.raises(ArgumentError, match="begins at 0 or later"):
        blobs.read(digest, start, length)


@pytest.mark.parametrize(
    ("start", "length"), [(0, None), (8 * MIB - 1, 2), (8 * MIB, None), (MIB - 1, 12 * MIB), (17 * MIB, 1)]
)
def test_a_long_range_comes_in_pieces_of_bounded_size(blobs: Blobs, start: int, length: int | None) -> None:
    data = os.urandom(17 * MIB + 1)
    digest = blobs.put_bytes(data)
    pieces = list(blobs.read(digest, start, length))
    assert b"".join(pieces) == data[start : None if length is None else start + length]
    assert max(map(len, pieces)) <= 8 * MIB


def test_a_range_that_is_given_up_closes_its_file(blobs: Blobs) -> None:
    digest = blobs.put_bytes(bytes(20 * MIB))
    blobs.read(digest)
    next(blobs.read(digest))  # an open file would be a ResourceWarning, which is an error


@one_store
@given(
    moves=st.lists(
        st.tuples(st.integers(-3_000_000, 3_000_000), st.sampled_from([0, 1, 2]), st.integers(0, 1_500_000))
    )
)
def test_an_opened_blob_seeks_and_reads_as_any_file(blobs: Blobs, moves: list[tuple[int, int, int]]) -> None:
    data = bytes(range(251)) * 10_000
    model = io.BytesIO(data)
    with blobs.open(blobs.put_bytes(data)) as stream:
        for offset, whence, length in moves:
            base = (0, model.tell(), len(data))[whence]
            if base + offset < 0:
                with pytest.raises((OSError, ValueError)):
                    stream.seek(offset, whence)
                stream.seek(model.tell())
            else:
                assert stream.seek(offset, whence) == model.seek(offset, whence)
            assert stream.read(length) == model.read(length)
            assert stream.tell() == model.tell()
        model.seek(7)
        stream.seek(7)
        assert stream.read() == model.read()


def test_a_series_is_read_from_where_it_lies(blobs: Blobs) -> None:
    rows = b"".join(struct.pack("<qqd", step, 1000 + step, step / 7) for step in range(100_000))
    written = io.BytesIO()
    pack_series([Rows(Layout(("loss",), False), 100_000, rows)], written.write)
    with blobs.open(blobs.put_bytes(written.getvalue())) as stream:
        assert list(SeriesReader(stream, "blob").read("loss").values) == [step / 7 for step in range(100_000)]


def test_writers_of_the_same_blobs_at_once_do_no_harm(
    blobs: Blobs, writer: Callable[..., "subprocess.Popen[str]"]
) -> None:
    script = """
sys.stdin.readline()
for number in range(6):
    blobs.put_bytes(bytes([number]) * 70_000)
    with blobs.upload(f"{sys.argv[2]}-{number}") as upload:
        data = bytes([number]) * 9_000_000
        upload.write(data)
        upload.commit(hashlib.sha256(data).hexdigest())
print("done")
"""
    writers = [writer(script, number) for number in range(3)]
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in writers:
        assert process.communicate(timeout=120)[0] == "done\n"
    expected = {bytes([number]) * size for number in range(6) for size in (70_000, 9_000_000)}
    assert sorted(blobs) == sorted(map(sha, expected))
    assert all(sha(content(blobs, digest)) == digest for digest in blobs)
