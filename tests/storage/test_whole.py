"""Files that are there whole or not at all."""

import os
import threading
from pathlib import Path

import pytest

from dotscience.storage.whole import write_whole


@pytest.mark.parametrize("durable", [True, False])
def test_two_that_write_one_file_at_once_do_not_meet(
    *, durable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, replace = tmp_path / "hub.json", os.replace

    def slowly(temporary: str, place: str) -> None:
        monkeypatch.setattr(os, "replace", replace)
        write_whole(str(path), b"by another thread", durable=durable)
        assert path.read_bytes() == b"by another thread"
        replace(temporary, place)

    monkeypatch.setattr(os, "replace", slowly)
    write_whole(str(path), b"by the first", durable=durable)
    assert path.read_bytes() == b"by the first"
    assert os.listdir(tmp_path) == ["hub.json"]


def test_a_reader_beside_a_writer_sees_one_whole_file_or_the_other(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    contents = [bytes([letter]) * 300_000 for letter in b"ab"]
    write_whole(path, contents[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                write_whole(path, content)

    writer = threading.Thread(target=write)
    writer.start()
    seen = {Path(path).read_bytes() for _ in range(200)}
    stop.set()
    writer.join()
    assert seen <= set(contents)
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file/inside").touch()
    with pytest.raises(OSError, match="file"):
        write_whole(str(tmp_path / "file"), b"x")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of Unix")
def test_a_secret_is_at_no_moment_for_others_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def look(temporary: str, place: str) -> None:
        assert os.stat(temporary).st_mode & 0o777 == 0o600
        replace(temporary, place)

    monkeypatch.setattr(os, "replace", look)
    write_whole(str(tmp_path / "profiles.json"), b"key", mode=0o600)
    assert os.stat(tmp_path / "profiles.json").st_mode & 0o777 == 0o600
