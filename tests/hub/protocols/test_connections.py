"""Connections whose requests come slowly or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dotscience.hub.protocols import connections
from dotscience.hub.settings import HubSettings

from ...hub_server import RunningHub, Switch, new_hub, running, serving


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    """A Hub that waits for a second."""
    with running(tmp_path / "hub", settings=HubSettings(patience=1)) as served:
        yield served


def connected(hub: RunningHub) -> closing[socket.socket]:
    return connected_to(hub.url)


def connected_to(url: str) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 60))


@contextmanager
def answered_by(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection to an application, whose requests have a second for the head and for each part of a body."""
    monkeypatch.setattr(connections, "_PAUSE", 1)
    served = Switch()
    served.app, served.state.hub.settings = app, HubSettings(patience=1)
    with serving(served) as url, connected_to(url) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that the Hub still says until it closes."""
    received = b""
    try:
        while more := connection.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    return received


def head(hub: RunningHub, data: bytes, framing: str = "") -> bytes:
    """The head of the upload of a file."""
    project = hub.project(hub.admin).id
    key = base64.b64encode(f"ada:{hub.admin.key}".encode()).decode()
    return (
        f"PUT /api/projects/{project}/blobs/{hashlib.sha256(data).hexdigest()} HTTP/1.1\r\nHost: hub\r\n"
        f"Authorization: Basic {key}\r\n{framing or f'Content-Length: {len(data)}'}\r\nConnection: close\r\n\r\n"
    ).encode()


def test_who_says_nothing_is_not_waited_for(hub: RunningHub) -> None:
    with connected(hub) as connection:
        assert rest(connection) == b""


@pytest.mark.parametrize("begin", [b"GET /healthz HTTP/1.1\r\nHost: hub\r\n", b"G", b"\r\n"])
def test_half_a_head_is_not_waited_for(hub: RunningHub, begin: bytes) -> None:
    with connected(hub) as connection:
        connection.sendall(begin)
        assert rest(connection).startswith(b"HTTP/1.1 408 ")


def drip(connection: socket.socket) -> bytes:
    """What the Hub says to who sends byte by byte; it must end."""
    connection.settimeout(0.05)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"a")
            return connection.recv(1000)
        except TimeoutError:
            continue
        except OSError:  # it was closed between the two
            return b"HTTP/1.1 408 "
    raise AssertionError("the Hub has not closed the connection")


def test_a_head_that_drips_is_not_waited_for(hub: RunningHub) -> None:
    with connected(hub) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Long: ")
        assert drip(connection).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_drips_is_not_waited_for(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PAUSE", 2)
    with connected(hub) as connection:
        connection.sendall(head(hub, bytes(60_000)))
        assert drip(connection).startswith(b"HTTP/1.1 408 ")


def test_the_second_request_of_a_connection_is_not_waited_for_either(hub: RunningHub) -> None:
    with connected(hub) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        assert b"HTTP/1.1 408 " in rest(connection)


def test_a_body_that_stands_still_is_not_waited_for_and_what_came_is_kept(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PAUSE", 3)
    data = os.urandom(3 << 20)
    said = head(hub, data)
    with connected(hub) as connection:
        connection.sendall(said + data[: 1 << 20])
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
    address = said.split()[1].decode()
    deadline = time.monotonic() + 60
    while hub.admin.get(f"{address}/upload").json()["offset"] < 1 << 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_upload_may_take_longer_than_that(tmp_path: Path) -> None:
    app = new_hub(tmp_path / "hub", settings=HubSettings(patience=4))
    data = os.urandom(60_000)
    with serving(app) as url:
        hub = RunningHub(url, app.state.hub)
        with connected(hub) as connection:
            connection.sendall(head(hub, data))
            for begin in range(0, len(data), 1000):
                connection.sendall(data[begin : begin + 1000])
                time.sleep(0.1)
            assert rest(connection).startswith(b"HTTP/1.1 201 ")
        hub.close()


@pytest.mark.parametrize("size", [1, 60_000], ids=["dripped", "came with the head"])
def test_a_body_may_pause_for_longer_than_a_head_may_take(hub: RunningHub, size: int) -> None:
    data = os.urandom(60_001)
    with connected(hub) as connection:
        connection.sendall(head(hub, data) + data[:size])
        time.sleep(2)
        connection.sendall(data[size:])
        assert rest(connection).startswith(b"HTTP/1.1 201 ")


def test_a_body_of_unknown_length_may_pause_too(hub: RunningHub) -> None:
    with connected(hub) as connection:
        connection.sendall(head(hub, b"abcde", "Transfer-Encoding: chunked") + b"2\r\nab\r\n")
        time.sleep(2)
        connection.sendall(b"3\r\ncde\r\n0\r\n\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 201 ")


def test_who_was_not_yet_told_to_continue_is_not_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reads_late(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(2.5)
        await receive()

    with answered_by(reads_late, monkeypatch) as connection:
        connection.sendall(
            b"PUT / HTTP/1.1\r\nHost: hub\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")


def test_no_refusal_is_mixed_into_an_answer_that_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers_early(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        while (await receive())["type"] == "http.request":
            pass

    with answered_by(answers_early, monkeypatch) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: hub\r\nContent-Length: 5\r\n\r\nab")
        assert rest(connection).endswith(b"\r\n\r\no")


def test_the_next_request_is_not_refused_before_the_answer_to_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def looks_out_for_the_end(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 2.5)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with answered_by(looks_out_for_the_end, monkeypatch) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: hub\r\n\r\nPUT / HTTP/1.1\r\nHost: hub\r\nContent-Length: 5\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
