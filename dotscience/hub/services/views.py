"""Saved views of a project's runs: a query, an order, columns and a chart under a name that all members see."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ...catalog.columns import parse_column
from ...catalog.query import parse, parse_sort
from ...errors import ArgumentError
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..store import projects as store
from ..store.audit import note_change
from ..store.projects import View

__all__ = ["change", "listed", "remove", "save"]

_LONGEST_NAME = 100
_MOST_VIEWS = 200


def listed(hub: Hub, access: Access) -> Sequence[View]:
    """The saved views of a project, by name."""
    return hub.read(lambda connection: store.list_views(connection, access.here.id))


def save(hub: Hub, access: Access, name: str, settings: Mapping[str, Any]) -> View:
    """Save a view, in place of one of that name.

    Args:
        settings: `query`, `sort`, `columns` and `chart`, all plain JSON.

    Raises:
        ArgumentError: the name does not fit.
        QueryError: the query, the order or a column is wrong.
        Problem: 409, there are too many views.
    """
    view = View(str(uuid.uuid4()), _name(name), access.user.name, _checked(settings))
    return _keep(hub, access, view, "save view")


def change(
    hub: Hub, access: Access, view: str, *, name: str | None = None, settings: Mapping[str, Any] | None = None
) -> View:
    """Change the name of a view, what it shows, or both. Errors as for `save`; 404 where there is no such view."""
    found = hub.read(lambda connection: _find(connection, access.here.id, view))
    if name is not None:
        found = replace(found, name=_name(name))
    if settings is not None:
        found = replace(found, settings=_checked(settings))
    return _keep(hub, access, found, "change view")


def remove(hub: Hub, access: Access, view: str) -> None:
    """Drop a view.

    Raises:
        Problem: 404, there is none.
    """
    project, user = access.here, access.user

    def work(connection: Connection) -> None:
        found = _find(connection, project.id, view)
        store.remove_view(connection, project.id, view)
        note_change(connection, hub.now(), user.id, "remove view", found.name, project=project.id)

    hub.change(work)


def _keep(hub: Hub, access: Access, view: View, action: str) -> View:
    project, user = access.here, access.user

    def work(connection: Connection) -> None:
        others = {one.name for one in store.list_views(connection, project.id) if one.id != view.id}
        if len(others) >= _MOST_VIEWS and view.name not in others:
            raise Problem(409, f"A project has at most {_MOST_VIEWS} views. Remove one first.", "limit")
        store.remove_view(connection, project.id, view.id)
        store.add_view(connection, project.id, user.id, view)
        note_change(connection, hub.now(), user.id, action, view.name, project=project.id)

    hub.change(work)
    return view


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ArgumentError(f"A view's name is a printable text of at most {_LONGEST_NAME} characters.")
    return name


def _checked(settings: Mapping[str, Any]) -> str:
    """The settings as they are kept. Raises QueryError where the table could not show them."""
    parse(settings["query"])
    parse_sort(settings["sort"])
    for column in settings["columns"]:
        parse_column(column)
    return json.dumps(dict(settings))


def _find(connection: Connection, project: str, view: str) -> View:
    found = next((one for one in store.list_views(connection, project) if one.id == view), None)
    if found is None:
        raise Problem(404, "There is no such view in this project.")
    return found
