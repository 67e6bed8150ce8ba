"""Inputs are recorded as they are at the call, outputs as they are at the publish, whatever kind of file they are."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from dotscience.errors import ArgumentError
from dotscience.recorder.recorder import Recorder
from dotscience.records.files import FileVersion
from dotscience.testing import fresh_recorder

if TYPE_CHECKING:
    from conftest import Files

LARGE = 300_000  # more than is read during the call


both = pytest.mark.parametrize("verb", ["input", "output"])


def declared(files: Files, recorder: Recorder, verb: str, name: Any) -> FileVersion:
    """The one version recorded of a name."""
    assert getattr(recorder, verb)(name) is name
    record = files.published(recorder)
    (version,) = record.inputs if verb == "input" else record.outputs
    return version


@both
@pytest.mark.parametrize("content", [b"", b"1,2\n", os.urandom(LARGE)], ids=["empty", "small", "large"])
def test_a_file_has_path_digest_size_and_time(
    verb: str, content: bytes, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    stat = os.stat("data.csv")
    version = declared(files, recorder, verb, "data.csv")
    assert version == FileVersion(
        "data.csv", files.sha(content), len(content), stat.st_mtime_ns, kept=verb == "output"
    )


@both
@pytest.mark.parametrize(
    "form", [str, Path, PurePosixPath, os.fsencode], ids=["text", "Path", "PurePath", "bytes"]
)
def test_a_path_may_have_any_form(
    verb: str, form: Callable[[str], Any], recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "é.csv").write_bytes(b"x")
    version = declared(files, recorder, verb, form("é.csv"))
    assert (version.path, version.digest) == ("é.csv", files.sha(b"x"))


@both
def test_any_path_like_object_is_a_path(verb: str, recorder: Recorder, tmp_path: Path, files: Files) -> None:
    class Named(os.PathLike[str]):
        def __fspath__(self) -> str:
            return "data.csv"

    (tmp_path / "data.csv").write_bytes(b"x")
    assert declared(files, recorder, verb, Named()).digest == files.sha(b"x")


@both
@pytest.mark.parametrize(
    "wrong", [None, 1, 1.5, [], ["a"], {}, object(), ""], ids=lambda wrong: type(wrong).__name__
)
def test_what_is_no_path_is_an_argument_error_that_says_so(
    verb: str, wrong: Any, recorder: Recorder, files: Files
) -> None:
    recorder.start()
    with pytest.raises(ArgumentError, match=rf"ds\.{verb}\(\) takes a path"):
        getattr(recorder, verb)(wrong)
    record = files.published(recorder)
    assert record.inputs == record.outputs == ()


@both
@pytest.mark.parametrize("name", ["missing.csv", "missing/below.csv", "file/below.csv", "nul\0", "x" * 300])
def test_a_file_that_does_not_exist_is_recorded_as_missing(
    verb: str, name: str, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "file").touch()
    version = declared(files, recorder, verb, name)
    assert version.path == name
    assert version.digest is None and version.unseen in ("missing", "unreadable")
    assert version.unseen == "missing" or name.startswith("xx")


def test_an_input_directory_is_walked_at_the_call(recorder: Recorder, tmp_path: Path, files: Files) -> None:
    for name in ("raw/a", "raw/b/c", "raw/b/d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "raw/empty").mkdir()
    recorder.input("raw")
    (tmp_path / "raw/later").write_text("later")
    assert {
        path: version.digest for path, version in files.by_path(files.published(recorder).inputs).items()
    } == {name: files.sha(name.encode()) for name in ("raw/a", "raw/b/c", "raw/b/d")}


def test_an_output_directory_is_walked_at_the_publish(
    recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    recorder.output("out")
    (tmp_path / "out").mkdir()
    for number in range(600):  # more than one batch
        (tmp_path / f"out/{number}").write_text(str(number))
    found = files.by_path(files.published(recorder).outputs)
    assert {path: version.digest for path, version in found.items()} == {
        f"out/{number}": files.sha(str(number).encode()) for number in range(600)
    }
    assert all(version.kept for version in found.values())


@both
def test_an_empty_directory_has_no_files(verb: str, recorder: Recorder, tmp_path: Path, files: Files) -> None:
    (tmp_path / "empty").mkdir()
    getattr(recorder, verb)("empty")
    record = files.published(recorder)
    assert record.inputs == record.outputs == ()


@both
def test_links_are_recorded_under_their_own_names_with_what_they_lead_to(
    verb: str, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/data").write_bytes(b"x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").symlink_to("../real/data")
    (tmp_path / "tree/folder").symlink_to("../real")
    (tmp_path / "tree/broken").symlink_to("nowhere")
    (tmp_path / "tree/self").symlink_to("self")
    (tmp_path / "tree/loop").symlink_to(".")
    (tmp_path / "top").symlink_to("tree")
    getattr(recorder, verb)("top")
    record = files.published(recorder)
    found = files.by_path(record.inputs or record.outputs)
    assert {path: version.digest or version.unseen for path, version in found.items()} == {
        "top/file": files.sha(b"x"),
        "top/folder/data": files.sha(b"x"),
        "top/broken": "missing",
        "top/self": "unreadable",
    }


@both
def test_sockets_and_pipes_are_special_and_nobody_waits_for_them(
    verb: str, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for name in ("pipe", "socket", "/dev/null"):
            getattr(recorder, verb)(name)
        record = files.published(recorder)
    found = record.inputs or record.outputs
    assert {os.path.basename(version.path) for version in found} == {"pipe", "socket", "null"}
    assert {(version.digest, version.unseen, version.kept) for version in found} == {(None, "special", False)}


def test_what_may_not_be_read_is_unreadable(unprivileged: Path, files: Files) -> None:
    for name in ("small", "large", "folder/inside"):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as stream:
            stream.write(b"x" * (LARGE if name == "large" else 1))
        os.chmod(name, 0)
    os.mkdir("closed", 0)
    with fresh_recorder(unprivileged) as recorder:
        for name in ("small", "large", "folder", "closed"):
            recorder.input(name)
            recorder.output(name)
        record = recorder.publish().record
    for versions in (record.inputs, record.outputs):
        found = files.by_path(versions)
        assert set(found) == {"small", "large", "folder/inside", "closed"}
        assert {version.unseen for version in found.values()} == {"unreadable"}
        assert [found[name].size for name in ("small", "large", "closed")] == [1, LARGE, None]


@both
def test_a_name_that_is_not_utf8_keeps_its_bytes(
    verb: str, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    raw = b"\xff\xfe.csv"
    with open(raw, "wb") as stream:
        stream.write(b"x")
    version = declared(files, recorder, verb, raw)
    assert os.fsencode(version.path) == raw
    assert version.digest == files.sha(b"x")


@both
def test_a_file_outside_the_workspace_starts_with_dots(
    verb: str, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory, files: Files
) -> None:
    other = tmp_path_factory.mktemp("other") / "data"
    other.write_bytes(b"x")
    version = declared(files, recorder, verb, other)
    assert version.path.startswith("../") and version.digest == files.sha(b"x")


@both
@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("s3://bucket/key", "s3://bucket/key"),
        ("https://user:secret@example.org/a?token=secret", "https://example.org/a"),
        ("https://user:se@cret@example.org/a", "https://example.org/a"),
        ("https://example.org/a@b?x=1", "https://example.org/a@b"),
        ("https://example.org/a#access_token=secret", "https://example.org/a"),
        ("https://example.org/a?b#c?d", "https://example.org/a"),
        ("s3://bucket/run#1.csv", "s3://bucket/run#1.csv"),
        ("postgresql+psycopg://u:p@db/x", "postgresql+psycopg://db/x"),
        ("gs://bucket/a b/é", "gs://bucket/a b/é"),
    ],
)
def test_a_url_is_a_reference_without_its_secrets(
    verb: str, url: str, recorded: str, recorder: Recorder, files: Files
) -> None:
    assert declared(files, recorder, verb, url) == FileVersion(recorded, unseen="reference")
    assert not any(b"secret" in path.read_bytes() for path in Path().rglob("*") if path.is_file())


def test_what_the_recorder_itself_writes_is_no_file_of_the_workspace(
    recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "sub/.dotscience").mkdir(parents=True)
    (tmp_path / "sub/.dotscience/inside").touch()
    recorder.start()
    for verb in (recorder.input, recorder.output):
        verb(".")
        verb("..")
        verb(str(tmp_path))
    record = files.published(recorder)
    assert {version.path for version in record.inputs} >= {"data"}
    for versions in (record.inputs, record.outputs):
        assert not [version.path for version in versions if ".dotscience" in version.path]
        assert [version.path for version in versions].count("data") == 1


def test_files_inside_the_root_have_short_names_however_they_are_reached(tmp_path: Path) -> None:
    (tmp_path / "root/data").mkdir(parents=True)
    (tmp_path / "root/data/x").write_bytes(b"x")
    (tmp_path / "link").symlink_to("root")
    for root in (tmp_path / "root", tmp_path / "link"):
        for name in ("root/data/x", "link/data/x", "root/data", "link/data", "link/../link/data", "."):
            with fresh_recorder(root) as recorder:
                recorder.input(name)
                assert {version.path for version in recorder.publish().record.inputs} >= {"data/x"}, (
                    root,
                    name,
                )


def test_the_parent_of_a_link_is_the_parent_of_what_it_leads_to(
    recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "far/x").write_bytes(b"far")
    (tmp_path / "x").write_bytes(b"near")
    (tmp_path / "link").symlink_to("far/away")
    with open(recorder.input("link/../x"), "rb") as stream:
        read = stream.read()
    (version,) = files.published(recorder).inputs
    assert (version.path, version.digest) == ("far/x", files.sha(read))
