"""Makes a workspace full of run records, for benchmarks that need a large one.

    python benchmarks/store.py FOLDER [RUNS] [FILES PER RUN]

Of a run's files half are outputs, all of them new; a quarter are raw files of its own, and a quarter are outputs
of an earlier run, so that there are chains of lineage to follow.
"""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from datetime import datetime, timedelta, timezone

from dotscience.records.files import FileVersion
from dotscience.records.record import Record

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_store(root: str, runs: int = 10_000, files: int = 100) -> list[str]:
    """Write that many run folders below `root/.dotscience` and return the ids of the runs, oldest first."""
    ids = []
    for number in range(runs):
        record = make_record(number, files)
        folder = os.path.join(root, ".dotscience", "runs", record.id)
        os.makedirs(folder)
        with open(os.path.join(folder, "record.json"), "wb") as stream:
            stream.write(record.to_bytes())
        ids.append(record.id)
    return ids


def make_record(number: int, files: int) -> Record:
    """The record of the run of that number; the same every time."""
    outputs, quarter = files // 2, files // 4
    parent = _parent(number)
    inherited = [_output(parent, part) for part in range(quarter)] if parent is not None else []
    raw = [_version(f"raw/{number:05}/{part}.csv") for part in range(files - outputs - len(inherited))]
    start = START + timedelta(minutes=number)
    return Record(
        id=str(uuid.UUID(bytes=hashlib.md5(b"run %d" % number).digest(), version=4)),
        status="completed",
        published=start + timedelta(seconds=59),
        started=start,
        ended=start + timedelta(seconds=58),
        mode="script",
        workload_file="train.py",
        description=f"run number {number}",
        labels={"mode": "test" if number % 2 else "train"},
        parameters={"n": number % 10, "rate": 0.1 / (1 + number % 7), "optimizer": "adam"},
        metrics={"accuracy": (number * 7919 % 10_007) / 10_007, "loss": 1.0 / (1 + number)},
        inputs=tuple(raw + inherited),
        outputs=tuple(_output(number, part) for part in range(outputs)),
        workspace={"root": "/somewhere", "host": "bench"},
        environment={"argv": ["train.py", "--n", str(number % 10)], "python": "3.11.7"},
        git={"commit": hashlib.sha1(b"%d" % (number // 100)).hexdigest(), "branch": "main"},
    )


def _parent(number: int) -> int | None:
    """Twenty chains side by side, a new one of each every two hundred runs."""
    return number - 20 if number % 200 >= 20 else None


def _output(number: int, part: int) -> FileVersion:
    return _version(f"out/{number:05}/part-{part}.bin")


def _version(path: str) -> FileVersion:
    return FileVersion(
        path, hashlib.sha256(path.encode()).hexdigest(), 1024 + len(path), 1_770_000_000_000_000_000
    )


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    print(make_store(folder, *map(int, numbers))[-1])
