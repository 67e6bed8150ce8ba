"""A Hub as a process: its parts opened as the settings say, requests served until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn
from fastapi import FastAPI

from ..settings import Settings
from .app import create_app
from .opening import FirstUser, make_first_user, open_parts
from .protocols.connections import Connection
from .settings import HubSettings

__all__ = ["FirstUser", "configuration", "listen", "make_first_user", "open_hub", "serve"]

_SHUTDOWN = 20
"""Seconds that requests in progress get to end."""


def open_hub(settings: Settings) -> FastAPI:
    """The application over the database and the blobs that the settings name; made where they are missing.

    Raises:
        what `open_parts` raises.
    """
    parts = open_parts(settings)
    return create_app(parts.settings, parts.catalog, parts.blobs)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Raises:
        OSError: the address is taken, or none of this machine; says which, and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise OSError(
            error.errno,
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Try another --host or --port.",
        ) from None
    except OverflowError:
        listening.close()
        raise OSError(f"Cannot listen on port {port}: a port is a number up to 65535.") from None
    return listening


def serve(app: FastAPI, listening: socket.socket, started: Callable[[], object] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress are ended first.

    Args:
        started: called when requests are taken.
    """
    _Server(configuration(app), started).run(sockets=[listening])


def configuration(app: FastAPI) -> uvicorn.Config:
    """How uvicorn serves a Hub: httptools takes the absolute targets of the 0.8.7 client."""
    settings: HubSettings = app.state.hub.settings
    return uvicorn.Config(
        app,
        http=partial(Connection, patience=settings.patience),  # type: ignore[arg-type] # it makes what a class does
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=_SHUTDOWN,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], object]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        if self.started:
            self._tell()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT, and let the process end as one that did what it was told."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
