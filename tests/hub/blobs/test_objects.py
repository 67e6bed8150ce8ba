"""What only an object store does: keys, requests, parts, and not being there."""

import os
import subprocess
import time
from collections.abc import Callable

import pytest

from dotscience.errors import DigestMismatchError, StorageError, UnwritableError
from dotscience.hub.blobs.open import open_blobs
from tests.hub.s3 import S3

from .conftest import Place, content, sha

MIB = 1 << 20

Writer = Callable[..., "subprocess.Popen[str]"]


def test_options_may_come_from_the_environment(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3.bucket()
    digest = open_blobs(url, s3.options).put_bytes(b"content")
    for name, value in s3.options.items():
        monkeypatch.setenv(name, value)
    assert content(open_blobs(url), digest) == b"content"


def test_stores_below_other_prefixes_of_a_bucket_do_not_see_each_other(s3: S3) -> None:
    bucket = s3.bucket()
    one, other = (open_blobs(f"{bucket}/{prefix}", s3.options) for prefix in ("team/a", "team/ab/"))
    digest = one.put_bytes(b"content")
    with one.upload("name") as upload:
        upload.write(b"content")
    assert list(one) == [digest]
    assert list(other) == list(other.stale_uploads(1e12)) == []


def test_keys_are_those_of_a_folder_of_blobs(s3: S3) -> None:
    bucket = s3.bucket()
    digest = open_blobs(f"{bucket}/prefix", s3.options).put_bytes(b"content")
    with open_blobs(f"{bucket}/prefix", s3.options).upload("name") as upload:
        upload.write(bytes(9 * MIB))
    assert s3.keys(bucket) == [
        f"prefix/{digest[:2]}/{digest[2:]}",
        "prefix/uploads/name/0000000000000000",
        "prefix/uploads/name/0000000008388608",
    ]


def test_other_objects_in_the_bucket_are_no_blobs(s3: S3) -> None:
    bucket = s3.bucket()
    digest = open_blobs(bucket, s3.options).put_bytes(b"content")
    open_blobs(f"{bucket}/inner", s3.options).put_bytes(b"content")
    for key in ("README", "uploads/README", "uploads/a.b/0000000000000000", "uploads/name/note"):
        s3.write(bucket, key, b"of somebody else")
    blobs = open_blobs(bucket, s3.options)
    assert list(blobs) == [digest]
    assert blobs.sweep(time.time() + 60) == 0
    assert len(s3.keys(bucket)) == 6


def test_a_gap_in_what_was_kept_ends_it(s3: S3) -> None:
    bucket = s3.bucket()
    blobs = open_blobs(bucket, s3.options)
    data = os.urandom(25 * MIB)
    with blobs.upload("name") as upload:
        upload.write(data)
    s3.remove(bucket, "uploads/name/0000000008388608")
    assert blobs.upload_offset("name") == 8 * MIB
    with blobs.upload("name") as upload:
        upload.write(data[8 * MIB :])
        upload.commit(sha(data))
    assert content(blobs, sha(data)) == data
    assert len(s3.keys(bucket)) == 1


def test_bytes_that_the_store_altered_never_become_a_blob(s3: S3) -> None:
    bucket = s3.bucket()
    blobs = open_blobs(bucket, s3.options)
    data = os.urandom(17 * MIB)
    with blobs.upload("name") as upload:
        upload.write(data)
        s3.write(bucket, "uploads/name/0000000008388608", bytes(8 * MIB))
        with pytest.raises(DigestMismatchError):
            upload.commit(sha(data))
    assert s3.keys(bucket) == []
    assert s3.unfinished(bucket) == 0


def test_many_breaks_leave_few_objects(s3: S3) -> None:
    bucket = s3.bucket()
    blobs = open_blobs(bucket, s3.options)
    for _ in range(20):
        with blobs.upload("name") as upload:
            upload.write(b"a little")
    assert s3.keys(bucket) == ["uploads/name/0000000000000000"]
    assert blobs.upload_offset("name") == 160


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_memory_is_bounded_however_large_an_upload_is(place: Place, writer: Writer) -> None:
    script = """
import resource
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def send(pieces):
    sha = hashlib.sha256()
    with blobs.upload("name") as upload:
        for _ in range(pieces):
            data = os.urandom(1 << 20)
            sha.update(data)
            upload.write(data)
        upload.commit(sha.hexdigest())
    return sha.hexdigest()
send(1)
before = peak()
digest = send(120)
assert sum(map(len, blobs.read(digest))) == 120 << 20
print(peak() - before)
"""
    said, _ = writer(script).communicate(timeout=300)
    assert int(said) < 50 * 1024


def test_a_store_that_does_not_answer_is_named_with_the_reason(s3: S3) -> None:
    options = {**s3.options, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    blobs = open_blobs("s3://bucket/prefix", options)
    with pytest.raises(StorageError, match=r"Cannot read s3://bucket/prefix: .*reachable") as raised:
        blobs.has("0" * 64)
    assert "tester" not in str(raised.value)
    with pytest.raises(UnwritableError, match=r"Cannot write to s3://bucket/prefix: .*127\.0\.0\.1:9"):
        blobs.put_bytes(b"content")


def test_a_bucket_that_is_not_there_is_an_error_to_write_to_and_to_list(s3: S3) -> None:
    blobs = open_blobs("s3://no-such-bucket", s3.options)
    with pytest.raises(UnwritableError, match="NoSuchBucket"):
        blobs.put_bytes(b"content")
    with pytest.raises(StorageError, match="NoSuchBucket"):
        list(blobs)


def test_what_a_store_did_not_take_is_kept_by_the_upload(s3: S3) -> None:
    bucket = s3.bucket()
    blobs = open_blobs(bucket, s3.options)
    data = os.urandom(9 * MIB)
    upload = blobs.upload("name")
    upload.write(data[: 8 * MIB - 1])
    s3.delete_bucket(bucket)
    with pytest.raises(UnwritableError):
        upload.write(data[8 * MIB - 1 :])
    assert upload.offset == 8 * MIB
    s3.make_bucket(bucket)
    upload.write(data[upload.offset :])
    upload.commit(sha(data))
    assert content(blobs, sha(data)) == data
