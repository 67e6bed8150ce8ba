"""What `ds hub` writes to standard error: one JSON object a line.

Keys, secrets and query strings never get there. Whoever embeds a Hub configures the logger `dotscience.hub` as any other.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

__all__ = ["LOG", "configure", "log_request"]

LOG = logging.getLogger("dotscience.hub")

_LEVELS = {"requests": logging.INFO, "problems": logging.WARNING}


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in it."""
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{record.msecs:03.0f}",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure(wanted: str) -> None:
    """Write to standard error.

    Args:
        wanted: `requests` for a line per request, `problems` for what went wrong only.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for name in ("dotscience.hub", "uvicorn.error", "alembic", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(_LEVELS[wanted] if logger is LOG else logging.WARNING)


def log_request(fields: dict[str, Any]) -> None:
    """A line about a request that was answered; `fields["status"]` says how."""
    level = logging.ERROR if fields["status"] >= 500 else logging.INFO
    LOG.log(level, "request", extra={"fields": fields})
