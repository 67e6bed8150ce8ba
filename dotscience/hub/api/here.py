"""What handlers ask of a request: the Hub, and who asks for what."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from ..access import Access
from ..hub import Hub

__all__ = ["CurrentAccess", "CurrentHub", "base_url"]


async def _hub(request: Request) -> Hub:
    found: Hub = request.app.state.hub
    return found


async def _access(request: Request) -> Access:
    found: Access = request.state.access  # which the route's need has put there: see gate.py
    return found


CurrentHub = Annotated[Hub, Depends(_hub)]
CurrentAccess = Annotated[Access, Depends(_access)]


def base_url(request: Request, hub: Hub) -> str:
    """The address of the Hub, without a slash at its end."""
    return hub.settings.url or str(request.base_url).rstrip("/")
