"""How the Hub is doing, for whoever watches it."""

from __future__ import annotations

from fastapi import Response

from ..metrics import CONTENT_TYPE
from ..problems import Problem
from ..services import health
from .here import CurrentHub

__all__ = ["alive", "metrics", "ready"]


async def alive() -> dict[str, str]:  # without a thread: all of them may wait for something
    """Whether the process answers; nothing else is looked at."""
    return {"status": "ok"}


def ready(hub: CurrentHub) -> dict[str, str]:
    """Whether the Hub can do its work: its database and its blobs answer, and its tables are of this version."""
    failing = health.check(hub)
    if failing:
        raise Problem(503, f"Not ready: {', '.join(failing)}.", "not-ready", failing=failing)
    return {"status": "ok"}


def metrics(hub: CurrentHub) -> Response:
    """Counters for Prometheus."""
    hub.metrics.stored.set(health.stored_bytes(hub))
    return Response(hub.metrics.text(), headers={"Content-Type": CONTENT_TYPE})
