"""Saved views of the table of a project's runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Response

from ..services import views
from ..store.projects import View
from .here import CurrentAccess, CurrentHub
from .shapes import ViewChange, ViewWanted

__all__ = ["change_view", "list_views", "remove_view", "save_view", "views_json"]


def list_views(hub: CurrentHub, access: CurrentAccess) -> dict[str, Any]:
    """The saved views of a project, by name."""
    return {"views": views_json(views.listed(hub, access))}


def save_view(hub: CurrentHub, access: CurrentAccess, wanted: ViewWanted) -> dict[str, Any]:
    """Save a view, in place of one of that name."""
    return views_json([views.save(hub, access, wanted.name, wanted.settings.model_dump())])[0]


def change_view(hub: CurrentHub, access: CurrentAccess, view: str, wanted: ViewChange) -> dict[str, Any]:
    """Give a view another name, or let it show something else."""
    settings = None if wanted.settings is None else wanted.settings.model_dump()
    return views_json([views.change(hub, access, view, name=wanted.name, settings=settings)])[0]


def remove_view(hub: CurrentHub, access: CurrentAccess, view: str) -> Response:
    """Drop a saved view."""
    views.remove(hub, access, view)
    return Response(status_code=204)


def views_json(found: Sequence[View]) -> list[dict[str, Any]]:
    """Views as the API gives them."""
    return [
        {"id": view.id, "name": view.name, "user": view.user, "settings": json.loads(view.settings)}
        for view in found
    ]
