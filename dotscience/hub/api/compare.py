"""What differs between runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from ..services import compare
from .answers import json_answer
from .here import CurrentAccess, CurrentHub

__all__ = ["Runs", "compare_runs"]

_RUNS = (
    "Ids of 2 to 20 runs; the first is what the others are compared with. "
    "They may be of any projects that you may view."
)
Runs = Annotated[list[str] | None, Query(description=_RUNS)]


def compare_runs(request: Request, hub: CurrentHub, access: CurrentAccess, run: Runs = None) -> Response:
    """Runs side by side: values, packages, files and code."""
    return json_answer(request, compare.compare(hub, access, run or []).to_json())
