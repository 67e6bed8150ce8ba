"""Inputs are recorded as they are at the call, outputs as they are at the publish, whatever kind of file they are."""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from dotscience.errors import ArgumentError
from dotscience.recorder.recorder import Recorder
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.testing import fresh_recorder

LARGE = 300_000  # more than is read during the call


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def by_path(versions: tuple[FileVersion, ...]) -> dict[str, FileVersion]:
    assert len({version.path for version in versions}) == len(versions)
    return {version.path: version for version in versions}


def published(recorder: Recorder) -> Record:
    """The record as it is on disk."""
    done = recorder.publish()
    assert done.folder is not None
    again = Record.from_bytes(Path(done.folder, "record.json").read_bytes())
    assert again.inputs == done.record.inputs and again.outputs == done.record.outputs
    return again


both = pytest.mark.parametrize("verb", ["input", "output"])


def declared(recorder: Recorder, verb: str, name: Any) -> FileVersion:
    """The one version recorded of a name."""
    assert getattr(recorder, verb)(name) is name
    record = published(recorder)
    (version,) = record.inputs if verb == "input" else record.outputs
    return version


@both
@pytest.mark.parametrize("content", [b"", b"1,2\n", os.urandom(LARGE)], ids=["empty", "small", "large"])
def test_a_file_has_path_digest_size_and_time(
    verb: str, content: bytes, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    stat = os.stat("data.csv")
    version = declared(recorder, verb, "data.csv")
    assert version == FileVersion(
        "data.csv", sha(content), len(content), stat.st_mtime_ns, kept=verb == "output"
    )


@both
@pytest.mark.parametrize(
    "form", [str, Path, PurePosixPath, os.fsencode], ids=["text", "Path", "PurePath", "bytes"]
)
def test_a_path_may_have_any_form(
    verb: str, form: Callable[[str], Any], recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "é.csv").write_bytes(b"x")
    version = declared(recorder, verb, form("é.csv"))
    assert (version.path, version.digest) == ("é.csv", sha(b"x"))


@both
def test_any_path_like_object_is_a_path(verb: str, recorder: Recorder, tmp_path: Path) -> None:
    class Named(os.PathLike[str]):
        def __fspath__(self) -> str:
            return "data.csv"

    (tmp_path / "data.csv").write_bytes(b"x")
    assert declared(recorder, verb, Named()).digest == sha(b"x")


@both
@pytest.mark.parametrize("wrong", [None, 1, 1.5, [], ["a"], {}, object(), ""], ids=repr)
def test_what_is_no_path_is_an_argument_error_that_says_so(verb: str, wrong: Any, recorder: Recorder) -> None:
    recorder.start()
    with pytest.raises(ArgumentError, match=rf"ds\.{verb}\(\) takes a path"):
        getattr(recorder, verb)(wrong)
    record = published(recorder)
    assert record.inputs == record.outputs == ()


@both
@pytest.mark.parametrize("name", ["missing.csv", "missing/below.csv", "file/below.csv", "nul\0", "x" * 300])
def test_a_file_that_does_not_exist_is_recorded_as_missing(
    verb: str, name: str, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    version = declared(recorder, verb, name)
    assert version.path == name
    assert version.digest is None and version.unseen in ("missing", "unreadable")
    assert version.unseen == "missing" or name.startswith("xx")


def test_an_input_directory_is_walked_at_the_call(recorder: Recorder, tmp_path: Path) -> None:
    for name in ("raw/a", "raw/b/c", "raw/b/d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "raw/empty").mkdir()
    recorder.input("raw")
    (tmp_path / "raw/later").write_text("later")
    assert {path: version.digest for path, version in by_path(published(recorder).inputs).items()} == {
        name: sha(name.encode()) for name in ("raw/a", "raw/b/c", "raw/b/d")
    }


def test_an_output_directory_is_walked_at_the_publish(recorder: Recorder, tmp_path: Path) -> None:
    recorder.output("out")
    (tmp_path / "out").mkdir()
    for number in range(600):  # more than one batch
        (tmp_path / f"out/{number}").write_text(str(number))
    found = by_path(published(recorder).outputs)
    assert {path: version.digest for path, version in found.items()} == {
        f"out/{number}": sha(str(number).encode()) for number in range(600)
    }
    assert all(version.kept for version in found.values())


@both
def test_an_empty_directory_has_no_files(verb: str, recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    getattr(recorder, verb)("empty")
    record = published(recorder)
    assert record.inputs == record.outputs == ()


@both
def test_links_are_recorded_under_their_own_names_with_what_they_lead_to(
    verb: str, recorder: Recorder, tmp_path: Path
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
    record = published(recorder)
    found = by_path(record.inputs or record.outputs)
    assert {path: version.digest or version.unseen for path, version in found.items()} == {
        "top/file": sha(b"x"),
        "top/folder/data": sha(b"x"),
        "top/broken": "missing",
        "top/self": "unreadable",
    }


@both
def test_sockets_and_pipes_are_special_and_nobody_waits_for_them(
    verb: str, recorder: Recorder, tmp_path: Path
) -> None:
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for name in ("pipe", "socket", "/dev/null"):
            getattr(recorder, verb)(name)
        record = published(recorder)
    found = record.inputs or record.outputs
    assert {os.path.basename(version.path) for version in found} == {"pipe", "socket", "null"}
    assert {(version.digest, version.unseen, version.kept) for version in found} == {(None, "special", False)}


def test_what_may_not_be_read_is_unreadable(unprivileged: Path) -> None:
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
        found = by_path(versions)
        assert set(found) == {"small", "large", "folder/inside", "closed"}
        assert {version.unseen for version in found.values()} == {"unreadable"}
        assert [found[name].size for name in ("small", "large", "closed")] == [1, LARGE, None]


@both
def test_a_name_that_is_not_utf8_keeps_its_bytes(verb: str, recorder: Recorder, tmp_path: Path) -> None:
    raw = b"\xff\xfe.csv"
    with open(raw, "wb") as stream:
        stream.write(b"x")
    version = declared(recorder, verb, raw)
    assert os.fsencode(version.path) == raw
    assert version.digest == sha(b"x")


@both
def test_a_file_outside_the_workspace_starts_with_dots(
    verb: str, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "data"
    other.write_bytes(b"x")
    version = declared(recorder, verb, other)
    assert version.path.startswith("../") and version.digest == sha(b"x")


@both
@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("s3://bucket/key", "s3://bucket/key"),
        ("https://user:secret@example.org/a?token=secret", "https://example.org/a"),
        ("https://user:se@cret@example.org/a", "https://example.org/a"),
        ("https://example.org/a@b?x=1", "https://example.org/a@b"),
        ("postgresql+psycopg://u:p@db/x", "postgresql+psycopg://db/x"),
        ("gs://bucket/a b/é", "gs://bucket/a b/é"),
    ],
)
def test_a_url_is_a_reference_without_its_secrets(
    verb: str, url: str, recorded: str, recorder: Recorder, tmp_path: Path
) -> None:
    assert declared(recorder, verb, url) == FileVersion(recorded, unseen="reference")
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_the_recorder_itself_writes_is_no_file_of_the_workspace(
    recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "sub/.dotscience").mkdir(parents=True)
    (tmp_path / "sub/.dotscience/inside").touch()
    recorder.start()
    for verb in (recorder.input, recorder.output):
        verb(".")
        verb("..")
        verb(str(tmp_path))
    record = published(recorder)
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


def test_the_parent_of_a_link_is_the_parent_of_what_it_leads_to(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "far/away").mkdir(parents=True)
    (tmp_path / "far/x").write_bytes(b"far")
    (tmp_path / "x").write_bytes(b"near")
    (tmp_path / "link").symlink_to("far/away")
    with open(recorder.input("link/../x"), "rb") as stream:
        read = stream.read()
    (version,) = published(recorder).inputs
    assert (version.path, version.digest) == ("far/x", sha(read))


# What happens to a file between the call and the publish


@pytest.mark.parametrize("size", [10, LARGE])
def test_an_input_is_what_it_was_at_the_call_or_said_to_be_unseen(
    size: int, recorder: Recorder, tmp_path: Path
) -> None:
    before, after = b"a" * size, b"b" * size
    (tmp_path / "data").write_bytes(before)
    recorder.input("data")
    (tmp_path / "data").write_bytes(after)
    (version,) = published(recorder).inputs
    assert version.changed == "during"
    assert version.digest == sha(before) or (
        version.digest is None and version.unseen in ("replaced", "changing")
    )


def test_an_input_that_changes_after_it_was_read_is_said_to_have_changed(
    recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"a" * LARGE)
    recorder.input("data")
    recorder._recording._run.reader.finish_inputs()  # type: ignore[union-attr]
    with open("data", "ab") as stream:
        stream.write(b"more")
    (version,) = published(recorder).inputs
    assert (version.digest, version.changed) == (sha(b"a" * LARGE), "during")


def rename_over(path: Path) -> None:
    (path.parent / "new").write_bytes(b"b" * path.stat().st_size)
    (path.parent / "new").replace(path)


@pytest.mark.parametrize(("lose", "word"), [(rename_over, "during"), (Path.unlink, "gone")])
@pytest.mark.parametrize("size", [10, LARGE])
def test_an_input_that_is_replaced_or_deleted_was_seen_before_or_not_at_all(
    size: int, lose: Callable[[Path], None], word: str, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"a" * size)
    recorder.input("data")
    lose(tmp_path / "data")
    (version,) = published(recorder).inputs
    assert version.changed == word
    # A small file was read during the call; a large one is read from where it was opened, unless it changes meanwhile.
    assert version.digest == sha(b"a" * size) or (
        size == LARGE and version.unseen in ("replaced", "changing")
    )


@pytest.mark.parametrize("filled", [False, True])
def test_an_input_that_became_a_directory_is_said_to_be_gone(
    filled: bool, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"a")
    recorder.input("data")
    os.unlink("data")
    os.mkdir("data")
    if filled:
        (tmp_path / "data/below").touch()
    (version,) = published(recorder).inputs
    assert (version.digest, version.changed) == (sha(b"a"), "gone")


@pytest.mark.parametrize("size", [10, LARGE])
def test_an_input_rewritten_with_the_same_bytes_did_not_change(
    size: int, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"a" * size)
    recorder.input("data")
    recorder._recording._run.reader.finish_inputs()  # type: ignore[union-attr]
    (tmp_path / "data").write_bytes(b"a" * size)
    (version,) = published(recorder).inputs
    assert (version.digest, version.changed) == (sha(b"a" * size), None)


def test_an_input_that_appears_later_stays_missing(recorder: Recorder, tmp_path: Path) -> None:
    recorder.input("data")
    (tmp_path / "data").write_bytes(b"a")
    assert published(recorder).inputs == (FileVersion("data", unseen="missing"),)


@pytest.mark.parametrize("sizes", [(10, 20), (LARGE, LARGE + 1), (LARGE, 10), (10, LARGE), (LARGE, LARGE)])
def test_a_file_read_twice_may_have_been_two_versions(
    sizes: tuple[int, int], recorder: Recorder, tmp_path: Path
) -> None:
    contents = [b"a" * sizes[0], b"b" * sizes[1]]
    for content in contents:
        (tmp_path / "data").write_bytes(content)
        recorder.input("data")
    versions = published(recorder).inputs
    assert [version.path for version in versions] == ["data", "data"]
    assert sha(contents[1]) in {version.digest for version in versions}
    assert all(
        version.digest in map(sha, contents) or version.unseen in ("replaced", "changing")
        for version in versions
    )


def test_a_file_read_twice_unchanged_is_one_version(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a" * LARGE)
    for _ in range(3):
        recorder.input("data")
    (version,) = published(recorder).inputs
    assert (version.digest, version.unseen, version.changed) == (sha(b"a" * LARGE), None, None)


def test_an_output_is_what_it_is_at_the_publish(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"early")
    recorder.output("out")
    (tmp_path / "out").write_bytes(b"late")
    assert published(recorder).outputs[0].digest == sha(b"late")


def test_an_input_may_be_an_output_too(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"before")
    recorder.input("data")
    recorder.output("data")
    (tmp_path / "data").write_bytes(b"after!")
    record = published(recorder)
    assert (record.inputs[0].digest, record.inputs[0].changed) == (sha(b"before"), "during")
    assert record.outputs[0].digest == sha(b"after!")


# What is kept


def test_outputs_are_kept_and_inputs_are_not(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"in")
    (tmp_path / "out").write_bytes(b"out")
    recorder.input("in")
    recorder.output("out")
    record = published(recorder)
    assert (record.inputs[0].kept, record.outputs[0].kept) == (False, True)
    digest = sha(b"out")
    assert (tmp_path / f".dotscience/blobs/{digest[:2]}/{digest[2:]}").read_bytes() == b"out"
    assert [path for path in (tmp_path / ".dotscience/blobs").rglob("*") if path.name.startswith("tmp")] == []


@pytest.mark.parametrize("content", [b"in", b"x" * LARGE], ids=["small", "large"])
def test_settings_choose_what_is_kept(content: bytes, tmp_path: Path) -> None:
    for name in ("in", "out"):
        (tmp_path / name).write_bytes(content + name.encode())
    environ = {**os.environ, "DOTSCIENCE_KEEP_INPUTS": "yes", "DOTSCIENCE_KEEP_OUTPUTS": "no"}
    with fresh_recorder(tmp_path, environ=environ) as recorder:
        recorder.input("in")
        recorder.output("out")
        record = published(recorder)
    assert (record.inputs[0].kept, record.outputs[0].kept) == (True, False)
    assert record.outputs[0].digest == sha(content + b"out")


def test_a_larger_file_is_recorded_by_its_fingerprint_only(tmp_path: Path) -> None:
    for name, size in (("fits", 1024), ("larger", 1025), ("large", LARGE)):
        (tmp_path / name).write_bytes(b"x" * size)
    with fresh_recorder(tmp_path, environ={**os.environ, "DOTSCIENCE_KEEP_FILE_LIMIT": "1K"}) as recorder:
        recorder.add_outputs("fits", "larger", "large")
        outputs = by_path(published(recorder).outputs)
    assert {name: version.kept for name, version in outputs.items()} == {
        "fits": True,
        "larger": False,
        "large": False,
    }
    assert outputs["large"].digest == sha(b"x" * LARGE)


def test_a_run_keeps_no_more_than_its_limit(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for number in range(200):
        (tmp_path / f"out/{number}").write_bytes(os.urandom(100))
    with fresh_recorder(tmp_path, environ={**os.environ, "DOTSCIENCE_KEEP_RUN_LIMIT": "5000"}) as recorder:
        recorder.output("out")
        outputs = published(recorder).outputs
    assert all(version.digest for version in outputs)
    assert sum(version.kept for version in outputs) == 50


# The current directory


def test_the_root_is_found_at_the_first_event_and_stays(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/data").write_bytes(b"x")
    recorder = Recorder()
    recorder.start()
    os.chdir("below")
    recorder.input("data")
    recorder.output("out")
    (tmp_path / "below/out").write_bytes(b"y")
    record = recorder.publish().record
    recorder.metric("a", 1)
    os.chdir("..")
    again = recorder.publish().record
    assert record.inputs[0].path == "below/data" and record.inputs[0].digest == sha(b"x")
    assert record.outputs[0].path == "below/out" and record.outputs[0].digest == sha(b"y")
    assert record.workspace["root"] == again.workspace["root"] == str(tmp_path)
    assert not (tmp_path / "below/.dotscience").exists()


def test_a_current_directory_that_was_deleted_does_not_stop_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    monkeypatch.setattr("sys.argv", ["train.py"])
    with fresh_recorder(tmp_path) as recorder:
        recorder.metric("a", 1)
        recorder.input("data")
        recorder.input("../up")
        recorder.script("x.py")
        recorder.output("out")
        record = recorder.publish().record
    os.chdir(tmp_path)
    assert by_path(record.inputs) == {
        name: FileVersion(name, unseen="missing") for name in ("gone/data", "up")
    }
    assert by_path(record.outputs) == {"gone/out": FileVersion("gone/out", unseen="missing")}


def test_a_workspace_in_a_directory_that_was_deleted_does_not_stop_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    recorder = Recorder()
    recorder.metric("a", 1)
    assert recorder.publish().record.metrics == {"a": 1}
    os.chdir(tmp_path)


def test_many_large_inputs_do_not_use_up_the_files_that_a_process_may_open(
    script: Callable[..., Any], only_run: Callable[[], Any]
) -> None:
    done = script("""
import os, resource
import dotscience as ds
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
os.mkdir("data")
for number in range(500):
    with open(f"data/{number}", "wb") as stream:
        stream.truncate(1 << 20)
ds.start()
for number in range(500):
    with open(ds.input(f"data/{number}"), "rb") as stream:
        stream.read(1)
held = [open(f"data/{number}") for number in range(100)]
ds.publish()
""")
    assert done.returncode == 0, done.stderr
    inputs = only_run().read_record().inputs
    assert len(inputs) == 500 and {version.digest for version in inputs} == {sha(bytes(1 << 20))}


def test_a_run_that_begins_while_another_is_published_has_its_inputs_read_too(
    recorder: Recorder, tmp_path: Path
) -> None:
    with open(tmp_path / "large", "wb") as stream:
        stream.truncate(1 << 28)
    recorder.input("large")
    first = threading.Thread(target=recorder.publish)
    first.start()
    while recorder._open is not None:
        time.sleep(0.001)
    recorder.metric("next", 1)
    first.join()
    (version,) = published(recorder).inputs
    assert (version.digest is not None, version.unseen) == (True, None)
