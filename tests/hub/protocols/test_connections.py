"""Connections whose requests come slowly or not at all."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dotscience.hub.settings import HubSettings

from ...hub_server import RunningHub, new_hub, running, serving


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    """A Hub that waits for a second."""
    with running(tmp_path / "hub", settings=HubSettings(patience=1)) as served:
        yield served


def connected(hub: RunningHub) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2])), 60))


def rest(connection: socket.socket) -> bytes:
    """All that the Hub still says until it closes."""
    received = b""
    try:
        while more := connection.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    return received


def head(hub: RunningHub, data: bytes) -> bytes:
    """The head of the upload of a file."""
    project = hub.project(hub.admin).id
    key = base64.b64encode(f"ada:{hub.admin.key}".encode()).decode()
    return (
        f"PUT /api/projects/{project}/blobs/{hashlib.sha256(data).hexdigest()} HTTP/1.1\r\nHost: hub\r\n"
        f"Authorization: Basic {key}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    ).encode()


def test_who_says_nothing_is_not_waited_for(hub: RunningHub) -> None:
    with connected(hub) as connection:
        assert rest(connection) == b""


@pytest.mark.parametrize("begin", [b"GET /healthz HTTP/1.1\r\nHost: hub\r\n", b"G", b"\r\n"])
def test_half_a_head_is_not_waited_for(hub: RunningHub, begin: bytes) -> None:
    with connected(hub) as connection:
        connection.sendall(begin)
        assert rest(connection).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_drips_is_not_waited_for(hub: RunningHub) -> None:
    with connected(hub) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Long: ")
        connection.settimeout(0.05)
        deadline, received = time.monotonic() + 60, b""
        while not received and time.monotonic() < deadline:
            try:
                connection.sendall(b"a")
                received = connection.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                return
        assert received.startswith(b"HTTP/1.1 408 ")


def test_the_second_request_of_a_connection_is_not_waited_for_either(hub: RunningHub) -> None:
    with connected(hub) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        assert b"HTTP/1.1 408 " in rest(connection)


def test_a_body_that_stands_still_is_not_waited_for_and_what_came_is_kept(hub: RunningHub) -> None:
    data = os.urandom(3 << 20)
    said = head(hub, data)
    with connected(hub) as connection:
        connection.sendall(said + data[: 1 << 20])
        rest(connection)
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
