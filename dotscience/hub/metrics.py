"""What a Hub counts about itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """The counters of one Hub in one process, in a registry of their own.

    Attributes:
        requests: seconds that requests took, by method, route (as the route table writes it) and status.
        runs: published runs that this process took in.
        received: bytes of content that this process took in.
        uploads: content that is being sent to this process just now.
        stored: bytes of all content of the Hub, each once; set when it is asked for.

    Example:
        >>> metrics = Metrics()
        >>> metrics.runs.inc()
        >>> b"dotscience_hub_runs_ingested_total 1.0" in metrics.text()
        True
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Histogram(
            "dotscience_hub_request_seconds",
            "Requests that were answered.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.runs = Counter(
            "dotscience_hub_runs_ingested", "Published runs that this process took in.", registry=registry
        )
        self.received = Counter(
            "dotscience_hub_received_bytes", "Content that this process took in.", registry=registry
        )
        self.uploads = Gauge(
            "dotscience_hub_uploads_in_flight", "Content that is being sent just now.", registry=registry
        )
        self.stored = Gauge(
            "dotscience_hub_stored_bytes", "Content that the projects hold, each once.", registry=registry
        )

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self._registry)
