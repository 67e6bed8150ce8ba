"""What is lost when a job and everything below it is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dotscience.errors import DotscienceError
from dotscience.storage.points import read_frames
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

from .measure import Row, at_most

KILLS = int(os.environ.get("BENCHMARK_KILLS", "1000"))

JOB = """
import time, dotscience as ds
ds.start()
print(ds._default._open.id, flush=True)
while True:
    now = time.time()
    ds.metric("at", now)
    ds.log({"at": now})
    time.sleep(0.002)
"""


def sigkill() -> list[Row]:
    chance = random.Random(20261101)
    moments = [chance.uniform(0.0, 1.5) for _ in range(KILLS)]
    with ThreadPoolExecutor(8) as pool:
        losses = list(pool.map(_kill_one, moments))
    unreadable = sum(loss is None for loss in losses)
    worst = max((loss for loss in losses if loss is not None), default=0.0)
    return [
        at_most(f"age of the oldest thing lost in {KILLS} kills", worst, 1, "s"),
        at_most("… runs that could not be read afterwards", unreadable, 0, "runs"),
    ]


def _kill_one(after: float) -> float | None:
    """Seconds between the last thing that is readable and the kill; None where nothing can be read."""
    job = subprocess.Popen(
        [sys.executable, "-c", JOB], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert job.stdout is not None
    run_id = job.stdout.readline().strip()
    began = time.time()
    time.sleep(after)
    killed = time.time()
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    job.stdout.close()
    try:
        folder = Workspace.find().run_folder(run_id)
        state = folder.state()
    except DotscienceError:
        return None
    if state.status != "killed":
        return None
    said = float(state.metrics.get("at", began))  # type: ignore[arg-type]
    return killed - min(said, _last_point(folder, began))


def _last_point(folder: RunFolder, began: float) -> float:
    problems: list[str] = []
    last = began
    try:
        with open(folder.points_path, "rb") as stream:
            for rows in read_frames(stream, folder.points_path, problems):
                last = memoryview(rows.payload).cast("d")[-1]
    except FileNotFoundError:
        return began
    return float("-inf") if problems else last


MEASUREMENTS = (sigkill,)
