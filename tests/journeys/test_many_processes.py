"""Two hundred processes that publish into one workspace at once leave two hundred correct records."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dotscience.storage.blobs import LocalBlobs
from dotscience.storage.runs import RunFolder
from dotscience.storage.series import SeriesReader

COUNT = 200

# Forked from one process that waits, so that they all go off at the same moment.
PROGRAM = """
import os, sys
import dotscience as ds

ds.start("before")
ds.publish()
ready, go = os.pipe()
children = []
for number in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(ready, 1)
        ds.start(f"run {number}")
        ds.parameter("number", number)
        ds.input("shared.csv")
        for step in range(10):
            ds.log({"loss": number + step / 10}, step=step)
        with open(ds.output(f"out/{number}.txt"), "w") as stream:
            stream.write(f"made by {number % 20}")
        ds.publish()
        os._exit(0)
    children.append(pid)
os.close(go)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * len(children)
"""


def test_two_hundred_processes_leave_two_hundred_records(
    tmp_path: Path, run_folders: Callable[[], list[RunFolder]]
) -> None:
    (tmp_path / "shared.csv").write_text("1,2\n" * 1000)
    (tmp_path / "out").mkdir()
    (tmp_path / "work.py").write_text(PROGRAM)
    environ = {**os.environ, "DOTSCIENCE_PUBLISH_TO": "none"}
    done = subprocess.run(
        [sys.executable, "work.py", str(COUNT)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

    found = [folder.read_record() for folder in run_folders()]
    records = {record.parameters["number"]: record for record in found if record.description != "before"}
    assert sorted(records) == list(range(COUNT))
    blobs = LocalBlobs(str(tmp_path / ".dotscience/blobs"))
    for number, record in records.items():
        assert (record.description, record.status, record.notices) == (f"run {number}", "completed", ())
        assert record.metrics == {"loss": number + 0.9}
        (shared,), (made,) = record.inputs, record.outputs
        assert (shared.path, made.path) == ("shared.csv", f"out/{number}.txt")
        assert shared.digest is not None and made.digest is not None and made.kept
        with blobs.open(made.digest) as content:
            assert content.read() == f"made by {number % 20}".encode()
        with blobs.open(record.series["blob"]["sha256"]) as stream:
            values = list(SeriesReader(stream, "series").read("loss").values)
        assert values == [number + step / 10 for step in range(10)]
    assert len({record.inputs[0].digest for record in records.values()}) == 1
    assert all(map(blobs.check, blobs))
    left = [
        path.name
        for path in (tmp_path / ".dotscience").rglob("*")
        if path.suffix == ".tmp" or path.name.startswith("tmp-")
    ]
    assert left == []
