"""Seeing one file: the digest is of bytes that were really there, and what was not seen is said to be unseen."""

import errno
import hashlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.records.files import UNSEEN
from dotscience.storage.blobs import BLOCK, LocalBlobs
from dotscience.storage.digests import DigestCache
from dotscience.storage.hashing import Seen, see, see_once

Start = Callable[..., "subprocess.Popen[str]"]

SMALL = b"a,b\n1,2\n"
LARGE = bytes(range(256)) * (3 * BLOCK // 256) + b"tail"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(SMALL)
    return path


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(str(tmp_path / "blobs"))


def is_spotless(blobs: LocalBlobs) -> bool:
    return all(map(blobs.check, blobs)) and not list(blobs.leftovers(before=time.time() + 60))


@pytest.mark.parametrize("size", [0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize("keep", [True, False])
def test_a_file_of_any_size_is_hashed_and_kept_in_one_pass(
    tmp_path: Path, blobs: LocalBlobs, size: int, keep: bool
) -> None:
    content = os.urandom(size)
    path = tmp_path / "data"
    path.write_bytes(content)
    stat = path.stat()
    seen = see(str(path), stat, blobs=blobs if keep else None)
    assert seen == Seen(sha(content), size, stat.st_mtime_ns, keep, None, seen.stat, None)
    assert seen.stat is not None and (seen.stat.st_ino, seen.stat.st_ctime_ns) == (
        stat.st_ino,
        stat.st_ctime_ns,
    )
    assert list(blobs) == ([seen.digest] if keep else [])
    assert is_spotless(blobs)


def test_without_expectations_a_file_is_taken_as_it_is(file: Path) -> None:
    assert see(str(file), None)[:5] == (sha(SMALL), len(SMALL), file.stat().st_mtime_ns, False, None)


@given(st.binary(max_size=2000))
def test_the_blob_is_what_was_hashed(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "data")
        Path(path).write_bytes(content)
        blobs = LocalBlobs(os.path.join(folder, "blobs"))
        seen = see(path, os.stat(path), blobs=blobs)
        assert seen.digest is not None
        with blobs.open(seen.digest) as stream:
            assert stream.read() == content


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_an_open_file_is_read_from_its_start_and_left_open(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with file.open("rb") as stream:
        stream.seek(3)
        file.unlink()
        assert see(stream.fileno(), os.fstat(stream.fileno())).digest == sha(content)
        os.fstat(stream.fileno())


def test_a_link_is_followed(tmp_path: Path, file: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    assert see(str(tmp_path / "link"), file.stat()).digest == sha(SMALL)


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = os.path.join(tmp_path, os.fsdecode(b"caf\xe9"))
    Path(path).write_bytes(SMALL)
    assert see(path, os.stat(path)).digest == sha(SMALL)


def rewrite(path: Path) -> None:
    path.write_bytes(b"x" * len(SMALL))


def grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")


def swap(path: Path) -> None:
    path.with_name("other").write_bytes(SMALL)
    path.with_name("other").replace(path)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, 1))


def rewrite_and_restore_time(path: Path) -> None:
    mtime = path.stat().st_mtime_ns
    rewrite(path)
    os.utime(path, ns=(mtime, mtime))


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "change", [rewrite, rewrite_and_restore_time, grow, swap, touch, put_pipe, put_directory, Path.unlink]
)
def test_a_file_that_is_different_by_now_is_not_read(
    file: Path, blobs: LocalBlobs, change: Callable[[Path], object], no_hang: None
) -> None:
    os.utime(file, ns=(0, 0))  # so that a rewrite cannot fall into the same tick of the clock
    before = file.stat()
    change(file)
    assert see(str(file), before, blobs=blobs) == Seen(None, len(SMALL), 0, False, "replaced")
    assert list(blobs) == []


@pytest.mark.parametrize("size", [0, 1, len(SMALL), BLOCK])
def test_nothing_is_taken_out_of_a_pipe_in_the_place_of_a_file(file: Path, size: int, no_hang: None) -> None:
    file.write_bytes(bytes(size))
    expected = file.stat()
    put_pipe(file)
    pipe = os.open(file, os.O_RDWR)  # both ends, so that neither opening waits
    os.write(pipe, b"for somebody else")
    assert see(str(file), expected).unseen == "replaced"
    assert os.read(pipe, 100) == b"for somebody else"
    os.close(pipe)


def test_a_file_that_shrank_and_grew_back_is_not_what_was_expected(file: Path) -> None:
    os.utime(file, ns=(0, 0))
    expected = file.stat()
    os.truncate(file, 1)
    os.truncate(file, len(SMALL))
    assert see(str(file), expected) == Seen(None, len(SMALL), 0, False, "replaced")


@pytest.mark.parametrize("field", ["st_ino", "st_dev", "st_size", "st_mtime_ns", "st_ctime_ns"])
def test_a_difference_in_one_field_is_enough(file: Path, field: str) -> None:
    stat = file.stat()
    fields = {
        name: getattr(stat, name) for name in ("st_ino", "st_dev", "st_size", "st_mtime_ns", "st_ctime_ns")
    }
    fields[field] += 1
    places = (stat.st_mode, fields["st_ino"], fields["st_dev"], 1, 0, 0, fields["st_size"], 0, 0, 0)
    times = {name: fields[name] for name in ("st_mtime_ns", "st_ctime_ns")}
    expected = os.stat_result(places, times)
    assert see(str(file), expected).unseen == "replaced"


@pytest.mark.parametrize("content", [b"x" * len(LARGE), LARGE + b"more", LARGE[:-1], b""])
@pytest.mark.parametrize("expect", [True, False])
def test_a_file_that_is_written_while_it_is_read_has_no_digest_and_leaves_no_blob(
    file: Path, blobs: LocalBlobs, content: bytes, expect: bool
) -> None:
    file.write_bytes(LARGE)
    os.utime(file, ns=(0, 0))
    seen = see(
        str(file),
        file.stat() if expect else None,
        blobs=blobs,
        advance=lambda _: file.write_bytes(content) and None,
    )
    assert seen == Seen(None, len(LARGE), 0, False, "changing")
    assert list(blobs) == [] and is_spotless(blobs)


def test_a_file_that_never_stops_growing_is_not_read_forever(file: Path, no_hang: None) -> None:
    file.write_bytes(LARGE)

    def append(count: int) -> None:
        with file.open("ab") as stream:
            stream.write(bytes(2 * BLOCK))

    assert see(str(file), None, advance=append).unseen == "changing"


@pytest.mark.parametrize("expect", [True, False])
def test_beside_a_writer_every_digest_is_of_bytes_that_were_there(
    tmp_path: Path, blobs: LocalBlobs, python: Start, expect: bool
) -> None:
    script = """
import itertools, os, sys
contents = [bytes([letter]) * size for letter in b"abc" for size in (1000, 70_000, 1_500_000)]
for content in itertools.cycle(contents):
    temporary = sys.argv[1] + ".new"
    with open(temporary, "wb") as stream:
        stream.write(content)
    os.replace(temporary, sys.argv[1])
"""
    whole = {sha(bytes([letter]) * size) for letter in b"abc" for size in (1000, 70_000, 1_500_000)}
    path = str(tmp_path / "data")
    with python(script, path) as writer:
        while not os.path.exists(path):
            time.sleep(0.001)
        seen = [see(path, os.stat(path) if expect else None, blobs=blobs) for _ in range(300)]
        writer.kill()
    digests = {each.digest for each in seen if each.digest is not None}
    assert digests and digests <= whole
    assert {each.unseen for each in seen} <= {None, "changing", "replaced" if expect else None}
    assert set(blobs) == digests and is_spotless(blobs)


def test_a_missing_file(tmp_path: Path, file: Path) -> None:
    for path in (tmp_path / "nowhere", file / "below"):
        assert see(str(path), None) == Seen(None, None, None, False, "missing")
    assert see("nul\0", None) == Seen(None, None, None, False, "missing")


def test_an_unreadable_file(file: Path, unprivileged: Callable[[], AbstractContextManager[None]]) -> None:
    file.chmod(0)
    with unprivileged():
        stat = os.stat("data")
        assert see("data", stat) == Seen(None, len(SMALL), stat.st_mtime_ns, False, "unreadable")
        assert see("data", None).unseen == "unreadable"


def test_a_directory_and_a_closed_descriptor_are_unreadable(tmp_path: Path) -> None:
    assert see(str(tmp_path), None).unseen == "unreadable"
    assert see(str(tmp_path), tmp_path.stat()).unseen == "unreadable"
    assert see(999_999, None).unseen == "unreadable"


@pytest.fixture
def specials(tmp_path: Path) -> Iterator[dict[str, str]]:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        yield {"pipe": str(tmp_path / "pipe"), "socket": str(tmp_path / "socket"), "device": "/dev/zero"}


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
@pytest.mark.parametrize("expect", [True, False])
def test_what_is_no_file_is_special(specials: dict[str, str], kind: str, expect: bool, no_hang: None) -> None:
    path = specials[kind]
    assert see(path, os.stat(path) if expect else None) == Seen(None, None, None, False, "special")


def test_nothing_is_taken_out_of_a_pipe(tmp_path: Path, no_hang: None) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"for somebody else")
    assert see(reading, None).unseen == "special"
    assert os.read(reading, 100) == b"for somebody else"
    os.close(reading)
    os.close(writing)


def test_a_file_of_the_system_whose_size_is_not_its_content_has_no_digest() -> None:
    if not os.path.exists("/proc/self/status"):
        pytest.skip("needs /proc")
    assert see("/proc/self/status", None).unseen == "changing"


def test_a_leased_file_is_waited_for(file: Path, python: Start, no_hang: None) -> None:
    fcntl = pytest.importorskip("fcntl")
    if not hasattr(fcntl, "F_SETLEASE"):
        pytest.skip("needs leases, which Linux has")
    script = """
import fcntl, signal, sys
file = open(sys.argv[1], "r+b")
signal.signal(signal.SIGIO, lambda *_: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK))
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("leased", flush=True)
while True:
    signal.pause()
"""
    with python(script, file) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "leased\n"
        seen = see(str(file), file.stat())
        holder.kill()
    assert seen.digest == sha(SMALL)


def test_every_reason_is_a_word_of_the_record() -> None:
    assert {"missing", "unreadable", "special", "changing", "replaced"} <= set(UNSEEN)


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_where_blobs_cannot_be_written_the_digest_is_taken_all_the_same(
    file: Path, content: bytes, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    file.write_bytes(content)
    os.mkdir("blobs", 0o555)
    with unprivileged():
        seen = see("data", os.stat("data"), blobs=LocalBlobs("blobs"))
    assert (seen.digest, seen.kept, seen.unseen) == (sha(content), False, None)
    assert seen.fault is not None and seen.fault.errno == errno.EACCES


@pytest.mark.parametrize("content", [SMALL * 100, LARGE])
def test_on_a_full_disk_the_digest_is_taken_and_nothing_is_left_behind(
    file: Path, blobs: LocalBlobs, content: bytes, run_python: Callable[..., str]
) -> None:
    script = """
import errno, os, resource, sys
from dotscience.storage.blobs import LocalBlobs
from dotscience.storage.hashing import see
limit = os.path.getsize(sys.argv[1]) - 100
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
seen = see(sys.argv[1], None, blobs=LocalBlobs(sys.argv[2]))
print(seen.digest, seen.kept, seen.fault.errno == errno.EFBIG)
"""
    file.write_bytes(content)
    assert run_python(script, file, blobs.folder) == f"{sha(content)} False True\n"
    assert list(blobs) == [] and is_spotless(blobs)


@pytest.fixture
def cloning(tmp_path: Path, require: Callable[..., None]) -> Iterator[Path]:
    """A folder on a file system where files can share blocks."""
    require("mkfs.xfs", "mount")
    image, folder = tmp_path / "image", tmp_path / "mounted"
    image.touch()
    os.truncate(image, 400 * BLOCK)
    folder.mkdir()
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    if (
        subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True, check=False).returncode
        != 0
    ):
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_where_files_can_share_blocks_a_large_one_is_kept_without_a_copy(cloning: Path) -> None:
    def used() -> int:
        os.sync()
        figures = os.statvfs(cloning)
        return (figures.f_blocks - figures.f_bfree) * figures.f_bsize

    file, blobs = cloning / "data", LocalBlobs(str(cloning / "blobs"))
    content = os.urandom(20 * BLOCK)
    file.write_bytes(content)
    before = used()
    seen = see(str(file), file.stat(), blobs=blobs)
    assert (seen.digest, seen.kept) == (sha(content), True)
    assert used() - before < 2 * BLOCK
    assert is_spotless(blobs)


def test_a_clone_is_of_one_moment_whatever_is_written_while_it_is_hashed(cloning: Path) -> None:
    file, blobs = cloning / "data", LocalBlobs(str(cloning / "blobs"))
    file.write_bytes(LARGE)
    seen = see(str(file), file.stat(), blobs=blobs, advance=lambda _: file.write_bytes(b"other") and None)
    assert (seen.digest, seen.kept, seen.unseen) == (sha(LARGE), True, None)
    assert list(blobs) == [sha(LARGE)] and is_spotless(blobs)


def test_progress_of_a_large_file_adds_up_to_its_size(file: Path) -> None:
    file.write_bytes(LARGE)
    counts: list[int] = []
    see(str(file), None, advance=counts.append)
    assert sum(counts) == len(LARGE)
    assert len(counts) >= 4


class TestSeeOnce:
    """`see_once`: what the cache knows is not read again."""

    @pytest.fixture
    def cache(self, tmp_path: Path) -> DigestCache:
        return DigestCache(str(tmp_path / "digests"), clock=lambda: time.time() + 3600)

    def test_a_known_file_is_not_read(self, file: Path, cache: DigestCache) -> None:
        stat = file.stat()
        first = see_once(str(file), stat, cache)
        file.unlink()
        again = see_once(str(file), stat, cache)
        assert (first.digest, first.kept) == (again.digest, again.kept) == (sha(SMALL), False)

    def test_it_is_read_again_to_be_kept_and_then_no_more(
        self, file: Path, cache: DigestCache, blobs: LocalBlobs
    ) -> None:
        stat = file.stat()
        see_once(str(file), stat, cache)
        assert see_once(str(file), stat, cache, blobs=blobs).kept
        file.unlink()
        assert see_once(str(file), stat, cache, blobs=blobs).kept
        assert see_once(str(file), stat, cache).kept
        assert list(blobs) == [sha(SMALL)]

    def test_a_changed_file_is_read(self, file: Path, cache: DigestCache) -> None:
        see_once(str(file), file.stat(), cache)
        file.write_bytes(SMALL * 2)
        assert see_once(str(file), file.stat(), cache).digest == sha(SMALL * 2)

    def test_what_was_not_seen_is_not_remembered(self, file: Path, cache: DigestCache) -> None:
        stat = file.stat()
        file.write_bytes(SMALL * 2)
        assert see_once(str(file), stat, cache).unseen == "replaced"
        assert cache.get(stat) is None

    def test_a_young_file_is_read_each_time(self, tmp_path: Path, file: Path) -> None:
        cache = DigestCache(str(tmp_path / "digests"))
        stat = file.stat()
        see_once(str(file), stat, cache)
        assert cache.get(stat) is None
