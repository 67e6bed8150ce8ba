"""The models of the projects that somebody may view."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ..access import Asker
from ..hub import Hub
from ..store.commits import runs_with_commits
from ..store.models import RegisteredModel, newest_models
from ..store.projects import visible_projects

__all__ = ["ListedModel", "listed", "model_id"]

_MODELS = uuid.UUID("c0a6b0a4-6b8b-4e43-8d8a-3a8a2f4c1b6e")
"""Namespace of the ids of models."""

_MOST = 1000


@dataclass(frozen=True)
class ListedModel:
    """A model; `commit` is the id of the commit that its run came with, where it came with one."""

    id: str
    model: RegisteredModel
    commit: str | None


def model_id(run: str, name: str) -> str:
    """The id of a run's model: the same on every Hub."""
    return str(uuid.uuid5(_MODELS, f"{run}\n{name}".encode("utf-8", "backslashreplace").decode()))


def listed(hub: Hub, asker: Asker) -> Sequence[ListedModel]:
    """The latest models that the asker may see, newest run first; of a run the one that was registered last is first."""

    def look(connection: Connection) -> Sequence[ListedModel]:
        visible = visible_projects(connection, asker.id, asker.only)
        found = newest_models(connection, visible, _MOST)
        commits = runs_with_commits(connection, dict.fromkeys(model.run for model in found))
        last = {(run, model) for run, (_, model) in commits.items()}
        place: dict[str, int] = {}
        for number, model in enumerate(found):
            place.setdefault(model.run, number)
        ordered = sorted(found, key=lambda model: (place[model.run], (model.run, model.name) not in last))
        return [
            ListedModel(model_id(model.run, model.name), model, commits.get(model.run, (None, None))[0])
            for model in ordered
        ]

    return hub.read(look)
