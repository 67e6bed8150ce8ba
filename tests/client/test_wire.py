"""Requests to whatever answers: a Hub that refuses, one that is away, and things that are no Hub at all."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests.adapters
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection

from dotscience.client import wire
from dotscience.client.access import Access
from dotscience.client.timely import TimelyAdapter
from dotscience.client.wire import Wire
from dotscience.errors import AccessError, HubError, HubRefusedError, HubUnreachableError
from dotscience.settings import Settings

from ..hub_server import RunningHub

Answering = Callable[[bytes], str]


def asked(url: str, timeout: float = 10) -> object:
    return Wire(Access(url, "ada", "key"), timeout).ask("GET", "/api/me")


@contextlib.contextmanager
def one_by_one(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does that with the one connection it takes; gives its address."""

    def take() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def problem(**said: object) -> bytes:
    return json.dumps(said).encode()


def test_a_hub_answers_with_an_object(hub: RunningHub) -> None:
    said = Wire(Access(hub.url, "ada", str(hub.admin.key))).ask("GET", "/api/me")
    assert said["user"]["name"] == "ada"
    assert Wire(Access(hub.url, None, str(hub.admin.key))).ask("GET", "/api/me") == said


def test_a_wrong_key_is_an_error_of_access(hub: RunningHub) -> None:
    with pytest.raises(AccessError, match="does not accept this name and API key") as caught:
        asked(hub.url)
    assert caught.value.status == 401 and isinstance(caught.value, PermissionError)


@pytest.mark.parametrize("name", ["ada", "ädä", "名"])
def test_any_name_and_key_can_be_sent(hub: RunningHub, name: str) -> None:
    with pytest.raises(AccessError):
        Wire(Access(hub.url, name, "schlüssel-鍵")).ask("GET", "/api/me")
    with pytest.raises(AccessError):
        Wire(Access(hub.url, None, "schlüssel-鍵")).ask("GET", "/api/me")


@pytest.mark.parametrize(
    ("sent", "kind", "words"),
    [
        (answer("413 Too Large", problem(detail="The record is too large.", reason="limit")), HubRefusedError, "too large"),
        (answer("403 Forbidden", problem(detail="Ask its owner.")), AccessError, "Ask its owner"),
        (answer("404 Not Found", b"<html>"), HubRefusedError, "404 Not Found"),
        (answer("501 Not Implemented", problem(title="Not yet")), HubRefusedError, "Not yet"),
        (answer("422 No", problem(detail="a\x1b[31mb")), HubRefusedError, r"a \[31mb"),
        (answer("500 Oops", problem(detail="broken")), HubUnreachableError, "broken"),
        (answer("503 Busy"), HubUnreachableError, "503"),
        (answer("507 Full", problem(detail="no room")), HubUnreachableError, "no room"),
        (answer("429 Slow Down"), HubUnreachableError, "429"),
        (answer("200 OK", b"<html>welcome</html>"), HubUnreachableError, "no Hub"),
        (answer("200 OK", b"[]"), HubUnreachableError, "no Hub"),
        (answer("200 OK", b"[" * 100_000), HubUnreachableError, "no Hub"),
        (answer("200 OK", b"\xff\xfe\x00"), HubUnreachableError, "no Hub"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", HubUnreachableError, "127.0.0.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", HubUnreachableError, "127.0.0.1"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", HubUnreachableError, "127.0.0.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc", HubUnreachableError, "127.0.0.1"),
        (b"\r\n\r\n", HubUnreachableError, "127.0.0.1"),
        (b"", HubUnreachableError, "no answer in time"),
    ],
    ids=range(19),
)  # fmt: skip
def test_every_failure_is_one_of_three(
    answering: Answering, sent: bytes, kind: type[HubError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        asked(answering(sent), timeout=10 if sent else 0.2)
    assert type(caught.value) is kind


def test_an_answer_without_end_is_cut_short(answering: Answering) -> None:
    with pytest.raises(HubUnreachableError, match="larger"):
        asked(answering(answer("200 OK", b" " * (20 << 20))))


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
        (b"HTTP/1.1 ", b"2"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "header", "status", "interim"],
)
def test_an_answer_that_drips_is_given_up_before_its_end(begin: bytes, drop: bytes) -> None:
    dripped = []

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(begin)
        for number in range(1000):
            connection.sendall(drop)
            dripped.append(number)
            time.sleep(0.05)

    with one_by_one(drip) as url, pytest.raises(HubUnreachableError, match="no answer in time"):
        asked(url, timeout=0.5)
    assert len(dripped) < 500


def test_a_body_may_take_longer_than_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECT", 0.5)

    def read_late(connection: socket.socket) -> None:
        time.sleep(1)
        left = 16 << 20
        while left > 0 and (came := connection.recv(1 << 20)):
            left -= len(came)
        connection.sendall(answer("200 OK", b"{}"))

    with one_by_one(read_late) as url:
        assert Wire(Access(url, "ada", "key")).ask("PUT", "/", data=bytes(16 << 20)) == {}


def test_a_large_body_is_sent_in_parts_that_each_have_their_time() -> None:
    class Taking:
        def __init__(self) -> None:
            self.taken: list[bytes] = []

        def settimeout(self, seconds: float) -> None:
            assert seconds > 0

        def sendall(self, data: bytes) -> None:
            self.taken.append(bytes(data))

    body = bytes(range(256)) * 4096 + b"end"
    pool = TimelyAdapter().poolmanager.connection_from_url("http://hub.example.org")
    connection: Any = pool.ConnectionCls("hub.example.org", timeout=1)
    connection.sock = Taking()
    connection.send(body)
    assert b"".join(connection.sock.taken) == body
    assert max(map(len, connection.sock.taken)) <= 256 << 10


class _ThroughSocks(HTTPConnection):
    """Stands for the connections that PySocks makes."""

    def __init__(self, _socks_options: dict[str, int], *args: Any, **more: Any) -> None:
        self._port = _socks_options["proxy_port"]
        super().__init__(*args, **more)

    def _new_conn(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), self.timeout)


class _SocksPool(HTTPConnectionPool):
    ConnectionCls = _ThroughSocks


class _SocksManager(PoolManager):
    def __init__(self, proxy_url: str, num_pools: int, **more: Any) -> None:
        super().__init__(num_pools, _socks_options={"proxy_port": urlsplit(proxy_url).port})
        self.pool_classes_by_scheme = {"http": _SocksPool}


def test_a_socks_proxy_is_gone_through_and_answers_in_time_too(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", _SocksManager)
    monkeypatch.setenv("ALL_PROXY", answering(answer("200 OK", b"{}")).replace("http", "socks5h"))
    wire = Wire(Access("http://hub.example.org", "ada", "key"))
    assert [wire.ask("GET", "/api/me") for _ in range(2)] == [{}, {}]
    monkeypatch.setenv("ALL_PROXY", answering(b"").replace("http", "socks5h"))
    with pytest.raises(HubUnreachableError, match="no answer in time"):
        asked("http://hub.example.org", timeout=0.2)


def test_how_long_an_answer_may_take_is_a_setting(answering: Answering) -> None:
    asking = Wire(
        Access(answering(b""), "ada", "key"), settings=Settings(environ={"DOTSCIENCE_TIMEOUT": "1"})
    )
    with pytest.raises(HubUnreachableError, match="no answer in time"):
        asking.ask("GET", "/api/me")


def test_nothing_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(HubUnreachableError, match="refused"):
        asked(f"http://127.0.0.1:{port}")


def test_keys_do_not_follow_a_redirect(answering: Answering) -> None:
    elsewhere = answering(answer("200 OK", b"{}"))
    with pytest.raises(HubUnreachableError, match=f"points to '{elsewhere}/api/me'"):
        asked(answering(answer("302 Found", b"", f"Location: {elsewhere}/api/me")))


def test_neither_netrc_nor_cookies_take_part(
    answering: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name and key are those of the profile, whatever other programs stored for that host."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    wire = Wire(Access(answering(answer("200 OK", b"{}", "Set-Cookie: a=b")), "ada", "key"))
    session = wire._open()
    sent = []
    session.hooks["response"].append(lambda response, **_: sent.append(dict(response.request.headers)))
    wire.ask("GET", "/api/me")
    wire.ask("GET", "/api/me")
    assert [headers["Authorization"] for headers in sent] == 2 * [b"Basic YWRhOmtleQ=="]
    assert "Cookie" not in sent[1]
