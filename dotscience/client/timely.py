"""Connections that end in time: the head and the body of an answer share one deadline, however few bytes come at once.

The timeouts of `requests` are for one piece of silence each, and begin anew with every byte; and they let a whole body be
sent in the time that is meant for connecting.
"""

from __future__ import annotations

import io
import socket
import time
from functools import cache
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

__all__ = ["SENDING", "TimelyAdapter"]

SENDING = 60.0
"""Seconds in which a connection must take a part of a body."""

_PART = 256 << 10
"""Bytes of such a part; a whole body may be as slow as its size demands."""


class _Arriving(io.RawIOBase):
    """What a socket receives until its timeout is over, counted from now on."""

    def __init__(self, raw: io.RawIOBase, receiving: socket.socket) -> None:
        self._raw, self._socket = raw, receiving
        self._deadline = time.monotonic() + (receiving.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, receiving: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(receiving, *args, **more)
        self.fp = io.BufferedReader(_Arriving(self.fp.detach(), receiving))


class _Timely(HTTPConnection):
    response_class = _Answer

    def send(self, data: Any) -> None:
        """Send a part of a request."""
        if self.sock is None:
            self.connect()
        self.sock.settimeout(SENDING)
        whole = memoryview(data).cast("B")
        for start in range(0, len(whole), _PART):
            super().send(whole[start : start + _PART])
        self.sock.settimeout(self.timeout)  # what follows on the hello to a proxy is still connecting


class TimelyAdapter(HTTPAdapter):
    """The way to a Hub, or to a proxy before it, for `requests`."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Make the pool of connections."""
        super().init_poolmanager(*args, **more)
        _use(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        """The pool of connections to a proxy."""
        manager = super().proxy_manager_for(*args, **more)
        _use(manager)
        return manager


def _use(manager: PoolManager) -> None:
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _timely(pool) for scheme, pool in pools.items()}


@cache
def _timely(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """The same kind of pool, with timely connections; a SOCKS proxy has kinds of its own."""
    connection: Any = pool.ConnectionCls
    if issubclass(connection, _Timely):
        return pool
    timely = type(connection.__name__, (_Timely, connection), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": timely})
