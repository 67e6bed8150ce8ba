"""HTTP to a Hub: connecting, publishing, streaming runs in progress, and `ds sync`. Loaded on first use."""

from __future__ import annotations

from .connection import connect

__all__ = ["connect"]
