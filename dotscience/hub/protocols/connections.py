"""Connections of HTTP/1.1 whose requests have an end: a head is neither large nor slow, and no body comes by drops.

uvicorn bounds the silence between two requests and nothing else, so whoever sends half a head could hold a connection for
ever. A body has far more time than a head, for who sends it may pause: dotscience 0.8.7 never reads the answer, and would not
learn that its file was refused.
"""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any

from .whole_requests import WholeRequests

__all__ = ["Connection"]

_LARGEST_HEAD = 64 << 10
"""Bytes of a request line and headers."""

_PART = 16 << 10
"""Bytes of a body: so many must come within `_PAUSE` times the patience."""

_PAUSE = 10
"""How many times as long as a head each part of a body may take."""


def _refusal(status: int, title: str) -> bytes:
    said = f'{{"title":"{title}","status":{status},"type":"about:blank"}}\r\n'
    head = f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(said)}\r\n\r\n{said}".encode("ascii")


_TOO_LARGE = _refusal(431, "Request Header Fields Too Large")
_TOO_SLOW = _refusal(408, "Request Timeout")


class Connection(WholeRequests):
    """One connection.

    Args:
        patience: seconds in which a head must have come whole; each 16 KiB of a body has ten times as long. 0 for any time.
    """

    def __init__(self, *args: Any, patience: float, **more: Any) -> None:
        super().__init__(*args, **more)
        self._patience = patience
        self._timer: TimerHandle | None = None
        self._head = self._came = 0
        self._is_body = False

    # What is called by the event loop

    def connection_made(self, transport: Any) -> None:
        """Somebody has connected, and must say something."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._timer is None:  # of the next request
            self._expect_head()
        if not self._is_body:
            self._came += len(data)
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._expect_nothing()
        super().connection_lost(error)

    # What is called by the parser

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of its target has come."""
        super().on_url(url)
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has come."""
        super().on_header(name, value)
        self._grow(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Its head has come whole."""
        self._is_body = True
        self._look_again()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body has come, maybe together with its head."""
        self._came += len(body)
        if self._came >= _PART:
            self._look_again()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """It has come whole."""
        self._expect_nothing()
        super().on_message_complete()

    def _grow(self, size: int) -> None:
        self._head += size
        if self._head > _LARGEST_HEAD:
            raise _HeadTooLargeError

    def send_400_response(self, msg: str) -> None:
        """What came cannot be read, or we do not want to."""
        if self._head > _LARGEST_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            super().send_400_response(msg)

    # Time

    def _expect_head(self) -> None:
        self._is_body = False
        self._look_again()

    def _expect_nothing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self) -> None:
        self._expect_nothing()
        self._came = 0
        if self._patience:
            self._timer = self.loop.call_later(self._patience * (_PAUSE if self._is_body else 1), self._look)

    def _look(self) -> None:
        """See whether what should have come by now is ours to wait for."""
        if self._is_body:  # nobody can send what we did not take
            goes_on = self.flow.read_paused or self.cycle.waiting_for_100_continue or bool(self.pipeline)
            is_told = not self.cycle.response_started
        else:  # who waits for an answer may have sent half of the next request
            goes_on = self.cycle is not None and not self.cycle.response_complete
            is_told = self._came > 0
        if goes_on:
            self._look_again()
            return
        if is_told:
            self.transport.write(_TOO_SLOW)
        self.transport.close()


class _HeadTooLargeError(Exception):
    """Ends the reading of a request."""
