"""The digest cache: what is remembered, what is not trusted, and what becomes of a damaged folder."""

import hashlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.storage.digests import DigestCache, identity

Start = Callable[..., "subprocess.Popen[str]"]

NOW = 1_800_000_000.0
DIGEST = hashlib.sha256(b"").hexdigest()


def stat_of(
    inode: int = 7, size: int = 0, mtime: float = NOW - 100, ctime: float = NOW - 100
) -> os.stat_result:
    times = {"st_mtime_ns": int(mtime * 1e9), "st_ctime_ns": int(ctime * 1e9)}
    return os.stat_result((0o100644, inode, 1, 1, 0, 0, size, 0, 0, 0), times)


def cache_in(folder: str | Path, now: float = NOW) -> DigestCache:
    return DigestCache(str(folder), clock=lambda: now)


def saved(folder: str | Path, *inodes: int, now: float = NOW) -> None:
    cache = cache_in(folder, now)
    for inode in inodes:
        cache.put(stat_of(inode), f"{inode:064x}", inode % 2 == 1, NOW)
    cache.save()


@pytest.mark.parametrize("kept", [True, False])
def test_a_digest_is_known_at_once_and_after_save_to_the_next_process(tmp_path: Path, kept: bool) -> None:
    cache = cache_in(tmp_path / "digests")
    assert cache.get(stat_of()) is None
    cache.put(stat_of(), DIGEST, kept, NOW)
    assert cache.get(stat_of()) == (DIGEST, kept)
    cache.save()
    assert cache_in(tmp_path / "digests").get(stat_of()) == (DIGEST, kept)


def test_the_latest_word_on_a_file_counts(tmp_path: Path) -> None:
    for moment, kept in enumerate((False, True)):
        cache = cache_in(tmp_path, NOW + moment)
        assert cache.get(stat_of()) == ((DIGEST, False) if kept else None)
        cache.put(stat_of(), DIGEST, kept, NOW)
        assert cache.get(stat_of()) == (DIGEST, kept)
        cache.save()
        assert cache.get(stat_of()) == (DIGEST, kept)
    assert cache_in(tmp_path).get(stat_of()) == (DIGEST, True)


@pytest.mark.parametrize(
    "other",
    [
        stat_of(inode=8),
        stat_of(size=1),
        stat_of(mtime=NOW - 99),
        stat_of(mtime=NOW - 100 + 1e-6),
        stat_of(ctime=NOW - 100 + 1e-6),
    ],
)
def test_a_file_that_differs_in_anything_is_not_known(tmp_path: Path, other: os.stat_result) -> None:
    cache = cache_in(tmp_path)
    cache.put(stat_of(), DIGEST, False, NOW)
    assert cache.get(other) is None


@pytest.mark.parametrize(
    ("mtime", "ctime", "trusted"),
    [
        (NOW - 2.001, NOW - 2.001, True),
        (NOW - 1.999, NOW - 100, False),
        (NOW - 100, NOW - 1.999, False),
        (NOW, NOW, False),
        (NOW + 3600, NOW - 100, False),
        (NOW - 100, NOW + 3600, False),
        (-3600.0, NOW - 100, True),
    ],
)
def test_a_file_hashed_within_two_seconds_of_its_last_change_is_not_remembered(
    tmp_path: Path, mtime: float, ctime: float, trusted: bool
) -> None:
    stat = stat_of(mtime=mtime, ctime=ctime)
    cache = cache_in(tmp_path)
    cache.put(stat, DIGEST, True, hashed_at=NOW)
    assert cache.get(stat) == ((DIGEST, True) if trusted else None)


def test_a_file_without_an_inode_is_not_remembered(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    cache.put(stat_of(inode=0), DIGEST, False, NOW)
    assert cache.get(stat_of(inode=0)) is None


def test_nothing_is_written_when_there_is_nothing_new(tmp_path: Path) -> None:
    saved(tmp_path / "digests")
    assert not (tmp_path / "digests").exists()
    saved(tmp_path / "digests", 1)
    cache = cache_in(tmp_path / "digests")
    cache.get(stat_of(1))
    cache.save()
    assert len(list((tmp_path / "digests").iterdir())) == 1


def test_many_files_are_merged_into_one_and_nothing_is_forgotten(tmp_path: Path) -> None:
    for inode in range(1, 66):
        saved(tmp_path, inode, now=NOW + inode)
    assert len(list(tmp_path.iterdir())) == 1
    cache = cache_in(tmp_path)
    assert all(cache.get(stat_of(inode)) == (f"{inode:064x}", inode % 2 == 1) for inode in range(1, 66))


def test_large_files_are_merged_too_when_there_are_many(tmp_path: Path) -> None:
    inodes = range(1, 20_102)
    for moment in range(1, 7):
        cache = cache_in(tmp_path, NOW + moment)
        for inode in inodes:
            cache.put(stat_of(inode, size=moment), f"{inode:064x}", True, NOW)
        cache.save()
        assert len(list(tmp_path.iterdir())) == (moment if moment < 6 else 1)
    cache = cache_in(tmp_path)
    for moment in range(1, 7):
        for inode in (1, 77, 20_101):
            assert cache.get(stat_of(inode, size=moment)) == (f"{inode:064x}", True)
    assert cache.get(stat_of(20_102, size=1)) is None


def test_while_another_process_merges_what_is_new_is_written_beside(tmp_path: Path) -> None:
    for inode in range(1, 65):
        saved(tmp_path, inode, now=NOW + inode)
    (tmp_path / "tmp-merging").touch()
    moment = (tmp_path / "tmp-merging").stat().st_mtime
    saved(tmp_path, 65, now=moment)
    assert len(list(tmp_path.iterdir())) == 66
    assert cache_in(tmp_path).get(stat_of(65)) is not None


def test_what_killed_processes_left_behind_is_removed_by_a_later_merge(tmp_path: Path) -> None:
    for inode in range(1, 65):
        saved(tmp_path, inode, now=NOW + inode)
    for name in ("tmp-merging", "tmp-01234567"):
        (tmp_path / name).write_bytes(b"dotscience digests 1\n")
    moment = (tmp_path / "tmp-merging").stat().st_mtime
    saved(tmp_path, 65, now=moment + 7200)
    assert len(list(tmp_path.iterdir())) == 1
    assert cache_in(tmp_path).get(stat_of(65)) is not None


@given(st.data())
def test_a_file_that_was_cut_or_altered_is_removed_and_the_others_still_count(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        saved(folder, 1, 2, 3)
        (damaged,) = Path(folder).iterdir()
        saved(folder, 4, now=NOW + 1)
        raw = bytearray(damaged.read_bytes())
        place = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            del raw[place:]
        else:
            raw[place] ^= data.draw(st.integers(1, 255))
        damaged.write_bytes(raw)
        cache = cache_in(folder)
        assert cache.get(stat_of(1)) is None
        assert cache.get(stat_of(4)) == (f"{4:064x}", False)
        assert not damaged.exists()


@given(st.binary(max_size=300))
def test_garbage_is_no_cache(garbage: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "garbage").write_bytes(garbage)
        assert cache_in(folder).get(stat_of()) is None
        assert os.listdir(folder) == []


def test_a_folder_in_the_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    saved(tmp_path, 1)
    assert cache_in(tmp_path).get(stat_of(1)) is not None


def test_a_folder_that_cannot_be_made_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = cache_in(tmp_path / "file" / "digests")
    cache.put(stat_of(), DIGEST, False, NOW)
    cache.save()
    assert cache.get(stat_of()) == (DIGEST, False)


def test_a_folder_that_cannot_be_written_is_read_and_otherwise_left_alone(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    saved("digests", 1)
    os.chmod("digests", 0o555)
    with unprivileged():
        cache = cache_in("digests")
        assert cache.get(stat_of(1)) is not None
        cache.put(stat_of(2), DIGEST, False, NOW)
        cache.save()
        cache.clear()
    os.chmod("digests", 0o755)
    assert len(os.listdir("digests")) == 1


def test_a_full_disk_leaves_no_part_of_a_file(run_python: Callable[..., str]) -> None:
    script = """
import os, resource
from dotscience.storage.digests import DigestCache
cache = DigestCache("digests", clock=lambda: 1.8e9)
times = {"st_mtime_ns": 0, "st_ctime_ns": 0}
for inode in range(1, 1000):
    cache.put(os.stat_result((0o100644, inode, 1, 1, 0, 0, 0, 0, 0, 0), times), "0" * 64, True, 1.8e9)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
cache.save()
print(os.listdir("digests"))
"""
    assert run_python(script) == "[]\n"


def test_what_could_not_be_saved_is_saved_by_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "digests").touch()
    cache = cache_in(tmp_path / "digests")
    cache.put(stat_of(), DIGEST, False, NOW)
    cache.save()
    (tmp_path / "digests").unlink()
    cache.save()
    assert cache_in(tmp_path / "digests").get(stat_of()) == (DIGEST, False)


def test_clear_forgets_everything(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    cache = cache_in(tmp_path)
    cache.put(stat_of(2), DIGEST, False, NOW)
    cache.clear()
    assert os.listdir(tmp_path) == []
    assert (cache.get(stat_of(1)), cache.get(stat_of(2))) == (None, None)
    cache.save()
    assert os.listdir(tmp_path) == []


def test_threads_may_use_one_cache(tmp_path: Path) -> None:
    saved(tmp_path, *range(1, 100))
    cache = cache_in(tmp_path, NOW + 1)

    def work(first: int) -> None:
        for inode in range(first, first + 200):
            cache.get(stat_of(inode))
            cache.put(stat_of(inode), DIGEST, True, NOW)
            if inode % 50 == 0:
                cache.save()

    threads = [threading.Thread(target=work, args=(1000 * number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.save()
    again = cache_in(tmp_path)
    assert all(again.get(stat_of(1000 * number + 199)) == (DIGEST, True) for number in range(1, 5))
    assert again.get(stat_of(50)) == (f"{50:064x}", False)


def test_processes_may_share_one_folder(tmp_path: Path, python: Start) -> None:
    script = """
import os, sys, time
from dotscience.storage.digests import DigestCache
folder, first = sys.argv[1], int(sys.argv[2])
for inode in range(first, first + 60):
    cache = DigestCache(folder)  # by the real clock, which tells the others' temporary files from stale ones
    times = {"st_mtime_ns": 0, "st_ctime_ns": 0}
    stat = os.stat_result((0o100644, inode, 1, 1, 0, 0, 0, 0, 0, 0), times)
    cache.put(stat, f"{inode:064x}", True, time.time())
    cache.save()
"""
    started = [python(script, tmp_path, 1000 * number) for number in range(1, 5)]
    for process in started:
        with process:
            assert process.communicate(timeout=60)[1] == ""
    cache = cache_in(tmp_path)
    inodes = [1000 * number + each for number in range(1, 5) for each in range(60)]
    known = [cache.get(stat_of(inode, mtime=0, ctime=0)) for inode in inodes]
    assert all(entry in (None, (f"{inode:064x}", True)) for inode, entry in zip(inodes, known, strict=True))
    assert sum(entry is not None for entry in known) > 200  # what two merges at once lose is hashed again


times = st.integers(-(1 << 63), 1 << 65)


@given(st.integers(1, (1 << 128) - 1), st.integers(0, (1 << 63) - 1), times, times)
def test_any_file_can_be_remembered(inode: int, size: int, mtime: int, ctime: int) -> None:
    stat = os.stat_result(
        (0o100644, inode, 1, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": mtime, "st_ctime_ns": ctime}
    )
    assert len(identity(stat)) == 40
    with tempfile.TemporaryDirectory() as folder:
        cache = DigestCache(folder)
        cache.put(stat, DIGEST, True, 1e12)
        assert cache.get(stat) == (DIGEST, True)


def test_a_real_file_is_known_until_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"abc")
    cache = DigestCache(str(tmp_path / "digests"))
    cache.put(file.stat(), DIGEST, False, file.stat().st_mtime + 10)
    assert cache.get(file.stat()) == (DIGEST, False)
    os.utime(file, ns=(0, 1))
    assert cache.get(file.stat()) is None
