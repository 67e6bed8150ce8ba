"""What the Hub loses when something breaks: nothing that it has acknowledged, and nothing comes twice."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone

import requests

from dotscience.records.record import Record

from .measure import Row
from .serving import KEY, USER, Served, postgres, serving

_NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
_KILLS, _RESTARTS, _TWICE = 200, 10, 300


@dataclass
class Sender(threading.Thread):
    """Sends runs and blobs until it is stopped, again where there was no answer, and remembers what was acknowledged."""

    hubs: tuple[str, ...]
    project: str
    seed: int
    records: dict[str, bytes] = field(default_factory=dict)
    blobs: set[str] = field(default_factory=set)
    retries: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        chance = random.Random(self.seed)
        while not self.stopped.is_set():
            content = chance.randbytes(chance.randrange(1, 200_000))
            digest = hashlib.sha256(content).hexdigest()
            if self._send(f"blobs/{digest}", content):
                self.blobs.add(digest)
            record = Record(str(uuid.uuid4()), "completed", _NOW, metrics={"loss": chance.random()})
            if self._send(f"runs/{record.id}", record.to_bytes()):
                self.records[record.id] = record.to_bytes()

    def _send(self, path: str, data: bytes) -> bool:
        """Whether it was acknowledged before the sender was stopped."""
        while not self.stopped.is_set():
            hub = random.choice(self.hubs)
            try:
                answer = requests.put(
                    f"{hub}/api/projects/{self.project}/{path}", data=data, auth=(USER, KEY), timeout=30
                )
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code in (200, 201):
                return True
            self.retries += 1
            if answer is not None and answer.status_code < 500 and answer.status_code != 409:
                raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
            time.sleep(0.02)
        return False


def _lost(hub: Served, project: str, sender: Sender) -> tuple[int, int]:
    """How many acknowledged runs and blobs are not there, byte for byte."""
    runs = blobs = 0
    with hub.session() as session:
        home = f"{hub.url}/api/projects/{project}"
        for run, raw in sender.records.items():
            runs += session.get(f"{home}/runs/{run}/record").content != raw
        for digest in sender.blobs:
            content = session.get(f"{home}/blobs/{digest}").content
            blobs += hashlib.sha256(content).hexdigest() != digest
    return runs, blobs


def kills() -> list[Row]:
    """The Hub is killed again and again while two clients send."""
    chance = random.Random(7)
    sent, lost, project = 0, [0, 0], ""
    senders: list[Sender] = []
    for number in range(_KILLS + 1):
        with serving() as hub:
            project = project or hub.project()
            for sender in senders:
                found = _lost(hub, project, sender)
                lost = [before + more for before, more in zip(lost, found, strict=True)]
                sent += len(sender.records) + len(sender.blobs)
            if number == _KILLS:
                break
            senders = [Sender((hub.url,), project, 2 * number + each) for each in range(2)]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.05, 0.6))
            os.kill(hub.pid, signal.SIGKILL)
            for sender in senders:
                sender.stopped.set()
                sender.join()
    return [_nothing(f"lost of {sent:,} acknowledged runs and blobs, Hub killed × {_KILLS}", *lost)]


def database_restarts() -> list[Row]:
    """PostgreSQL is stopped at once and started again while clients send to two Hub processes."""
    from tests.postgres import Postgres, find_programs

    programs = find_programs()
    assert programs is not None
    server = Postgres(programs)
    url = server.url(server.new_database())
    try:
        with serving(database=url) as one, serving(database=url) as other:
            project = one.project()
            senders = [Sender((one.url, other.url), project, each) for each in range(4)]
            for sender in senders:
                sender.start()
            for number in range(_RESTARTS):
                time.sleep(1)
                server.restart(at_once=number % 2 == 0)
            time.sleep(1)
            for sender in senders:
                sender.stopped.set()
                sender.join()
            lost = [
                sum(each) for each in zip(*(_lost(one, project, sender) for sender in senders), strict=True)
            ]
            sent = sum(len(sender.records) + len(sender.blobs) for sender in senders)
            retries = sum(sender.retries for sender in senders)
    finally:
        server.stop()
    what = f"lost of {sent:,} acknowledged, PostgreSQL restarted × {_RESTARTS} under load ({retries} retries)"
    return [_nothing(what, *lost)]


def two_hubs() -> list[Row]:
    """The same runs are sent to two Hub processes of one database at the same moment."""
    with postgres() as url, serving(database=url) as one, serving(database=url) as other:
        project = one.project()
        answers: list[int] = []
        for _ in range(_TWICE):
            record = Record(str(uuid.uuid4()), "completed", _NOW, metrics={"loss": 0.5})
            raw, gate = record.to_bytes(), threading.Barrier(2)

            def send(
                hub: Served, run: str = record.id, raw: bytes = raw, gate: threading.Barrier = gate
            ) -> None:
                with hub.session() as session:
                    gate.wait()
                    answer = session.put(f"{hub.url}/api/projects/{project}/runs/{run}", data=raw)
                    answers.append(answer.status_code)

            threads = [threading.Thread(target=send, args=(hub,)) for hub in (one, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with one.session() as session:
            address = f"{one.url}/api/projects/{project}/runs"
            count = session.get(address, params={"limit": 1}).json()["count"]
    new, known = answers.count(201), answers.count(200)
    measured = f"{count} runs; answered {new} × new, {known} × known, {len(answers) - new - known} × else"
    is_met = (count, new, known) == (_TWICE, _TWICE, _TWICE)
    return [
        Row(
            f"{_TWICE} runs sent to two Hub processes at once",
            measured,
            f"{_TWICE} runs, each new once",
            is_met,
        )
    ]


def _nothing(what: str, runs: int, blobs: int) -> Row:
    return Row(what, f"{runs} runs, {blobs} blobs", "0", runs + blobs == 0)


MEASUREMENTS = (kills, database_restarts, two_hubs)
