"""Blobs: bytes under their digest, whoever writes at once and whenever a writer dies."""

import hashlib
import io
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.errors import ArgumentError, NotFoundError, UnwritableError
from dotscience.storage.blobs import Blobs, LocalBlobs

Start = Callable[..., "subprocess.Popen[str]"]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(str(tmp_path / "blobs"))


def files_in(blobs: LocalBlobs) -> list[str]:
    return [os.path.join(here, name) for here, _, names in os.walk(blobs.folder) for name in names]


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_what_is_put_is_there_under_its_digest(contents: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        blobs: Blobs = LocalBlobs(folder)
        for content in contents:
            digest = blobs.put_bytes(content)
            assert digest == sha(content)
            assert blobs.has(digest)
            assert blobs.size(digest) == len(content)
            with blobs.open(digest) as stream:
                assert stream.read() == content
        assert list(blobs) == sorted({sha(content) for content in contents})


def test_a_file_is_put_from_where_it_stands(blobs: LocalBlobs) -> None:
    content = os.urandom(3_000_001)
    stream = io.BytesIO(b"skipped" + content)
    stream.seek(7)
    digest = blobs.put_file(stream)
    assert digest == sha(content)
    assert blobs.check(digest)
    assert len(files_in(blobs)) == 1


def test_a_blob_lies_where_the_format_says_and_is_read_only(blobs: LocalBlobs) -> None:
    for digest in (blobs.put_bytes(b"a"), blobs.put_file(io.BytesIO(b"b"))):
        assert blobs.path(digest) == os.path.join(blobs.folder, digest[:2], digest[2:])
        assert os.stat(blobs.path(digest)).st_mode & 0o777 == 0o444


def test_putting_what_is_there_writes_nothing(blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"same")
    before = os.stat(blobs.path(digest))
    assert blobs.put_bytes(b"same") == blobs.put_file(io.BytesIO(b"same")) == digest
    assert os.stat(blobs.path(digest)) == before
    assert files_in(blobs) == [blobs.path(digest)]


@pytest.mark.parametrize("put", [LocalBlobs.put_bytes, lambda blobs, data: blobs.put_file(io.BytesIO(data))])
def test_a_blob_that_a_power_cut_left_short_is_mended_by_the_next_put(
    blobs: LocalBlobs, put: Callable[[LocalBlobs, bytes], str]
) -> None:
    digest = blobs.put_bytes(b"content")
    os.chmod(blobs.path(digest), 0o600)
    os.truncate(blobs.path(digest), 0)
    assert not blobs.check(digest)
    assert put(blobs, b"content") == digest
    assert blobs.check(digest)


def test_an_altered_blob_is_noticed(blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"content")
    os.chmod(blobs.path(digest), 0o600)
    Path(blobs.path(digest)).write_bytes(b"CONTENT")
    assert not blobs.check(digest)


def test_a_deleted_blob_is_gone_and_deleting_it_again_does_nothing(blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"content")
    blobs.delete(digest)
    blobs.delete(digest)
    assert not blobs.has(digest)
    assert list(blobs) == []


@pytest.mark.parametrize("ask", [LocalBlobs.open, LocalBlobs.size, LocalBlobs.check])
def test_a_blob_that_is_not_there_is_an_error_with_a_cure(
    blobs: LocalBlobs, ask: Callable[[LocalBlobs, str], object]
) -> None:
    with pytest.raises(NotFoundError, match=rf"no blob {'0' * 64} .* run again what made it"):
        ask(blobs, "0" * 64)


@pytest.mark.parametrize(
    "digest", ["", "abc", "A" * 64, "g" * 64, "0" * 65, "../" + "0" * 61, "0" * 63 + "\n", b"0" * 64, None]
)
@pytest.mark.parametrize(
    "ask",
    [LocalBlobs.path, LocalBlobs.has, LocalBlobs.open, LocalBlobs.size, LocalBlobs.check, LocalBlobs.delete],
)
def test_what_is_no_digest_never_becomes_a_path(
    blobs: LocalBlobs, ask: Callable[[LocalBlobs, object], object], digest: object
) -> None:
    with pytest.raises(ArgumentError, match="64 hexadecimal digits"):
        ask(blobs, digest)


def test_other_files_in_the_folder_are_no_blobs(blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"content")
    Path(blobs.folder, "README").touch()
    Path(blobs.folder, digest[:2], "tmp-0").touch()
    Path(blobs.folder, digest[:2], "note").touch()
    Path(blobs.folder, "zz").mkdir()
    Path(blobs.folder, "00").touch()
    assert list(blobs) == [digest]


def test_a_store_that_was_never_written_is_empty(blobs: LocalBlobs) -> None:
    assert (list(blobs), list(blobs.leftovers(time.time()))) == ([], [])
    assert not os.path.exists(blobs.folder)


@pytest.mark.parametrize("put", [LocalBlobs.put_bytes, lambda blobs, data: blobs.put_file(io.BytesIO(data))])
def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(
    tmp_path: Path,
    unprivileged: Callable[[], AbstractContextManager[None]],
    put: Callable[[LocalBlobs, bytes], str],
) -> None:
    os.mkdir("blobs", 0o555)
    with unprivileged(), pytest.raises(UnwritableError, match=r"Cannot write to blobs: .*Permission denied"):
        put(LocalBlobs("blobs"), b"content")


def test_a_blob_that_cannot_be_deleted_is_an_error(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    digest = LocalBlobs("blobs").put_bytes(b"content")
    os.chmod(os.path.join("blobs", digest[:2]), 0o555)
    with unprivileged(), pytest.raises(UnwritableError):
        LocalBlobs("blobs").delete(digest)


def test_a_full_disk_leaves_no_part_of_a_blob(tmp_path: Path, run_python: Callable[..., str]) -> None:
    script = """
import io, os, resource, sys
from dotscience.errors import UnwritableError
from dotscience.storage.blobs import LocalBlobs
blobs = LocalBlobs(sys.argv[1])
small = blobs.put_bytes(b"small")
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
for put in (lambda: blobs.put_bytes(bytes(3 << 20)), lambda: blobs.put_file(io.BytesIO(bytes(3 << 20)))):
    try:
        put()
    except UnwritableError as error:
        print("refused")
assert list(blobs) == [small] and not list(blobs.leftovers(1e12))
"""
    assert run_python(script, tmp_path / "blobs") == "refused\nrefused\n"


def test_processes_that_write_the_same_blobs_at_once_do_no_harm(tmp_path: Path, python: Start) -> None:
    script = """
import io, random, sys
from dotscience.storage.blobs import LocalBlobs
blobs = LocalBlobs(sys.argv[1])
contents = [bytes([number]) * 70_000 for number in range(40)]
sys.stdin.readline()
for content in contents:
    blobs.put_bytes(content)
    blobs.put_file(io.BytesIO(content[1:]))
"""
    blobs = LocalBlobs(str(tmp_path / "blobs"))
    writers = [python(script, blobs.folder) for _ in range(4)]
    for writer in writers:
        with writer:
            assert writer.communicate("go\n", timeout=60)[1] == ""
    assert len(list(blobs)) == 80
    assert all(map(blobs.check, blobs))
    assert len(files_in(blobs)) == 80


def test_a_writer_that_is_killed_leaves_no_wrong_blob(tmp_path: Path, python: Start) -> None:
    script = """
import io, os, sys
from dotscience.storage.blobs import LocalBlobs
blobs = LocalBlobs(sys.argv[1])
print("writing", flush=True)
while True:
    blobs.put_bytes(os.urandom(900_000))
    blobs.put_file(io.BytesIO(os.urandom(3_000_000)))
"""
    blobs = LocalBlobs(str(tmp_path / "blobs"))
    for _ in range(8):
        with python(script, blobs.folder) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(random.uniform(0, 0.05))
            writer.kill()
    assert all(map(blobs.check, blobs))
    later = time.time() + 1
    assert sorted(files_in(blobs)) == sorted([*map(blobs.path, blobs), *blobs.leftovers(later)])


def test_leftovers_are_found_once_they_are_old(blobs: LocalBlobs) -> None:
    digest = blobs.put_bytes(b"content")
    old = Path(blobs.folder, digest[:2], "tmp-old")
    large = Path(blobs.folder, "tmp-large")
    young = Path(blobs.folder, "tmp-young")
    for file, mtime in ((old, 1000), (large, 1000), (young, 3000)):
        file.touch()
        os.utime(file, (mtime, mtime))
    assert sorted(blobs.leftovers(before=2000)) == sorted([str(old), str(large)])


def test_a_draft_is_dropped_unless_it_is_committed(blobs: LocalBlobs) -> None:
    with blobs.draft() as draft:
        draft.write(b"abc")
    assert files_in(blobs) == []
    with blobs.draft() as draft:
        draft.write(b"abc")
        draft.commit(blobs.path(sha(b"abc")))
    assert files_in(blobs) == [blobs.path(sha(b"abc"))]
