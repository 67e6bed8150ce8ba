"""What surrounds a run: code, notebook, git, packages, host and command line, each in a file of its own."""

from __future__ import annotations

from .gather import SurroundingsOfProcess as surroundings

__all__ = ["surroundings"]
