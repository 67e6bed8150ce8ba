"""Background hashing: every job is done, whatever happens to threads, forks, signals and the interpreter."""

import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.storage.hashers import Hashers, batches

MIB = 1024 * 1024


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_every_job_is_done_and_gives_its_result(threads: int) -> None:
    hashers = Hashers(threads)
    jobs = [hashers.submit(lambda number=number: number * 2) for number in range(500)]
    assert hashers.wait()
    assert [job.result for job in jobs] == [number * 2 for number in range(500)]
    assert hashers.pending == (0, 0)


def test_jobs_are_done_in_the_background_without_anyone_waiting() -> None:
    done = threading.Event()
    Hashers().submit(done.set)
    assert done.wait(120)


def test_an_error_stays_on_its_job_and_the_others_are_done() -> None:
    hashers = Hashers(1)
    failing = [hashers.submit(lambda: 1 / 0), hashers.submit(lambda: sys.exit(3))]
    fine = hashers.submit(lambda: "fine")
    assert hashers.wait()
    assert fine.result == "fine"
    assert [type(job.error) for job in failing] == [ZeroDivisionError, SystemExit]
    with pytest.raises(ZeroDivisionError):
        _ = failing[0].result


def test_the_result_of_a_job_that_is_not_done_is_an_error() -> None:
    hashers = Hashers(1)
    go = threading.Event()
    job = hashers.submit(go.wait)
    with pytest.raises(RuntimeError, match="not done"):
        _ = job.result
    go.set()
    assert hashers.wait()


def test_waiting_gives_up_after_its_timeout_and_the_work_goes_on() -> None:
    hashers = Hashers(1)
    go = threading.Event()
    job = hashers.submit(go.wait, 10)
    hashers.submit(lambda: None, 5)
    assert not hashers.wait(timeout=0.05)
    assert hashers.pending == (2, 15)
    go.set()
    assert hashers.wait(timeout=120)
    assert job.done


def test_waiting_for_nothing_returns_at_once() -> None:
    assert Hashers().wait(timeout=0)


def test_progress_rises_from_nothing_to_all_that_was_left() -> None:
    hashers = Hashers(1)
    seen: list[tuple[int, int]] = []
    halfway, go = threading.Event(), threading.Event()

    def half() -> None:
        hashers.advance(40)
        halfway.set()
        go.wait(120)

    def show(done: int, total: int) -> None:
        seen.append((done, total))
        go.set()

    hashers.submit(half, 100)
    hashers.submit(lambda: None, 11)
    assert halfway.wait(120)
    assert hashers.pending == (2, 71)
    assert hashers.wait(show)
    assert seen[0] == (0, 71)
    assert seen[-1] == (71, 71)
    assert seen == sorted(seen)


def test_a_job_that_is_larger_than_was_said_does_not_spoil_progress() -> None:
    hashers = Hashers(0)
    hashers.submit(lambda: hashers.advance(1000), 10)
    seen: list[tuple[int, int]] = []
    assert hashers.wait(lambda done, total: seen.append((done, total)))
    assert seen == [(0, 10), (10, 10)]


def test_advancing_outside_a_job_counts_nothing() -> None:
    hashers = Hashers()
    hashers.advance(100)
    assert hashers.pending == (0, 0)


def test_large_jobs_are_done_side_by_side() -> None:
    hashers = Hashers(2)
    both = threading.Barrier(2)
    jobs = [hashers.submit(lambda: both.wait(120), 16 * MIB) for _ in range(2)]
    assert hashers.wait()
    assert sorted(job.result for job in jobs) == [0, 1]


def test_slow_small_jobs_bring_a_second_thread() -> None:
    hashers = Hashers(2)
    both = threading.Barrier(2)
    hashers.submit(lambda: time.sleep(0.05))
    jobs = [hashers.submit(lambda: both.wait(120)) for _ in range(2)]
    assert hashers.wait()
    assert sorted(job.result for job in jobs) == [0, 1]


def test_a_thread_is_started_before_its_work_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    # Starting a thread waits until it runs; one that finds a large file to read lets the caller wait for much longer.
    hashers = Hashers(2)
    start, pending, go = threading.Thread.start, [], threading.Event()

    def watched(thread: threading.Thread) -> None:
        pending.append(hashers.pending)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", watched)
    hashers.submit(go.wait, 16 * MIB)
    while hashers._queue.qsize():
        time.sleep(0.001)
    hashers.submit(go.wait, 17 * MIB)
    go.set()
    assert hashers.wait()
    assert pending == [(0, 0), (1, 16 * MIB)]


def test_there_are_never_more_threads_than_allowed() -> None:
    hashers = Hashers(2)
    names: set[int] = set()

    def work() -> None:
        names.add(threading.get_ident())
        time.sleep(0.03)

    for _ in range(12):
        hashers.submit(work, 16 * MIB)
    assert hashers.wait()
    assert len(names) == 2


def test_threads_are_daemons_and_go_away_when_there_is_nothing_to_do() -> None:
    hashers = Hashers()
    job = hashers.submit(threading.current_thread)
    assert hashers.wait()
    assert job.result.daemon
    job.result.join(30)
    assert not job.result.is_alive()
    again = hashers.submit(lambda: "again")
    assert hashers.wait()
    assert again.result == "again"


def test_an_interrupt_in_work_done_by_the_waiting_thread_reaches_the_user() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    hashers = Hashers(0)
    hashers.submit(interrupted)
    with pytest.raises(KeyboardInterrupt):
        hashers.wait()
    assert hashers.wait()


def test_the_interpreter_ends_although_a_job_does_not(run_python: Callable[..., str]) -> None:
    script = """
import threading
from dotscience.storage.hashers import Hashers
hashers = Hashers()
started = threading.Event()
hashers.submit(lambda: (started.set(), threading.Event().wait()))
hashers.submit(lambda: None)
started.wait()
print(hashers.pending)
"""
    assert run_python(script) == "(2, 0)\n"


def test_what_is_waited_for_at_exit_is_done(run_python: Callable[..., str]) -> None:
    script = """
import atexit
from dotscience.storage.hashers import Hashers
hashers = Hashers()
def at_exit():
    jobs = [hashers.submit(lambda number=number: number) for number in range(100)]
    print(hashers.wait(), sum(job.result for job in jobs))
atexit.register(at_exit)
hashers.submit(lambda: None)
"""
    assert run_python(script) == "True 4950\n"


def test_without_threads_to_be_had_waiting_does_the_work(run_python: Callable[..., str]) -> None:
    script = """
import threading
from dotscience.storage.hashers import Hashers
try:
    threading.stack_size(1 << 46)  # no machine has room for such a thread
except ValueError:
    threading.stack_size(1 << 40)
hashers = Hashers()
job = hashers.submit(threading.current_thread)
print(hashers.pending, hashers.wait(), job.result is threading.main_thread())
"""
    assert run_python(script) == "(1, 0) True True\n"


def test_a_forked_child_starts_fresh(run_python: Callable[..., str]) -> None:
    script = """
import os, sys, threading, warnings
from dotscience.storage.hashers import Hashers
warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads
hashers = Hashers(1)
go, started = threading.Event(), threading.Event()
parents = [hashers.submit(lambda: (started.set(), go.wait())), hashers.submit(lambda: "parent")]
started.wait()
child = os.fork()
if child == 0:
    hashers.after_fork()
    assert hashers.pending == (0, 0) and hashers.wait(timeout=0)
    job = hashers.submit(os.getpid)
    ok = hashers.wait(timeout=120) and job.result == os.getpid() and not parents[1].done
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
go.set()
print(os.waitstatus_to_exitcode(status), hashers.wait(), parents[1].result)
"""
    assert run_python(script) == "0 True parent\n"


def test_an_interrupt_at_any_moment_leaves_nothing_stuck(run_python: Callable[..., str]) -> None:
    script = """
import random, signal
from dotscience.storage.hashers import Hashers
signal.signal(signal.SIGALRM, signal.default_int_handler)
for _ in range(300):
    hashers = Hashers()
    jobs = []
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-4))
        for _ in range(50):
            jobs.append(hashers.submit(lambda: None))
            hashers.wait()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass
    jobs.append(hashers.submit(lambda: None))
    assert hashers.wait(timeout=120), hashers.pending
    assert all(job.done for job in jobs)
print("fine")
"""
    assert run_python(script) == "fine\n"


def test_a_signal_handler_may_submit_and_wait_at_any_moment(run_python: Callable[..., str]) -> None:
    script = """
import signal
from dotscience.storage.hashers import Hashers
hashers = Hashers()
done = []
def handler(*_):
    hashers.submit(lambda: done.append("signal"))
    hashers.wait(timeout=0.001)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
jobs = 0
while done.count("signal") < 100:
    hashers.submit(lambda: done.append("main"))
    jobs += 1
    if jobs % 10 == 0:
        hashers.wait()
signal.setitimer(signal.ITIMER_REAL, 0)
print(hashers.wait(timeout=120), done.count("main") == jobs, hashers.pending)
"""
    assert run_python(script) == "True True (0, 0)\n"


def test_threads_may_submit_and_wait_at_once() -> None:
    hashers = Hashers(3)
    done: list[int] = []

    def use() -> None:
        for number in range(200):
            hashers.submit(lambda number=number: done.append(number))
            if number % 20 == 0:
                assert hashers.wait(timeout=120)

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert hashers.wait(timeout=120)
    assert len(done) == 800


@given(st.lists(st.integers(0, 8 * MIB), max_size=50) | st.lists(st.just(10), max_size=1000))
def test_batches_hold_everything_in_order_and_are_neither_large_nor_many(sizes: list[int]) -> None:
    items = list(enumerate(sizes))
    made = list(batches(items, lambda item: item[1]))
    assert [item for batch in made for item in batch] == items
    for batch in made:
        assert 1 <= len(batch) <= 256
        assert sum(size for _, size in batch[:-1]) < 4 * MIB
    for one, other in pairwise(made):
        assert len(one) == 256 or sum(size for _, size in (*one, *other)) >= 4 * MIB
