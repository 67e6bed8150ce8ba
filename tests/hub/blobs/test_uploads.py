"""Uploads: they break off and go on, anywhere, and never become a blob of other bytes."""

import os
import random
import subprocess
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotscience.errors import ArgumentError, DigestMismatchError, StateError, UploadLostError
from dotscience.storage.blobs import Blobs

from .conftest import Place, content, sha

MIB = 1 << 20
LARGE = random.Random(1).randbytes(20_000_000)

Writer = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 20_000_000])
def test_an_upload_becomes_its_blob(blobs: Blobs, size: int) -> None:
    data = LARGE[:size]
    with blobs.upload("name") as upload:
        for start in range(0, size, 65_536):
            upload.write(data[start : start + 65_536])
        assert upload.offset == size
        assert not blobs.has(sha(data))
        assert upload.commit(sha(data)) == size
    assert content(blobs, sha(data)) == data
    assert blobs.upload_offset("name") == 0
    assert list(blobs.stale_uploads(time.time() + 60)) == []


def test_bytes_of_any_kind_and_size_are_taken(blobs: Blobs) -> None:
    with blobs.upload("name") as upload:
        upload.write(LARGE)
        upload.write(b"")
        upload.write(bytearray(b"abc"))
        upload.write(memoryview(b"defg")[1:])
        assert upload.commit(sha(LARGE + b"abcefg")) == len(LARGE) + 6


def test_an_upload_that_broke_off_is_finished_by_another_instance(place: Place, blobs: Blobs) -> None:
    with blobs.upload("name") as upload:
        upload.write(LARGE[:13_000_000])
    assert list(blobs) == []
    other = place.open()
    assert other.upload_offset("name") == 13_000_000
    with other.upload("name") as upload:
        assert upload.offset == 13_000_000
        upload.write(LARGE[13_000_000:])
        upload.commit(sha(LARGE))
    assert content(blobs, sha(LARGE)) == LARGE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(data=st.data())
def test_pieces_and_breaks_make_no_difference(place: Place, blobs: Blobs, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([0, 1, 1000, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 17 * MIB]))
    cuts = sorted(data.draw(st.lists(st.integers(0, size), max_size=8)))
    breaks = data.draw(st.lists(st.booleans(), min_size=len(cuts), max_size=len(cuts)))
    upload = blobs.upload("name")
    start = 0
    for cut, broken in zip(cuts, breaks, strict=True):
        upload.write(LARGE[start:cut])
        start = cut
        if broken:
            upload.suspend()
            assert blobs.upload_offset("name") == cut
            upload = place.open().upload("name")
        assert upload.offset == cut
    upload.write(LARGE[start:size])
    assert upload.commit(sha(LARGE[:size])) == size
    assert content(blobs, sha(LARGE[:size])) == LARGE[:size]
    assert blobs.upload_offset("name") == 0


@pytest.mark.parametrize("size", [0, 5, 9 * MIB])
@pytest.mark.parametrize("broken", [False, True])
def test_of_bytes_with_another_digest_nothing_is_kept(blobs: Blobs, size: int, broken: bool) -> None:
    wanted, found = sha(b"something else"), sha(LARGE[:size])
    upload = blobs.upload("name")
    upload.write(LARGE[:size])
    if broken:
        upload.suspend()
        upload = blobs.upload("name")
    with pytest.raises(
        DigestMismatchError, match=rf"{size} bytes came for {wanted}.* {found}\..*again"
    ) as raised:
        upload.commit(wanted)
    assert (raised.value.announced, raised.value.found, raised.value.size) == (wanted, found, size)
    assert list(blobs) == []
    assert blobs.upload_offset("name") == 0
    assert list(blobs.stale_uploads(time.time() + 60)) == []


def test_knowing_the_digest_of_a_blob_that_is_there_does_not_replace_its_bytes(blobs: Blobs) -> None:
    digest = blobs.put_bytes(b"secret")
    with blobs.upload("name") as upload, pytest.raises(DigestMismatchError):
        upload.commit(digest)
    assert content(blobs, digest) == b"secret"


def test_a_blob_that_is_there_is_uploaded_again_without_harm(blobs: Blobs) -> None:
    for name in ("one", "two"):
        with blobs.upload(name) as upload:
            upload.write(b"content")
            upload.commit(sha(b"content"))
    assert list(blobs) == [sha(b"content")]


def test_a_discarded_upload_is_gone(blobs: Blobs) -> None:
    with blobs.upload("name") as upload:
        upload.write(LARGE)
        upload.discard()
    assert blobs.upload_offset("name") == 0
    with blobs.upload("name") as upload:
        assert upload.offset == 0


@pytest.mark.parametrize("end", ["suspend", "discard", "commit"])
def test_an_upload_that_has_ended_takes_nothing_more(blobs: Blobs, end: str) -> None:
    upload = blobs.upload("name")
    upload.write(b"content")
    if end == "commit":
        upload.commit(sha(b"content"))
    else:
        getattr(upload, end)()
    for use in (lambda: upload.write(b"more"), lambda: upload.commit(sha(b"content"))):
        with pytest.raises(StateError, match="upload name is closed"):
            use()
    upload.suspend()
    upload.discard()
    assert blobs.upload_offset("name") == (7 if end == "suspend" else 0)


@pytest.mark.parametrize(
    "name",
    ["", "a/b/c", "/a", "a/", "../a", "..", ".", "a.b", "a b", "ü", "a\n", "a" * 129, "\0", b"a", None],
)
def test_a_name_that_is_not_safe_is_refused(blobs: Blobs, name: str) -> None:
    for use in (blobs.upload, blobs.upload_offset):
        with pytest.raises(ArgumentError, match="1 to 128 letters, digits, _ and -"):
            use(name)


def test_the_uploads_of_a_group_are_counted_together(blobs: Blobs) -> None:
    for name, size in {"a/one": 5, "a/two": 9_000_000, "ab/one": 7, "a": 11}.items():
        with blobs.upload(name) as upload:
            upload.write(bytes(size))
    assert [blobs.group_size(group) for group in ("a", "ab", "b")] == [9_000_005, 7, 0]
    assert list(blobs.stale_uploads(time.time() + 60)) == ["a", "a/one", "a/two", "ab/one"]
    with blobs.upload("a") as upload:
        upload.discard()
    assert blobs.upload_offset("a/one") == 5
    assert blobs.sweep(time.time() + 60) == 3
    assert blobs.group_size("a") == 0


def test_names_do_not_mix(blobs: Blobs) -> None:
    names = ["a", "ab", "A-1", "a_1", "x" * 128, "a/a", "a/ab", "ab/a"]
    for name in names:
        with blobs.upload(name) as upload:
            upload.write(name.encode())
    assert [blobs.upload_offset(name) for name in names] == [len(name) for name in names]
    assert blobs.upload_offset("b") == 0


def test_uploads_are_stale_by_their_last_write_and_swept(blobs: Blobs) -> None:
    with blobs.upload("old") as upload:
        upload.write(b"content")
    assert list(blobs.stale_uploads(time.time() - 60)) == []
    assert blobs.sweep(time.time() - 60) == 0
    assert list(blobs.stale_uploads(time.time() + 60)) == ["old"]
    assert blobs.sweep(time.time() + 60) == 1
    assert blobs.upload_offset("old") == 0


# Two at once


def test_who_goes_on_with_an_upload_in_use_finishes_it_and_the_other_is_told(blobs: Blobs) -> None:
    hanging = blobs.upload("name")
    hanging.write(LARGE[:9_000_000])
    with blobs.upload("name") as upload:
        kept = upload.offset
        assert 8 * MIB <= kept <= 9_000_000
        hanging.write(LARGE[9_000_000:10_000_000])
        upload.write(LARGE[kept:])
        upload.commit(sha(LARGE))
    hanging.write(LARGE[10_000_000:])
    with pytest.raises(UploadLostError, match="Another writer went on with the upload name"):
        hanging.commit(sha(LARGE))
    hanging.discard()
    assert content(blobs, sha(LARGE)) == LARGE


@given(random_=st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
def test_writers_that_disagree_never_make_a_wrong_blob(blobs: Blobs, random_: random.Random) -> None:
    true, false = LARGE[: 17 * MIB], LARGE[1 : 17 * MIB + 1]
    writers = [blobs.upload("name") for _ in range(3)]
    for _ in range(12):
        number = random_.randrange(3)
        data, at = (true, true, false)[number], writers[number].offset
        writers[number].write(data[at : at + random_.choice([1, 70_000, 9 * MIB])])
        if random_.random() < 0.2:
            writers[number].suspend()
            writers[number] = blobs.upload("name")
    for number in random_.sample(range(3), 3):
        data, at = (true, true, false)[number], writers[number].offset
        writers[number].write(data[at:])
        try:
            writers[number].commit(sha(data))
        except (DigestMismatchError, UploadLostError):
            writers[number].discard()
    for digest in blobs:
        assert sha(content(blobs, digest)) == digest
        blobs.delete(digest)


# Killed


def test_a_writer_that_is_killed_leaves_no_blob_and_an_upload_to_go_on_with(
    blobs: Blobs, writer: Writer
) -> None:
    process = writer("""
with blobs.upload("name") as upload:
    for number in range(200):
        upload.write(bytes([number]) * 1_000_000)
        print(upload.offset, flush=True)
        if number == 19:
            sys.stdin.readline()
""")
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.kill()
    process.wait()
    data = b"".join(bytes([number]) * 1_000_000 for number in range(25))
    assert list(blobs) == []
    kept = blobs.upload_offset("name")
    assert 20_000_000 - 8 * MIB <= kept <= 20_000_000
    with blobs.upload("name") as upload:
        assert upload.offset == kept
        upload.write(data[kept:])
        upload.commit(sha(data))
    assert content(blobs, sha(data)) == data


def test_writers_that_are_killed_at_any_moment_leave_only_whole_blobs(
    place: Place, blobs: Blobs, writer: Writer
) -> None:
    for _ in range(5):
        process = writer("""
print("writing", flush=True)
while True:
    data = os.urandom(1000) * 9500
    blobs.put_bytes(data[:5_000_000])
    with blobs.upload("name") as upload:
        upload.discard()
    with blobs.upload("name") as upload:
        upload.write(data)
        upload.commit(hashlib.sha256(data).hexdigest())
""")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.6))
        process.kill()
        process.wait()
    assert all(sha(content(blobs, digest)) == digest for digest in blobs)
    blobs.sweep(time.time() + 60)
    if os.path.isdir(place.url):
        files = [name for _, _, names in os.walk(place.url) for name in names]
        assert len(files) == len(list(blobs))
