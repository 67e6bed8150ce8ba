"""A backup is the whole Hub, taken while it serves; what is no backup is refused and leaves nothing behind."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.catalog.shared import SharedCatalog
from dotscience.errors import CorruptError, DotscienceError, NotFoundError, StateError, UnwritableError
from dotscience.hub.app import create_app
from dotscience.hub.database import open_database
from dotscience.hub.services.backup import restore_backup, write_backup
from dotscience.hub.settings import HubSettings
from dotscience.storage.blobs import LocalBlobs

from ...hub_server import Person, RunningHub, serving
from .test_garbage import sent_run


def restored(backup: Path, folder: Path) -> tuple[str, LocalBlobs]:
    blobs = LocalBlobs(str(folder / "blobs"))
    restore_backup(str(backup), str(folder / "hub.sqlite"), blobs)
    return str(folder / "hub.sqlite"), blobs


def test_a_restored_hub_knows_what_the_first_one_knew(hub: RunningHub, tmp_path: Path) -> None:
    project = hub.project(hub.admin).id
    digest = sent_run(hub.admin, project, "a", b"content")
    written = write_backup(hub.hub, str(tmp_path / "backup.tar"))
    assert (written.has_database, written.blobs, written.missing) == (True, 1, ())
    assert stat.S_IMODE(os.stat(tmp_path / "backup.tar").st_mode) == 0o600
    database, blobs = restored(tmp_path / "backup.tar", tmp_path / "new")
    with serving(create_app(HubSettings(), SharedCatalog(open_database(database)), blobs)) as url:
        ada = Person(url, hub.admin.user, hub.admin.key)
        assert ada.get(f"/api/projects/{project}/runs").json()["count"] == 1
        assert ada.get(f"/api/projects/{project}/blobs/{digest}").content == b"content"
        ada.close()


def test_a_backup_is_restored_from_a_pipe(hub: RunningHub, tmp_path: Path) -> None:
    digest = sent_run(hub.admin, hub.project(hub.admin).id, "a", b"content" * 1000)
    write_backup(hub.hub, str(tmp_path / "backup.tar"))
    os.mkfifo(tmp_path / "pipe")
    backup = (tmp_path / "backup.tar").read_bytes()
    sender = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(backup,))
    sender.start()
    _, blobs = restored(tmp_path / "pipe", tmp_path / "new")
    sender.join()
    assert list(blobs) == [digest]


def test_a_backup_that_is_taken_while_runs_arrive_is_consistent(hub: RunningHub, tmp_path: Path) -> None:
    project = hub.project(hub.admin).id
    done = threading.Event()

    def publish() -> None:
        number = 0
        while not done.is_set():
            number += 1
            sent_run(hub.admin, project, f"run-{number}", f"content {number}".encode())

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for number in range(3):
            assert write_backup(hub.hub, str(tmp_path / f"{number}.tar")).missing == ()
    finally:
        done.set()
        thread.join()
    database, blobs = restored(tmp_path / "2.tar", tmp_path / "new")
    app = create_app(HubSettings(), SharedCatalog(open_database(database)), blobs)
    with serving(app) as url:
        ada = Person(url, hub.admin.user, hub.admin.key)
        for run in ada.get(f"/api/projects/{project}/runs", params={"limit": 500}).json()["runs"]:
            (made,) = ada.get(f"/api/projects/{project}/runs/{run['id']}").json()["outputs"]
            assert ada.get(f"/api/projects/{project}/blobs/{made['sha256']}").status_code == 200
        ada.close()


def test_a_backup_says_which_content_is_missing(hub: RunningHub, tmp_path: Path) -> None:
    digest = sent_run(hub.admin, hub.project(hub.admin).id, "a", b"content")
    hub.hub.blobs.delete(digest)
    assert write_backup(hub.hub, str(tmp_path / "backup.tar")).missing == (digest,)


class Going(io.BytesIO):
    """Content that `ds hub gc` removes while it is read, as in an object store."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise NotFoundError("It is gone.")
        return super().read(size)


def test_content_that_is_removed_while_it_is_copied_harms_no_other(hub: RunningHub, tmp_path: Path) -> None:
    project = hub.project(hub.admin).id
    sent = [sent_run(hub.admin, project, str(number), str(number).encode() * 100_000) for number in range(4)]
    gone, opened = sorted(sent)[1], hub.hub.blobs.open
    hub.hub.blobs.open = lambda digest: (  # type: ignore[assignment, method-assign]
        Going(bytes(100_000)) if digest == gone else opened(digest)
    )
    written = write_backup(hub.hub, str(tmp_path / "backup.tar"))
    assert (written.blobs, written.missing) == (3, (gone,))
    _, blobs = restored(tmp_path / "backup.tar", tmp_path / "new")
    assert set(blobs) == set(sent) - {gone}


def test_a_backup_that_cannot_be_written_leaves_nothing(hub: RunningHub, tmp_path: Path) -> None:
    with pytest.raises(UnwritableError):
        write_backup(hub.hub, str(tmp_path / "nowhere" / "backup.tar"))
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_is_there_is_not_overwritten(hub: RunningHub, tmp_path: Path) -> None:
    write_backup(hub.hub, str(tmp_path / "backup.tar"))
    (tmp_path / "hub.sqlite").write_bytes(b"mine")
    with pytest.raises(StateError, match="There is a Hub"):
        restore_backup(
            str(tmp_path / "backup.tar"), str(tmp_path / "hub.sqlite"), LocalBlobs(str(tmp_path / "blobs"))
        )
    assert (tmp_path / "hub.sqlite").read_bytes() == b"mine"


def truncated(good: bytes) -> bytes:
    return good[: len(good) // 2]


def cut_between_members(good: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(good)) as tar:
        return good[: tar.getmembers()[-1].offset]


def altered(good: bytes) -> bytes:
    assert b"content" in good
    return good.replace(b"content", b"conTent")


def altered_database(good: bytes) -> bytes:
    place = good.index(b"SQLite format 3") + 5000
    return good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]


def added(name: str, kind: bytes = tarfile.REGTYPE) -> Callable[[bytes], bytes]:
    def change(good: bytes) -> bytes:
        stream = io.BytesIO(good)
        with tarfile.open(fileobj=stream, mode="a") as tar:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = (
                kind,
                "/etc/passwd",
                4 if kind == tarfile.REGTYPE else 0,
            )
            tar.addfile(member, io.BytesIO(b"evil"))
        return stream.getvalue()

    return change


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        cut_between_members,
        altered,
        altered_database,
        lambda good: b"",
        lambda good: b"no tar at all" * 100,
        lambda good: good[512:],
        added("../escape"),
        added("/tmp/escape"),
        added("blobs/../../escape"),
        added("blobs/00/" + "0" * 62),
        added("blobs/00/" + "1" * 62, tarfile.SYMTYPE),
        added("blobs/00/" + "1" * 62, tarfile.LNKTYPE),
        added("blobs/00/" + "1" * 62, tarfile.CHRTYPE),
    ],
)
def test_what_is_no_whole_backup_makes_no_hub(
    hub: RunningHub, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    sent_run(hub.admin, hub.project(hub.admin).id, "a", b"content" * 1000)
    write_backup(hub.hub, str(tmp_path / "backup.tar"))
    (tmp_path / "bad.tar").write_bytes(damage((tmp_path / "backup.tar").read_bytes()))
    folder = tmp_path / "new" / "deep"
    folder.mkdir(parents=True)
    with pytest.raises(DotscienceError) as caught:
        restored(tmp_path / "bad.tar", folder)
    assert isinstance(caught.value, CorruptError | StateError)
    assert not (folder / "hub.sqlite").exists()
    assert {path.name for path in folder.iterdir()} <= {"blobs"}
    assert not list(tmp_path.rglob("escape"))
    for blob in (folder / "blobs").rglob("*"):
        if blob.is_file():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.parent.name + blob.name
