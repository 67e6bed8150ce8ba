"""Children and ranks record runs of their own, and nothing hangs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dotscience.storage.runs import RunFolder

Script = Callable[..., "subprocess.CompletedProcess[str]"]
Folders = Callable[[], list[RunFolder]]

FORK = """
import os, sys
import dotscience as ds
ds.start("parent")
ds.metric("parent", 1)
ds.log({"loss": 0.5})
pid = os.fork()
if pid == 0:
    ds.metric("child", 1)
    ds.log({"loss": 0.75})
    CHILD
_, code = os.waitpid(pid, 0)
assert code == 0, code
ds.metric("parent again", 1)
ds.log({"loss": 0.25})
ds.publish("parent")
"""


def by_description(folders: list[RunFolder]) -> dict[str | None, Any]:
    return {
        (record := folder.read_record()).description: record for folder in folders if folder.is_published()
    }


def test_a_forked_child_publishes_a_run_of_its_own(script: Script, run_folders: Folders) -> None:
    done = script(FORK.replace("CHILD", "ds.publish('child'); sys.exit(0)"))
    assert done.returncode == 0, done.stderr
    found = by_description(run_folders())
    assert set(found) == {"parent", "child"}
    parent, child = found["parent"], found["child"]
    assert parent.metrics == {"parent": 1, "parent again": 1, "loss": 0.25}
    assert parent.series["names"]["loss"]["count"] == 2
    assert child.metrics == {"child": 1, "loss": 0.75}
    assert (child.process["parent"], parent.process.get("parent")) == (parent.id, None)
    assert child.process["pid"] != parent.process["pid"]
    assert child.continues is None


def test_a_forked_child_that_publishes_nothing_leaves_an_unpublished_run(
    script: Script, run_folders: Folders
) -> None:
    script(FORK.replace("CHILD", "sys.exit(0)"))
    left = [folder.state() for folder in run_folders() if not folder.is_published()]
    assert [(state.status, state.metrics) for state in left] == [("unpublished", {"child": 1})]
    assert by_description(run_folders())["parent"].metrics["parent again"] == 1


def test_a_forked_child_that_records_nothing_leaves_no_trace(script: Script, run_folders: Folders) -> None:
    source = "import os, sys, dotscience as ds\nds.start()\npid = os.fork()\nif pid == 0: sys.exit(0)\nos.waitpid(pid, 0)\nds.publish()"
    assert script(source).returncode == 0
    assert [folder.is_published() for folder in run_folders()] == [True]


def test_a_fork_inside_blocks_does_not_touch_the_runs_of_the_parent(
    script: Script, run_folders: Folders
) -> None:
    done = script("""
import os, sys
import dotscience as ds
ds.start("around")
pid = None
with ds.run("outer") as outer:
    with ds.run("inner") as inner:
        pid = os.fork()
        ds.metric("who", "child" if pid == 0 else "inner")
    ds.metric("who", "child" if pid == 0 else "outer")
ds.metric("who", "child" if pid == 0 else "around")
if pid:
    assert os.waitpid(pid, 0)[1] == 0
    ds.publish()
""")
    assert done.returncode == 0, done.stderr
    found = {name: record.metrics["who"] for name, record in by_description(run_folders()).items() if name}
    assert found == {"around": "around", "outer": "outer", "inner": "inner"}
    others = [
        folder
        for folder in run_folders()
        if not folder.is_published() or folder.read_record().description is None
    ]
    assert others and all(
        (folder.read_record() if folder.is_published() else folder.state()).metrics == {"who": "child"}
        for folder in others
    )
    assert {folder.state().status for folder in others if not folder.is_published()} <= {"unpublished"}


def test_what_a_forked_child_says_to_a_run_of_its_parent_is_refused_in_words(
    script: Script, run_folders: Folders
) -> None:
    done = script("""
import os, threading
import dotscience as ds
open("data", "w").write("x")
with ds.run("parent") as run:
    held, over = threading.Event(), threading.Event()
    def log():  # a thread that logs at the moment of the fork does not exist in the child
        with run.points._lock:
            held.set()
            over.wait()
    thread = threading.Thread(target=log)
    thread.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        run.log({"loss": 0.5})
        run.metric("m", 1)
        run.input("data")
        os._exit(0)
    over.set()
    thread.join()
    assert os.waitpid(pid, 0)[1] == 0
    run.metric("parent", 1)
""")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "forked process" in line]
    assert [line.split()[1] for line in said] == ["log", "metric", "input"]
    (folder,) = run_folders()
    assert folder.read_record().metrics == {"parent": 1}


def test_a_forked_child_keeps_the_root_after_a_change_of_directory(
    script: Script, run_folders: Folders, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    source = "import os, sys, dotscience as ds\nds.start()\nos.chdir('below')\npid = os.fork()\nds.publish()\nif pid: os.waitpid(pid, 0)"
    assert script(source).returncode == 0
    assert [folder.is_published() for folder in run_folders()] == [True, True]
    assert not (tmp_path / "below/.dotscience").exists()


def test_a_fork_in_the_middle_of_everything_does_not_hang(script: Script, run_folders: Folders) -> None:
    done = script("""
import os, threading, time
import dotscience as ds
ds.start("parent")
stop = False
def work():
    step = 0
    while not stop:
        ds.log({"loss": 1.0}, step=step)
        ds.metric("m", step)
        ds._default._recording._writer.flush()
        step += 1
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
open("data", "wb").write(b"x" * 1000000)
for number in range(30):
    ds.input("data")
    pid = os.fork()
    if pid == 0:
        ds.metric("child", number)
        ds.log({"c": 1.0})
        ds.input("data")
        ds.publish("child")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for thread in threads: thread.join()
ds.publish("parent")
""")
    assert done.returncode == 0, done.stderr[-2000:]
    records = [folder.read_record() for folder in run_folders()]
    children = [record for record in records if record.description == "child"]
    assert sorted(record.metrics["child"] for record in children) == list(range(30))
    assert all(set(record.metrics) == {"child", "c"} for record in children)
    (parent,) = (record for record in records if record.description == "parent")
    assert parent.series["names"]["loss"]["count"] > 0 and "child" not in parent.metrics


POOL = """
import multiprocessing, sys
import dotscience as ds

def work(number):
    ds.start(f"worker {number}")
    ds.metric("number", number)
    PUBLISH
    return number

if __name__ == "__main__":
    ds.start("parent")
    ds.metric("parent", 1)
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(work, range(6)) == list(range(6))
        CLOSE
    ds.publish()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_a_pool_publish_runs_of_their_own(
    method: str, script: Script, run_folders: Folders
) -> None:
    done = script(POOL.replace("PUBLISH", "ds.publish()").replace("CLOSE", ""), method)
    assert done.returncode == 0, done.stderr
    found = by_description(run_folders())
    assert {name: record.metrics for name, record in found.items()} == {
        "parent": {"parent": 1},
        **{f"worker {number}": {"number": number} for number in range(6)},
    }
    parents = {record.process.get("parent") for name, record in found.items() if name != "parent"}
    assert parents == ({found["parent"].id} if method == "fork" else {None})


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_that_do_not_publish_leave_unpublished_runs(
    method: str, script: Script, run_folders: Folders
) -> None:
    done = script(POOL.replace("PUBLISH", "pass").replace("CLOSE", "pool.close(); pool.join()"), method)
    assert done.returncode == 0, done.stderr
    states = [folder.state() for folder in run_folders() if not folder.is_published()]
    assert sorted(state.metrics["number"] for state in states) == list(range(6))
    assert {state.status for state in states} == {"unpublished"}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_that_crashes_leaves_a_crashed_run(
    method: str, script: Script, run_folders: Folders
) -> None:
    done = script(
        """
import multiprocessing, sys
import dotscience as ds

def work():
    ds.start("worker")
    raise ValueError("no rows")

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 1
""",
        method,
    )
    assert done.returncode == 0, done.stderr
    (state,) = (folder.state() for folder in run_folders())
    if sys.version_info < (3, 13):
        assert (state.status, state.error) == ("crashed", "ValueError: no rows")
    else:  # there a worker forgets its exception before it runs any hook
        assert (state.status, state.error) == ("unpublished", None)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_workers_record(backend: str, script: Script, run_folders: Folders, require: Any) -> None:
    require("joblib")
    done = script(
        """
import sys
import dotscience as ds
from joblib import Parallel, delayed

def work(number):
    with ds.run(f"worker {number}") as run:
        run.metric("number", number)
    return number

if __name__ == "__main__":
    ds.start("parent")
    assert Parallel(n_jobs=2, backend=sys.argv[1])(delayed(work)(number) for number in range(6)) == list(range(6))
    ds.metric("parent", 1)
    ds.publish()
""",
        backend,
    )
    assert done.returncode == 0, done.stderr
    found = {name: record.metrics for name, record in by_description(run_folders()).items()}
    assert found == {
        "parent": {"parent": 1},
        **{f"worker {number}": {"number": number} for number in range(6)},
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {
                "RANK": "1",
                "LOCAL_RANK": "0",
                "WORLD_SIZE": "4",
                "MASTER_ADDR": "host",
                "MASTER_PORT": "29500",
            },
            (1, 0, 4, "host:29500"),
        ),
        (
            {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "host", "TORCHELASTIC_RUN_ID": "job"},
            (0, None, 2, "job"),
        ),
        (
            {"SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "77"},
            (3, 1, 8, "77"),
        ),
        (
            {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"},
            (2, 2, 3, None),
        ),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "PMIX_NAMESPACE": "ns"}, (1, None, 2, "ns")),
        ({"RANK": "", "SLURM_JOB_ID": "77"}, (None, None, None, None)),
        ({"RANK": "first", "LOCAL_RANK": "²", "WORLD_SIZE": "-1"}, (None, None, None, None)),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, dict) else "",
)
def test_a_rank_names_its_place_and_its_group(
    environ: dict[str, str], expected: tuple[Any, ...], script: Script, run_folders: Folders
) -> None:
    done = script("import dotscience as ds; ds.publish()", **environ)
    assert done.returncode == 0, done.stderr
    process = run_folders()[0].read_record().process
    assert tuple(process.get(name) for name in ("rank", "local_rank", "world_size", "group")) == expected


def test_ranks_of_one_job_have_runs_of_their_own_in_one_group(tmp_path: Path, run_folders: Folders) -> None:
    source = "import dotscience as ds; ds.metric('r', 1); ds.publish(stream=open('/dev/null', 'w'))"
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", source],
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "3", "MASTER_ADDR": "h"},
        )
        for rank in range(3)
    ]
    assert [rank.wait() for rank in ranks] == [0, 0, 0]
    records = [folder.read_record() for folder in run_folders()]
    assert sorted(record.process["rank"] for record in records) == [0, 1, 2]
    assert {record.process["group"] for record in records} == {"h"}


def test_a_run_under_ds_run_names_its_execution(script: Script, run_folders: Folders) -> None:
    script("import dotscience as ds; ds.publish()", DOTSCIENCE_EXECUTION="an-execution")
    assert run_folders()[0].read_record().process["execution"] == "an-execution"


def test_a_process_that_may_start_no_threads_records_all_the_same(
    script: Script, run_folders: Folders
) -> None:
    done = script("""
import threading
import dotscience as ds
def refuse(self): raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
open("data", "wb").write(b"x" * 1000000)
ds.start()
ds.metric("a", 1)
ds.log({"loss": 1.0})
ds.input("data")
ds.publish()
""")
    assert done.returncode == 0, done.stderr
    record = run_folders()[0].read_record()
    assert record.metrics == {"a": 1, "loss": 1.0} and record.inputs[0].digest is not None
