"""What is in a file that a project holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from ..services import previews
from .answers import json_answer
from .here import CurrentAccess, CurrentHub

__all__ = ["FileName", "get_preview"]

FileName = Annotated[
    str, Query(max_length=2000, description="Name of the file; its ending says how to read it.")
]


def get_preview(
    request: Request, hub: CurrentHub, access: CurrentAccess, digest: str, name: FileName = ""
) -> Response:
    """The beginning of a table, a text, a notebook's cells, or what kind of file it is."""
    return json_answer(request, previews.preview(hub, access, digest, name).to_json())
