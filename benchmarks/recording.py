"""What recording costs the user's program."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import subprocess
import time

import dotscience as ds

from .measure import Row, alternate, at_most, median_of, run_python, seconds

CALLS = 20_000
POINTS = 10_000


def start_quietly() -> None:
    """Open a run and let its surroundings be gathered, which has a row of its own."""
    ds.start()
    time.sleep(0.5)


def importing() -> list[Row]:
    bare, ours = alternate(
        15, lambda: run_python("-c", "pass"), lambda: run_python("-c", "import dotscience")
    )
    loaded = run_python(
        "-c", "import sys; b = set(sys.modules); import dotscience; print(*sorted(set(sys.modules) - b))"
    ).split()
    beyond = [name for name in loaded if not name.startswith("dotscience")]
    return [
        at_most(
            "`import dotscience` beyond a bare interpreter",
            1e3 * (ours - bare),
            15,
            "ms",
            f"bare {1e3 * bare:.0f} ms",
        ),
        Row("… other modules it loads", " ".join(beyond) or "none", "no third-party module", True),
    ]


def declaring() -> list[Row]:
    def remember(store: dict[str, float], key: str, value: float) -> None:
        store[key] = value

    keys = [f"key{number}" for number in range(CALLS)]
    rows = []
    for verb in (ds.metric, ds.parameter, ds.label):
        bare_times, our_times = [], []
        for _ in range(7):
            store: dict[str, float] = {}
            bare_times.append(
                seconds(lambda store=store: [remember(store, key, 0.5) for key in keys] and None)
            )
            start_quietly()
            our_times.append(seconds(lambda verb=verb: [verb(key, 0.5) for key in keys] and None))
        bare, ours = sorted(bare_times)[3], sorted(our_times)[3]
        rows.append(
            at_most(
                f"`ds.{verb.__name__}` with a new key",
                ours / bare,
                5,
                "× dict set",
                f"{1e9 * ours / CALLS:.0f} ns",
            )
        )
    return rows


def logging_one() -> list[Row]:
    start_quietly()
    taken = median_of(7, lambda: [ds.log({"loss": 0.5}) for _ in range(CALLS)] and None)
    return [at_most("`ds.log` of one value", 1e6 * taken / CALLS, 2, "µs")]


def logging_ten() -> list[Row]:
    points = [{f"series{n}": random.random() for n in range(10)} for _ in range(POINTS)]
    pack = struct.Struct("<qqqd").pack
    sizes = []

    def packed() -> None:
        with open("packed.bin", "wb") as stream:
            rows = [pack(n, n, m, v) for n, point in enumerate(points) for m, v in enumerate(point.values())]
            stream.write(b"".join(rows))
            stream.flush()
            os.fsync(stream.fileno())

    def logged() -> None:
        for point in points:
            ds.log(point)
        published = ds.publish(stream=io.StringIO())
        sizes.append(published.record.series["blob"]["size"] / (10 * POINTS))

    ds.start()
    logged()
    bare, ours = alternate(9, packed, logged)
    ds.start()
    for _ in range(100_000):
        ds.log({"loss": random.random()})
    single = ds.publish(stream=io.StringIO()).record.series["blob"]["size"] / 100_000
    return [
        at_most(
            "10,000 × `ds.log` of 10 values, until published and synced",
            ours / bare,
            3,
            "× packing the points one by one, one fsync",
            f"{1e3 * ours:.0f} ms to {1e3 * bare:.0f} ms",
        ),
        at_most("bytes per point after publish, 10 series", sizes[-1], 10, "B"),
        at_most("bytes per point after publish, 1 series", single, 10, "B"),
    ]


def empty_run() -> list[Row]:
    for number in range(1000):
        folder = f"package{number % 20}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/module{number}.py", "w", encoding="ascii") as stream:
            stream.write(f"VALUE = {number}\n")
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.org", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "files"]):
        subprocess.run([*git, *command], check=True)
    script = (
        "import io, json, time, dotscience as ds\n"
        "taken = []\n"
        "for _ in range(8):\n"
        "    began = time.perf_counter(); ds.start(); ds.publish(stream=io.StringIO())\n"
        "    taken.append(1e3 * (time.perf_counter() - began))\n"
        "print(json.dumps(taken))\n"
    )
    with open("empty.py", "w", encoding="ascii") as stream:
        stream.write(script)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "script"], check=True)

    def bare() -> None:
        subprocess.run(["git", "status", "--porcelain=v2", "--branch"], check=True, capture_output=True)
        subprocess.run(["git", "config", "--get", "remote.origin.url"], check=False, capture_output=True)

    scan = float(
        run_python(
            "-c",
            "import time, importlib.metadata as m; t = time.perf_counter(); "
            "{d.metadata['Name']: d.version for d in m.distributions()}; print(time.perf_counter() - t)",
        )
    )
    ours = [json.loads(run_python("empty.py")) for _ in range(7)]
    calls = median_of(7, bare)
    first = sorted(found[0] for found in ours)[3]
    later = sorted(sorted(found[1:])[3] for found in ours)[3]
    return [
        at_most("start + publish of an empty run, capture on, from the second on", later, 20, "ms"),
        at_most(
            "… the first of a process",
            first / (1e3 * (calls + scan)),
            1.5,
            "× bare git calls + package scan",
            f"{first:.0f} ms to {1e3 * calls:.0f} + {1e3 * scan:.0f} ms",
        ),
    ]


def memory() -> list[Row]:
    script = (
        "import resource, io, dotscience as ds\n"
        "ds.start(); ds.log({'a': 0.0})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for n in range(1_000_000):\n"
        "    ds.log({'a': n, 'b': n, 'c': n, 'd': n, 'e': n, 'f': n, 'g': n, 'h': n, 'i': n, 'j': n})\n"
        "ds.publish(stream=io.StringIO())\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    return [
        at_most(
            "memory above start while logging 10 million points and publishing them",
            float(run_python("-c", script)),
            100,
            "MiB",
        )
    ]


MEASUREMENTS = (importing, declaring, logging_one, logging_ten, empty_run, memory)
