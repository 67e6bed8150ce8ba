"""`python -m benchmarks [NAME…]` prints the table; with names, only the measurements of those names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib import import_module

from .measure import Row

ROOMS = ("recording", "files", "asking", "kills", "hub", "hub_faults")


def main(names: list[str]) -> int:
    if names[:1] == ["--one"]:
        room, name = names[1:]
        rows = getattr(import_module(f"benchmarks.{room}"), name)()
        print(json.dumps([asdict(row) for row in rows]))
        return 0
    print("| what | measured | must reach | |\n|---|---|---|---|", flush=True)
    for room in ROOMS:
        for measurement in import_module(f"benchmarks.{room}").MEASUREMENTS:
            if not names or measurement.__name__ in names or room in names:
                for row in _measure(room, measurement.__name__):
                    met = {True: "met", False: "MISSED", None: ""}[row.met]
                    print(f"| {row.what} | {row.measured} | {row.bar} | {met} |", flush=True)
    return 0


def _measure(room: str, name: str) -> list[Row]:
    """One measurement in a process, a folder and a user's environment of its own."""
    with tempfile.TemporaryDirectory(prefix="dotscience-bench-") as folder:
        repository = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DOTSCIENCE_")}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # under which every process compiles all that it imports
        environ |= {
            "PYTHONPATH": repository,
            "XDG_STATE_HOME": f"{folder}/state",
            "XDG_CONFIG_HOME": f"{folder}/config",
        }
        os.mkdir(f"{folder}/work")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", "--one", room, name],
            cwd=f"{folder}/work",
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            return [Row(name, f"failed with exit code {done.returncode}", "", False)]
        return [Row(**found) for found in json.loads(done.stdout.strip().splitlines()[-1])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
