"""A proxy on loopback between client and Hub that does what networks do: it cuts, delays, repeats and reorders."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Fault", "Proxy", "proxied"]


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    Attributes:
        cut_at: the connection breaks off when so many bytes of the body have gone through.
        cut_answer: the Hub gets it all, but its answer is lost.
        twice: the Hub gets it twice, one directly after the other.
        late: the Hub gets it once more, after the requests that follow.
        delay: seconds before it goes through.
    """

    cut_at: int | None = None
    cut_answer: bool = False
    twice: bool = False
    late: bool = False
    delay: float = 0.0


@dataclass
class Proxy:
    """A running proxy; `fault(method, path)` decides what happens to a request.

    Attributes:
        seen: method and path of each request; `offsets`: where each part of a file began.
        late: what was held back.
    """

    target: str
    url: str = ""
    fault: Callable[[str, str], Fault] = lambda method, path: Fault()
    seen: list[tuple[str, str]] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    late: list[Callable[[], object]] = field(default_factory=list)

    def deliver_late(self) -> None:
        """Let go through what was held back."""
        while self.late:
            self.late.pop()()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _forward(self) -> None:
        path = urlsplit(self.path).path
        self.proxy.seen.append((self.command, path))
        if "Upload-Offset" in self.headers:
            self.proxy.offsets.append(int(self.headers["Upload-Offset"]))
        fault = self.proxy.fault(self.command, path)
        time.sleep(fault.delay)
        length = int(self.headers.get("Content-Length") or 0)
        if fault.cut_at is not None:
            self._send(self.rfile.read(min(fault.cut_at, length)), is_whole=False)
            self._cut()
            return
        body = self.rfile.read(length)
        if fault.late:
            self.proxy.late.append(
                partial(self._send_as, body, self.command, self.path, list(self.headers.items()))
            )
        if fault.twice:
            self._send(body)
        status, headers, answer = self._send(body)
        if fault.cut_answer:
            self._cut()
            return
        self.send_response(status)
        for name in ("Content-Type", "Location"):
            if name in headers:
                self.send_header(name, headers[name])
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = _forward

    def _send(self, body: bytes, *, is_whole: bool = True) -> tuple[int, Any, bytes]:
        headers = list(self.headers.items())
        return self._send_as(body, self.command, self.path, headers, is_whole=is_whole)

    def _send_as(
        self, body: bytes, method: str, path: str, headers: list[tuple[str, str]], *, is_whole: bool = True
    ) -> tuple[int, Any, bytes]:
        host, port = urlsplit(self.proxy.target).netloc.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=120)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders()
            connection.send(body)
            if not is_whole:
                return 0, {}, b""
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


@contextlib.contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    """A proxy to the Hub at that address."""
    proxy = Proxy(target)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign] # connections that were cut
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
