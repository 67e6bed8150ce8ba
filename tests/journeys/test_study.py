"""A study of several scripts, from raw data to a model, and what the command line knows of it afterwards."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PREPARE = """
import dotscience as ds
ds.start("prepare")
raw = open(ds.input("data/raw.csv")).read()
open(ds.output("data/clean.csv"), "w").write(raw.upper())
ds.publish()
"""
TRAIN = """
import sys
import dotscience as ds
import steps
ds.start("train")
open(ds.input("data/clean.csv")).read()
for step in range(int(ds.parameter("steps", sys.argv[1]))):
    ds.log({"loss": steps.loss(step)}, step=step)
open(ds.output("model.bin"), "w").write("weights after " + sys.argv[1])
ds.publish()
"""
STEPS = "def loss(step):\n    return 1 / (step + 1)\n"


def run(*command: str, code: int = 0) -> str:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def ds(*arguments: str) -> Any:
    return json.loads(run("-m", "dotscience", *arguments, "--json"))


def write(root: Path, **files: str) -> None:
    (root / "data").mkdir(exist_ok=True)
    for name, content in files.items():
        (root / f"{name}.py").write_text(content)


def test_where_a_model_came_from_is_known_after_it_was_renamed_and_moved(
    tmp_path: Path, tmp_path_factory: Any
) -> None:
    write(tmp_path, prepare=PREPARE, train=TRAIN, steps=STEPS)
    (tmp_path / "data/raw.csv").write_text("a,b\n")
    run("prepare.py")
    run("train.py", "3")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "renamed.bin"
    (tmp_path / "model.bin").rename(elsewhere)
    run("train.py", "5")

    why = ds("why", str(elsewhere))
    assert [step["description"] for step in why["steps"]] == ["train", "prepare"]
    assert why["steps"][0]["parameters"] == {"steps": "3"}
    assert why["steps"][0]["metrics"] == {"loss": 1 / 3}
    assert [file["path"] for file in why["steps"][1]["inputs"]] == ["data/raw.csv"]
    assert [row["description"] for row in ds("list")] == ["train", "train", "prepare"]

    shown = run("-m", "dotscience", "why", "model.bin")
    assert "steps" in shown and "data/raw.csv" in shown


def test_a_run_that_crashed_is_seen_mended_and_published(tmp_path: Path) -> None:
    write(tmp_path, train=TRAIN, steps=STEPS.replace("(step + 1)", "step"))
    (tmp_path / "data/clean.csv").write_text("A,B\n")
    run("train.py", "3", code=1)
    (row,) = ds("list")
    assert (row["status"], row["published"], row["error"]) == (
        "crashed",
        None,
        "ZeroDivisionError: division by zero",
    )

    run("-m", "dotscience", "publish", row["id"][:8])
    record = json.loads(run("-m", "dotscience", "export", "@latest"))
    assert record["status"] == "crashed" and "return 1 / step" in record["process"]["traceback"]
    assert record["parameters"] == {"steps": "3"} and record["code"]["workload"]["path"] == "train.py"

    write(tmp_path, steps=STEPS)
    run("train.py", "3")
    assert [row["status"] for row in ds("list")] == ["completed", "crashed"]


def test_a_run_that_was_killed_is_seen_and_can_be_dropped(tmp_path: Path) -> None:
    write(
        tmp_path,
        train=TRAIN.replace("ds.publish()", "print('working', flush=True); sys.stdin.read()"),
        steps=STEPS,
    )
    (tmp_path / "data/clean.csv").write_text("A,B\n")
    with subprocess.Popen(
        [sys.executable, "train.py", "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"working\n"
        while not (rows := ds("list")) or rows[0]["parameters"] != {"steps": "3"}:
            assert process.poll() is None
        assert rows[0]["status"] == "running"
        process.send_signal(signal.SIGKILL)
    (row,) = ds("list")
    assert row["status"] == "killed"
    run("-m", "dotscience", "discard", row["id"], "--yes")
    assert ds("list") == []
    assert os.listdir(tmp_path / ".dotscience/runs") == []
