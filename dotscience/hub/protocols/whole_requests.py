"""HTTP for a client that closes its connection behind the last byte of a body, and never reads the answer.

uvicorn hands over no more of a body once the connection is closed, even of what has come already, so a file that dotscience 0.8.7
sends would be lost whenever the Hub is not quick enough. Here a request that came whole is handed over whole.
"""

from __future__ import annotations

from typing import cast

from starlette.types import Message, Receive
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

__all__ = ["WholeRequests"]


class WholeRequests(HttpToolsProtocol):
    """uvicorn's protocol, which gives out the rest of a body that came whole before it tells of the disconnect."""

    def on_headers_complete(self) -> None:
        """A request begins."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.receive = _whole(self.cycle)  # type: ignore[method-assign, assignment]


def _whole(cycle: RequestResponseCycle) -> Receive:
    receive, is_given = cycle.receive, False

    async def receiving() -> Message:
        nonlocal is_given
        message = cast(Message, await receive())
        if message["type"] == "http.request":
            is_given = not message["more_body"]
        elif cycle.disconnected and not (is_given or cycle.more_body):
            is_given = True
            message = {"type": "http.request", "body": bytes(cycle.body), "more_body": False}
            cycle.body = bytearray()
        return message

    return receiving
