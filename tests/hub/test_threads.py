"""Requests that wait for their turn hold up nobody: the Hub has 40 threads, and always some for others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from dotscience.hub import gate
from dotscience.hub.access import Need
from dotscience.hub.routes import PAGES, Route
from dotscience.hub.services import series

from ..hub_server import Person, RunningHub, running
from .api.test_series import published

LIMIT = 20.0
"""Seconds after which somebody counts as held up."""

THREADS = 40


class Halt:
    """Something that takes until it is let go on; `begun` counts how many are at it."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Semaphore(0), threading.Event()

    def wait(self) -> bool:
        self.begun.release()
        return self.may_go_on.wait(3 * LIMIT)

    def __call__(self, *_: Any) -> bool:
        return self.wait()

    def without_points(self, *_: Any) -> list[Any]:
        self.wait()
        return []

    def wait_until_begun(self, times: int) -> None:
        for _ in range(times):
            assert self.begun.acquire(timeout=LIMIT)


@pytest.fixture
def halt() -> Iterator[Halt]:
    halt = Halt()
    yield halt
    halt.may_go_on.set()


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    """As many who ask at once as the Hub has threads, and a few more."""
    with ThreadPoolExecutor(THREADS + 2) as pool:
        yield pool


def asking(hub: RunningHub) -> list[Person]:
    return [hub._asking(hub.admin.user, hub.admin.key) for _ in range(THREADS + 2)]


def test_the_process_tells_that_it_lives_while_all_threads_are_taken(
    tmp_path: Path, halt: Halt, crowd: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dotscience.hub.app.PAGES", [*PAGES, Route("GET", "/long", halt.wait, Need.NOTHING)])
    with running(tmp_path) as hub:
        for person in asking(hub):
            person.auth = None
            crowd.submit(person.get, "/long")
        halt.wait_until_begun(THREADS)
        assert hub.nobody.get("/healthz", timeout=LIMIT).json() == {"status": "ok"}
        halt.may_go_on.set()


def test_who_waits_for_points_takes_no_thread_from_others(
    tmp_path: Path, halt: Halt, crowd: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as hub:
        address = published(hub, loss=[1.0, 2.0])
        monkeypatch.setattr(series, "_packed", halt.without_points)
        arrived, allow = threading.Semaphore(0), gate.allow

        def counting(*asked: Any) -> None:
            arrived.release()
            allow(*asked)

        monkeypatch.setattr(gate, "allow", counting)
        answers = [crowd.submit(one.get, f"{address}/points", params={"name": "loss"}) for one in asking(hub)]
        halt.wait_until_begun(2)
        assert all(arrived.acquire(timeout=LIMIT) for _ in answers)
        assert hub.admin.get("/api/me", timeout=LIMIT).status_code == 200
        assert not halt.begun.acquire(blocking=False)
        halt.may_go_on.set()
        assert {answer.result().status_code for answer in answers} == {200}


def test_who_waits_for_a_password_to_be_checked_leaves_threads_to_others(
    tmp_path: Path, halt: Halt, crowd: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as hub:
        hub.person("bob", password="a long password")
        monkeypatch.setattr(PasswordHasher, "verify", halt)
        answers = []
        for person in asking(hub):
            person.auth = ("bob", "a long password")
            answers.append(crowd.submit(person.get, "/api/me"))
        halt.wait_until_begun(2)
        assert hub.admin.get("/api/me", timeout=LIMIT).status_code == 200
        halt.may_go_on.set()
        found = [answer.result() for answer in answers]
        assert {answer.status_code for answer in found} == {200, 503}
        refused = next(answer for answer in found if answer.status_code == 503)
        assert (refused.json()["reason"], refused.headers["Retry-After"]) == ("try-again", "2")
