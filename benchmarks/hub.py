"""What the Hub costs: publishing to it, pages and questions with many runs, uploads, its start and its memory."""

from __future__ import annotations

import hashlib
import io
import math
import multiprocessing
import os
import statistics
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import requests

from dotscience.records.record import Record
from dotscience.storage.journal import encode_events
from dotscience.storage.points import Layout, Rows, layout_frame, rows_frame
from dotscience.storage.series import pack_series

from .measure import Row, at_most, run_python
from .serving import KEY, USER, add_many_runs, deep_lineage, memory, postgres, serving

_NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
_CLIENTS = 8


def at_least(what: str, value: float, bar: float, unit: str, beside: str = "") -> Row:
    """A row for a figure that must reach its bar."""
    more = f" ({beside})" if beside else ""
    return Row(what, f"{value:,.3g} {unit}{more}", f"≥ {bar:,g} {unit}", value >= bar)


def start() -> list[Row]:
    with serving() as first:
        assert first.started
    taken = []
    for _ in range(5):
        with serving() as hub:
            taken.append(hub.started)
            time.sleep(1)
            idle, _ = memory(hub.pid)
    return [
        at_most("start of `ds hub`", statistics.median(taken), 2, "s", f"first start {first.started:.2f} s"),
        at_most("idle memory of `ds hub`", idle / 1e6, 150, "MB"),
    ]


_PUBLISHING = """
import sys, time, statistics
import dotscience as ds
ds.connect(sys.argv[1], sys.argv[2], "study", sys.argv[3])
taken = []
for _ in range(40):
    ds.start()
    for number in range(20):
        ds.metric(f"m{number}", number / 7)
    began = time.perf_counter()
    ds.publish(stream=open("/dev/null", "w"))
    taken.append(time.perf_counter() - began)
print(statistics.median(taken[5:]))
"""


def publish() -> list[Row]:
    with serving() as hub:
        taken = float(run_python("-c", _PUBLISHING, USER, KEY, hub.url).split()[-1])
    return [
        at_most("publish of a run with 20 metrics and no files, durable on the Hub", 1e3 * taken, 30, "ms")
    ]


def _records(count: int) -> list[tuple[str, bytes]]:
    made = []
    for _ in range(count):
        metrics = {f"m{number}": number / 7 for number in range(20)}
        record = Record(str(uuid.uuid4()), "completed", _NOW, _NOW, _NOW, metrics=metrics)
        made.append((record.id, record.to_bytes()))
    return made


def _send_runs(url: str, project: str, count: int, ready: Any, done: Any) -> None:
    made = _records(count)
    with requests.Session() as session:
        session.auth, session.trust_env = (USER, KEY), False
        session.get(f"{url}/api/me")
        ready.wait()
        for run, raw in made:
            answer = session.put(f"{url}/api/projects/{project}/runs/{run}", data=raw)
            assert answer.status_code == 201, answer.text
        done.wait()


def _frames(rows: int, names: int = 10) -> bytes:
    layout = Layout(tuple(f"s{number}" for number in range(names)), False)
    row = struct.Struct(f"<qq{names}d")
    payload = b"".join(
        row.pack(step, 1_700_000_000_000 + step, *([math.sin(step)] * names)) for step in range(rows)
    )
    return layout_frame(0, layout) + rows_frame(0, rows, payload)


def _send_points(url: str, project: str, frames: bytes, ready: Any, done: Any) -> None:
    run = str(uuid.uuid4())
    header = encode_events([{"journal": 1, "id": run, "root": "/study", "process": {}}, ["started", 1.0]])
    piece = 1 << 20
    with requests.Session() as session:
        session.auth, session.trust_env = (USER, KEY), False
        home = f"{url}/api/projects/{project}/runs/{run}"
        assert session.put(f"{home}/journal?offset=0", data=header).ok
        ready.wait()
        for offset in range(0, len(frames), piece):
            answer = session.put(f"{home}/points?offset={offset}", data=frames[offset : offset + piece])
            assert answer.ok, answer.text
        done.wait()


def _all_at_once(work: Callable[..., None], *given: Any) -> float:
    """Seconds that all clients together take, each a process."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(_CLIENTS + 1), context.Barrier(_CLIENTS + 1)
    clients = [context.Process(target=work, args=(*given, ready, done)) for _ in range(_CLIENTS)]
    for client in clients:
        client.start()
    ready.wait()
    began = time.perf_counter()
    done.wait()
    taken = time.perf_counter() - began
    for client in clients:
        client.join()
    return taken


def ingest() -> list[Row]:
    each, rows = 200, 30_000
    with serving() as hub:
        project = hub.project()
        runs = _all_at_once(_send_runs, hub.url, project, each)
        points = _all_at_once(_send_points, hub.url, project, _frames(rows))
    return [
        at_least(
            f"ingest of such runs, {_CLIENTS} clients, one process", _CLIENTS * each / runs, 200, "runs/s"
        ),
        at_least(
            f"ingest of points, {_CLIENTS} clients, one process",
            _CLIENTS * rows * 10 / points,
            300_000,
            "points/s",
        ),
    ]


_SINK = """
import hashlib, os, socket, sys
import uvicorn
keeps = sys.argv[1] == "keeps"

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    sha, more = hashlib.sha256(), True
    file = open("sink" if keeps else os.devnull, "wb", buffering=0)
    while more:
        message = await receive()
        sha.update(message.get("body", b""))
        file.write(message.get("body", b""))
        more = message.get("more_body", False)
    if keeps:
        os.fsync(file.fileno())
    file.close()
    fits = sha.hexdigest() == scope["path"].rpartition("/")[2]
    await send({"type": "http.response.start", "status": 201 if fits else 422, "headers": []})
    await send({"type": "http.response.body", "body": b""})

listening = socket.socket(); listening.bind(("127.0.0.1", 0)); listening.listen(10)
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, http="httptools", lifespan="off", log_level="error")).run([listening])
"""


@contextmanager
def _sink(word: str) -> Iterator[str]:
    """The address of a bare server that checks the digest of what it gets; `keeps`: and keeps it as durably as the Hub."""
    command = [sys.executable, "-c", _SINK, word]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        yield f"http://127.0.0.1:{int(sink.stdout.readline())}"
        sink.kill()


def upload() -> list[Row]:
    size, tries = 1 << 30, 3
    taken: dict[str, list[float]] = {"hub": [], "keeps": [], "forgets": []}
    with serving() as hub, _sink("keeps") as keeping, _sink("forgets") as forgetting:
        project = hub.project()
        time.sleep(1)
        idle, _ = memory(hub.pid)
        for number in range(tries):
            digest = _make_file("large", size, number)
            taken["keeps"].append(_curl(f"{keeping}/{digest}"))
            taken["forgets"].append(_curl(f"{forgetting}/{digest}"))
            taken["hub"].append(_curl(f"{hub.url}/api/projects/{project}/blobs/{digest}"))
        _, most = memory(hub.pid)
    middle = {name: statistics.median(each) for name, each in taken.items()}
    speeds = {name: f"{size / each / 1e6:.0f}" for name, each in middle.items()}
    return [
        at_least(
            "upload of 1 GiB, checked and on the disk itself",
            middle["keeps"] / middle["hub"],
            0.7,
            "× a bare uvicorn sink that does the same",
            f"{speeds['hub']} to {speeds['keeps']} MB/s; a sink that keeps nothing {speeds['forgets']}",
        ),
        at_most("memory of the Hub during it, above idle", (most - idle) / 1e6, 100, "MB"),
    ]


def _make_file(path: str, size: int, seed: int) -> str:
    sha, block = hashlib.sha256(), os.urandom(1 << 20)
    with open(path, "wb") as file:
        for number in range(size >> 20):
            piece = number.to_bytes(8, "little") + seed.to_bytes(8, "little") + block[16:]
            sha.update(piece)
            file.write(piece)
    return sha.hexdigest()


def _curl(url: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        ["curl", "-sS", "-f", "-o", os.devnull, "-H", "Expect:", "-u", f"{USER}:{KEY}", "-T", "large", url],
        check=False,
    )
    assert done.returncode == 0, url
    return time.perf_counter() - began


def _p95(session: requests.Session, url: str, times: int = 40, **query: Any) -> tuple[float, int]:
    """The 95th percentile in seconds, and the bytes of an answer."""
    taken = []
    for _ in range(times + 3):
        began = time.perf_counter()
        answer = session.get(url, params=query)
        taken.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text[:500]
    return sorted(taken[3:])[math.ceil(0.95 * times) - 1], len(answer.content)


def _many_runs(database: str, named: str) -> list[Row]:
    with serving(database=database):
        pass  # makes the tables and the first user
    project = add_many_runs(database or "hub/hub.sqlite", 100_000)
    rows = []
    with serving(database=database) as hub, hub.session() as session:
        page = f"{hub.url}/projects/{project}/runs"
        for what, address, query in (
            ("runs page", page, {}),
            ("runs page sorted by a metric", page, {"sort": "-metric.m3"}),
            ("runs page sorted by a parameter with few values", page, {"sort": "parameter.p3"}),
            (
                "query",
                f"{hub.url}/api/projects/{project}/runs",
                {"query": "metric.m1 > 0.9 and parameter.p3 == 3"},
            ),
            (
                "query that few runs fit, sorted",
                f"{hub.url}/api/projects/{project}/runs",
                {"query": "metric.m1 > 0.9999", "sort": "-metric.m2"},
            ),
            (
                "query by status, sorted",
                f"{hub.url}/api/projects/{project}/runs",
                {"query": 'status == "failed"', "sort": "metric.m2"},
            ),
        ):
            taken, weight = _p95(session, address, **query)
            rows.append(
                at_most(
                    f"{what}, 100,000 runs, {named}: p95", 1e3 * taken, 100, "ms", f"{weight / 1e3:.0f} kB"
                )
            )
        _, weight = _p95(session, page, 1)
        rows.append(at_most(f"weight of the runs page, {named}", weight / 1e3, 200, "kB", "HTML alone"))
    return rows


def many_runs_sqlite() -> list[Row]:
    return _many_runs("", "SQLite")


def many_runs_postgres() -> list[Row]:
    with postgres() as url:
        return _many_runs(url, "PostgreSQL")


def long_series() -> list[Row]:
    count = 1_000_000
    row = struct.Struct("<qqd")
    layout = Layout(("loss",), False)
    payload = b"".join(
        row.pack(step, 1_700_000_000_000 + step, math.exp(-step / 3e5) + 0.1 * math.sin(step))
        for step in range(count)
    )
    file = io.BytesIO()
    names = pack_series([Rows(layout, count, payload)], file.write)
    raw = file.getvalue()
    digest = hashlib.sha256(raw).hexdigest()
    with serving() as hub, hub.session() as session:
        project = hub.project()
        home = f"{hub.url}/api/projects/{project}"
        assert session.put(f"{home}/blobs/{digest}", data=raw).ok
        series = {"blob": {"sha256": digest, "size": len(raw)}, "names": names}
        record = Record(str(uuid.uuid4()), "completed", _NOW, _NOW, _NOW, series=series)
        assert session.put(f"{home}/runs/{record.id}", data=record.to_bytes()).ok
        address = f"{home}/runs/{record.id}/series/points"
        taken, _ = _p95(session, address, 20, name="loss", width=1200)
        sent = session.get(address, params={"name": "loss", "width": 1200}).json()["series"][0]
    extremes = {names["loss"]["min"], names["loss"]["max"]}
    kept = extremes <= set(sent["y"])
    return [
        at_most("a series of 1,000,000 points for a chart: p95", 1e3 * taken, 150, "ms"),
        Row(
            "points sent of it",
            f"{len(sent['y']):,}, the extremes {'kept' if kept else 'LOST'}",
            "< 5,000, kept",
            kept and len(sent["y"]) < 5000,
        ),
    ]


def lineage() -> list[Row]:
    with serving():
        pass
    project, digest = deep_lineage("hub/hub.sqlite")
    with serving() as hub, hub.session() as session:
        taken, _ = _p95(session, f"{hub.url}/api/lineage", digest=digest)
        steps = len(session.get(f"{hub.url}/api/lineage", params={"digest": digest}).json()["steps"])
        page, _ = _p95(session, f"{hub.url}/projects/{project}/lineage", 20, digest=digest)
    assert steps == 20, steps
    return [
        at_most(
            "lineage 20 levels deep among 1,000,000 file versions: p95",
            1e3 * taken,
            100,
            "ms",
            f"its page {1e3 * page:.0f} ms",
        ),
    ]


MEASUREMENTS = (start, publish, ingest, upload, long_series, lineage, many_runs_sqlite, many_runs_postgres)
