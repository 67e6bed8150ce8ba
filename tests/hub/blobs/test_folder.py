"""What only a folder can suffer: a disk that is full, a machine that loses power."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dotscience.errors import DigestMismatchError, UnwritableError
from dotscience.hub.blobs.open import open_blobs
from dotscience.storage.blobs import LocalBlobs

from .conftest import content, sha

MIB = 1 << 20

Require = Callable[..., None]


@pytest.fixture
def small_disk(tmp_path: Path, require: Require) -> Iterator[Path]:
    """A file system of 4 MiB."""
    require("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_an_upload_goes_on_once_a_full_disk_has_room_again(small_disk: Path) -> None:
    blobs = open_blobs(str(small_disk / "blobs"))
    ballast = blobs.put_bytes(bytes(2 * MIB))
    data = os.urandom(3 * MIB)
    with (
        pytest.raises(UnwritableError, match=r"Cannot write to .*No space left.*Free space"),
        blobs.upload("name") as upload,
    ):
        upload.write(data)
    kept = blobs.upload_offset("name")
    assert 0 < kept == upload.offset < len(data)
    assert list(blobs) == [ballast]
    blobs.delete(ballast)
    with blobs.upload("name") as upload:
        upload.write(data[kept:])
        upload.commit(sha(data))
    assert content(blobs, sha(data)) == data


def test_an_upload_that_cannot_be_copied_from_a_writer_that_hangs_stays_with_it(small_disk: Path) -> None:
    blobs = open_blobs(str(small_disk / "blobs"))
    data = os.urandom(3 * MIB)
    with blobs.upload("name") as hanging:
        hanging.write(data)
        with pytest.raises(UnwritableError, match="No space left"):
            blobs.upload("name")
        assert blobs.upload_offset("name") == len(data)
        hanging.commit(sha(data))
    assert content(blobs, sha(data)) == data


@pytest.fixture
def disk(tmp_path: Path, require: Require) -> Iterator["Disk"]:
    """A disk that can lose its power."""
    require("mkfs.xfs", "xfs_io", "mount")
    disk = Disk(tmp_path / "image", tmp_path / "mounted")
    subprocess.run(["truncate", "-s", "320M", disk.image], check=True)
    subprocess.run(["mkfs.xfs", "-q", disk.image], check=True)
    disk.folder.mkdir()
    if disk.mount():
        pytest.skip("may not mount a file system here")
    yield disk
    subprocess.run(["umount", disk.folder], check=True)


class Disk:
    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder

    def mount(self) -> int:
        command = ["mount", "-o", "loop", self.image, self.folder]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def lose_power(self) -> None:
        """What was not written to the disk itself is gone."""
        subprocess.run(["xfs_io", "-x", "-c", "shutdown", self.folder], check=True)
        subprocess.run(["umount", self.folder], check=True)
        assert self.mount() == 0


def test_a_stored_blob_outlives_a_power_cut(disk: Disk, tmp_path: Path) -> None:
    blobs = open_blobs(str(disk.folder / "hub/blobs"))
    datas = [b"small", os.urandom(5 * MIB), os.urandom(3 * MIB)]
    blobs.put_bytes(datas[0])
    (tmp_path / "file").write_bytes(datas[1])
    with open(tmp_path / "file", "rb") as stream:
        blobs.put_file(stream)
    with blobs.upload("name") as upload:
        upload.write(datas[2])
        upload.commit(sha(datas[2]))
    disk.lose_power()
    for data in datas:
        assert content(blobs, sha(data)) == data
    assert sorted(blobs) == sorted(map(sha, datas))


def test_a_blob_that_another_writer_did_not_sync_is_synced_by_the_next(disk: Disk) -> None:
    hub = open_blobs(str(disk.folder / "blobs"))
    hasty = LocalBlobs(str(disk.folder / "blobs"))
    kept, lost = hasty.put_bytes(b"kept"), hasty.put_bytes(b"lost")
    hub.put_bytes(b"kept")
    disk.lose_power()
    assert content(hub, kept) == b"kept"
    assert not hub.has(lost) or content(hub, lost) != b"lost"


def test_an_upload_that_a_power_cut_damaged_never_becomes_a_blob_of_other_bytes(disk: Disk) -> None:
    blobs = open_blobs(str(disk.folder / "blobs"))
    data = os.urandom(9 * MIB)
    with blobs.upload("name") as upload:
        upload.write(data[: 8 * MIB])
    disk.lose_power()
    with blobs.upload("name") as upload:
        upload.write(data[upload.offset :])
        try:
            upload.commit(sha(data))
        except DigestMismatchError:
            assert blobs.upload_offset("name") == 0
    assert [sha(content(blobs, digest)) for digest in blobs] == list(blobs)


def test_a_blob_is_read_only_and_an_upload_is_not(tmp_path: Path) -> None:
    blobs = LocalBlobs(str(tmp_path))
    with blobs.upload("name") as upload:
        upload.write(b"content")
        upload.commit(sha(b"content"))
    assert os.stat(blobs.path(sha(b"content"))).st_mode & 0o777 == 0o444


def test_temporary_files_of_killed_writers_are_swept(tmp_path: Path) -> None:
    blobs = LocalBlobs(str(tmp_path))
    blobs.put_bytes(b"content")
    (tmp_path / "tmp-0123").write_bytes(b"half a blob")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads/.gitkeep").touch()
    os.utime(tmp_path / "uploads/.gitkeep", (900, 900))
    assert blobs.sweep(before=1000) == 0
    os.utime(tmp_path / "tmp-0123", (900, 900))
    assert blobs.sweep(before=1000) == 1
    assert not (tmp_path / "tmp-0123").exists()
    assert list(blobs) == [sha(b"content")]
