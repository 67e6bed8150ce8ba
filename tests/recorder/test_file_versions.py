"""What is said of a file that changes, of its content, and of the directory that it is named from, is the truth."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dotscience.recorder.recorder import Recorder
from dotscience.records.files import FileVersion
from dotscience.testing import fresh_recorder

if TYPE_CHECKING:
    from conftest import Files

LARGE = 300_000  # more than is read during the call


# What happens to a file between the call and the publish


@pytest.mark.parametrize("size", [10, LARGE])
def test_an_input_is_what_it_was_at_the_call_or_said_to_be_unseen(
    size: int, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    before, after = b"a" * size, b"b" * size
    (tmp_path / "data").write_bytes(before)
    recorder.input("data")
    (tmp_path / "data").write_bytes(after)
    (version,) = files.published(recorder).inputs
    assert version.changed == "during"
    assert version.digest == files.sha(before) or (
        version.digest is None and version.unseen in ("replaced", "changing")
    )


def test_an_input_that_changes_after_it_was_read_is_said_to_have_changed(
    recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "data").write_bytes(b"a" * LARGE)
    recorder.input("data")
    recorder._recording._run.reader.finish_inputs()  # type: ignore[union-attr]
    with open("data", "ab") as stream:
        stream.write(b"more")
    (version,) = files.published(recorder).inputs
    assert (version.digest, version.changed) == (files.sha(b"a" * LARGE), "during")


def rename_over(path: Path) -> None:
    (path.parent / "new").write_bytes(b"b" * path.stat().st_size)
    (path.parent / "new").replace(path)


@pytest.mark.parametrize(("lose", "word"), [(rename_over, "during"), (Path.unlink, "gone")])
@pytest.mark.parametrize("size", [10, LARGE])
def test_an_input_that_is_replaced_or_deleted_was_seen_before_or_not_at_all(
    size: int, lose: Callable[[Path], None], word: str, recorder: Recorder, files: Files
) -> None:
    Path("data").write_bytes(b"a" * size)
    recorder.input("data")
    lose(Path("data"))
    (version,) = files.published(recorder).inputs
    assert version.changed == word
    # A small file was read during the call; a large one is read from where it was opened, unless it changes meanwhile.
    assert version.digest == files.sha(b"a" * size) or (
        size == LARGE and version.unseen in ("replaced", "changing")
    )


@pytest.mark.parametrize("filled", [False, True])
def test_an_input_that_became_a_directory_is_said_to_be_gone(
    filled: bool, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "data").write_bytes(b"a")
    recorder.input("data")
    os.unlink("data")
    os.mkdir("data")
    if filled:
        (tmp_path / "data/below").touch()
    (version,) = files.published(recorder).inputs
    assert (version.digest, version.changed) == (files.sha(b"a"), "gone")


@pytest.mark.parametrize("size", [10, LARGE])
def test_an_input_rewritten_with_the_same_bytes_did_not_change(
    size: int, recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    (tmp_path / "data").write_bytes(b"a" * size)
    recorder.input("data")
    recorder._recording._run.reader.finish_inputs()  # type: ignore[union-attr]
    (tmp_path / "data").write_bytes(b"a" * size)
    (version,) = files.published(recorder).inputs
    assert (version.digest, version.changed) == (files.sha(b"a" * size), None)


def test_an_input_that_appears_later_stays_missing(recorder: Recorder, tmp_path: Path, files: Files) -> None:
    recorder.input("data")
    (tmp_path / "data").write_bytes(b"a")
    assert files.published(recorder).inputs == (FileVersion("data", unseen="missing"),)


@pytest.mark.parametrize("sizes", [(10, 20), (LARGE, LARGE + 1), (LARGE, 10), (10, LARGE), (LARGE, LARGE)])
def test_a_file_read_twice_may_have_been_two_versions(
    sizes: tuple[int, int], recorder: Recorder, tmp_path: Path, files: Files
) -> None:
    contents = [b"a" * sizes[0], b"b" * sizes[1]]
    for content in contents:
        (tmp_path / "data").write_bytes(content)
        recorder.input("data")
    versions = files.published(recorder).inputs
    assert [version.path for version in versions] == ["data", "data"]
    assert files.sha(contents[1]) in {version.digest for version in versions}
    assert all(
        version.digest in map(files.sha, contents) or version.unseen in ("replaced", "changing")
        for version in versions
    )


def test_a_file_read_twice_unchanged_is_one_version(recorder: Recorder, tmp_path: Path, files: Files) -> None:
    (tmp_path / "data").write_bytes(b"a" * LARGE)
    for _ in range(3):
        recorder.input("data")
    (version,) = files.published(recorder).inputs
    assert (version.digest, version.unseen, version.changed) == (files.sha(b"a" * LARGE), None, None)


def test_an_output_is_what_it_is_at_the_publish(recorder: Recorder, tmp_path: Path, files: Files) -> None:
    (tmp_path / "out").write_bytes(b"early")
    recorder.output("out")
    (tmp_path / "out").write_bytes(b"late")
    assert files.published(recorder).outputs[0].digest == files.sha(b"late")


def test_an_input_may_be_an_output_too(recorder: Recorder, tmp_path: Path, files: Files) -> None:
    (tmp_path / "data").write_bytes(b"before")
    recorder.input("data")
    recorder.output("data")
    (tmp_path / "data").write_bytes(b"after!")
    record = files.published(recorder)
    assert (record.inputs[0].digest, record.inputs[0].changed) == (files.sha(b"before"), "during")
    assert record.outputs[0].digest == files.sha(b"after!")


# What is kept


def test_outputs_are_kept_and_inputs_are_not(recorder: Recorder, tmp_path: Path, files: Files) -> None:
    (tmp_path / "in").write_bytes(b"in")
    (tmp_path / "out").write_bytes(b"out")
    recorder.input("in")
    recorder.output("out")
    record = files.published(recorder)
    assert (record.inputs[0].kept, record.outputs[0].kept) == (False, True)
    digest = files.sha(b"out")
    assert (tmp_path / f".dotscience/blobs/{digest[:2]}/{digest[2:]}").read_bytes() == b"out"
    assert [path for path in (tmp_path / ".dotscience/blobs").rglob("*") if path.name.startswith("tmp")] == []


@pytest.mark.parametrize("content", [b"in", b"x" * LARGE], ids=["small", "large"])
def test_settings_choose_what_is_kept(content: bytes, tmp_path: Path, files: Files) -> None:
    for name in ("in", "out"):
        (tmp_path / name).write_bytes(content + name.encode())
    environ = {**os.environ, "DOTSCIENCE_KEEP_INPUTS": "yes", "DOTSCIENCE_KEEP_OUTPUTS": "no"}
    with fresh_recorder(tmp_path, environ=environ) as recorder:
        recorder.input("in")
        recorder.output("out")
        record = files.published(recorder)
    assert (record.inputs[0].kept, record.outputs[0].kept) == (True, False)
    assert record.outputs[0].digest == files.sha(content + b"out")


def test_a_larger_file_is_recorded_by_its_fingerprint_only(tmp_path: Path, files: Files) -> None:
    for name, size in (("fits", 1024), ("larger", 1025), ("large", LARGE)):
        (tmp_path / name).write_bytes(b"x" * size)
    with fresh_recorder(tmp_path, environ={**os.environ, "DOTSCIENCE_KEEP_FILE_LIMIT": "1K"}) as recorder:
        recorder.add_outputs("fits", "larger", "large")
        outputs = files.by_path(files.published(recorder).outputs)
    assert {name: version.kept for name, version in outputs.items()} == {
        "fits": True,
        "larger": False,
        "large": False,
    }
    assert outputs["large"].digest == files.sha(b"x" * LARGE)


def test_a_run_keeps_no_more_than_its_limit(tmp_path: Path, files: Files) -> None:
    (tmp_path / "out").mkdir()
    for number in range(200):
        (tmp_path / f"out/{number}").write_bytes(os.urandom(100))
    with fresh_recorder(tmp_path, environ={**os.environ, "DOTSCIENCE_KEEP_RUN_LIMIT": "5000"}) as recorder:
        recorder.output("out")
        outputs = files.published(recorder).outputs
    assert all(version.digest for version in outputs)
    assert sum(version.kept for version in outputs) == 50


# The current directory


def test_the_root_is_found_at_the_first_event_and_stays(tmp_path: Path, files: Files) -> None:
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
    assert record.inputs[0].path == "below/data" and record.inputs[0].digest == files.sha(b"x")
    assert record.outputs[0].path == "below/out" and record.outputs[0].digest == files.sha(b"y")
    assert record.workspace["root"] == again.workspace["root"] == str(tmp_path)
    assert not (tmp_path / "below/.dotscience").exists()


def test_a_current_directory_that_was_deleted_does_not_stop_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Files
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
    assert files.by_path(record.inputs) == {
        name: FileVersion(name, unseen="missing") for name in ("gone/data", "up")
    }
    assert files.by_path(record.outputs) == {"gone/out": FileVersion("gone/out", unseen="missing")}


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
    script: Callable[..., Any], only_run: Callable[[], Any], files: Files
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
    assert len(inputs) == 500 and {version.digest for version in inputs} == {files.sha(bytes(1 << 20))}


def test_a_run_that_begins_while_another_is_published_has_its_inputs_read_too(
    recorder: Recorder, tmp_path: Path, files: Files
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
    (version,) = files.published(recorder).inputs
    assert (version.digest is not None, version.unseen) == (True, None)
