"""Uploads as dotscience 0.8.7 makes them: in absolute form, chunked, by a client that closes and never reads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from dotscience.hub.services import dot_runs, dot_uploads
from dotscience.hub.store.dots import dot_by_name
from dotscience.hub.store.holdings import uploads_in_flight

from .talking import Dot, digest, half_sent, raw_put

if TYPE_CHECKING:
    from ...hub_server import RunningHub


@pytest.fixture
def dot(hub: RunningHub) -> Dot:
    return Dot(hub.admin, hub.project(hub.admin).id)


def wait_until(holds: Callable[[], Any]) -> None:
    """Wait for something that must come true; the limit is only for a test that fails."""
    last = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.01)


def in_flight(hub: RunningHub, dot: Dot) -> int:
    """How many uploads to the dot are alive."""

    def count(connection: Any) -> int:
        there = dot_by_name(connection, dot.name)
        return 0 if there is None else uploads_in_flight(connection, there.id, hub.hub.now())

    return hub.hub.read(count)


@pytest.mark.parametrize("size", [0, 1, 8192, 300_000])
def test_a_client_that_closes_at_once_loses_nothing(dot: Dot, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    for number in range(5):
        pieces = [content[start : start + 8192] for start in range(0, size, 8192)]
        raw_put(dot, f"a{number}", *pieces)
        dot.commit(f"r{number}", output_files=f'["a{number}"]')
        (output,) = dot.run(f"r{number}")["outputs"]
        assert (output["sha256"], output["size"]) == (digest(content), size)


@pytest.mark.parametrize("absolute", [True, False])
def test_the_answer_to_a_target_in_either_form(dot: Dot, absolute: bool) -> None:
    with half_sent(dot, "data/a", b"hello", absolute=absolute) as connection:
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    assert dot.get("data/a").content == b"hello"


def test_a_body_that_breaks_off_replaces_nothing(hub: RunningHub, dot: Dot) -> None:
    dot.put("a", b"old")
    with half_sent(dot, "a", b"x" * 100_000):
        wait_until(lambda: in_flight(hub, dot))
    wait_until(lambda: not in_flight(hub, dot))
    assert dot.get("a").content == b"old"
    assert len(dot.call("Commits")) == 2
    assert list(hub.hub.blobs.stale_uploads(time.time() + 60)) == []


def test_a_head_without_a_body_replaces_nothing(hub: RunningHub, dot: Dot) -> None:
    dot.put("a", b"old")
    with half_sent(dot, "a"):
        wait_until(lambda: in_flight(hub, dot))
    wait_until(lambda: not in_flight(hub, dot))
    assert dot.keys() == ["a"]
    assert dot.get("a").content == b"old"


def test_a_commit_waits_for_a_file_that_is_still_coming(hub: RunningHub, dot: Dot) -> None:
    with half_sent(dot, "slow", b"one") as connection, ThreadPoolExecutor(1) as thread:
        wait_until(lambda: in_flight(hub, dot))
        commit: Future[str] = thread.submit(dot.commit, "r", output_files='["slow"]')
        time.sleep(1.5 * dot_runs.GRACE)  # longer than it would wait for a file that nobody sends
        assert not commit.done()
        connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        commit.result(120)
    (output,) = dot.run("r")["outputs"]
    assert output["sha256"] == digest(b"onetwo")


def test_a_commit_waits_for_a_file_that_is_not_announced_yet(dot: Dot) -> None:
    with ThreadPoolExecutor(1) as thread:
        commit = thread.submit(dot.commit, "r", output_files='["late"]')
        time.sleep(dot_runs.GRACE / 4)
        dot.put("late", b"late")
        commit.result(120)
    assert dot.run("r")["outputs"][0]["sha256"] == digest(b"late")


def test_a_commit_waits_no_longer_than_the_lease_of_a_client_that_hangs(
    hub: RunningHub, dot: Dot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dot_uploads, "LEASE", 0.5)
    with half_sent(dot, "hangs", b"x"):
        wait_until(lambda: in_flight(hub, dot))
        dot.commit("r", output_files='["hangs"]')
    assert dot.run("r")["outputs"] == [{"path": "hangs", "unseen": "named"}]


def test_a_commit_has_an_end_though_bytes_go_on_coming(
    hub: RunningHub, dot: Dot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dot_runs, "PATIENCE", 1.0)
    with half_sent(dot, "endless", b"x") as connection:
        wait_until(lambda: in_flight(hub, dot))
        stop = threading.Event()
        sender = threading.Thread(target=send_on, args=(connection, stop))
        sender.start()
        try:
            dot.commit("r", output_files='["endless"]')
        finally:
            stop.set()
            sender.join()
    run = dot.run("r")
    assert run["outputs"] == [{"path": "endless", "unseen": "named"}]
    assert "still coming" in run["notices"][0]


def send_on(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        connection.sendall(b"1\r\nx\r\n")


def test_a_lease_is_renewed_while_bytes_come(
    hub: RunningHub, dot: Dot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dot_uploads, "LEASE", 1.0)
    monkeypatch.setattr(dot_uploads, "RENEWED_EVERY", 0.1)
    with half_sent(dot, "slow", b"x") as connection:
        wait_until(lambda: in_flight(hub, dot))
        stop = threading.Event()
        sender = threading.Thread(target=send_on, args=(connection, stop))
        sender.start()
        time.sleep(3 * dot_uploads.LEASE)
        assert in_flight(hub, dot) == 1
        stop.set()
        sender.join()
        wait_until(lambda: not in_flight(hub, dot))


def test_a_refusal_before_the_body_reaches_a_client_that_reads(hub: RunningHub, dot: Dot) -> None:
    bob = hub.person("bob")
    with half_sent(Dot(bob, dot.project), "a", b"x" * 100) as connection:
        assert connection.recv(12) == b"HTTP/1.1 404"
    assert dot.keys() == []
