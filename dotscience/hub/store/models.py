"""The models that runs have registered, as the catalog tells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ...catalog import tables as catalog

__all__ = ["RegisteredModel", "newest_models"]


@dataclass(frozen=True)
class RegisteredModel:
    """A model of a published run; `created` in microseconds since the Unix epoch."""

    run: str
    project: str
    name: str
    type: str | None
    version: str | None
    path: str | None
    classes: str | None
    created: int


def newest_models(connection: Connection, projects: Collection[str], limit: int) -> Sequence[RegisteredModel]:
    """The models of those projects, those of the latest runs first, by name within a run."""
    runs, models = catalog.runs.c, catalog.models.c
    wanted = (
        select(
            runs.id,
            runs.workspace,
            models.name,
            models.type,
            models.version,
            models.path,
            models.classes,
            runs.published,
        )
        .join(catalog.models, models.run == runs.key)
        .where(runs.workspace.in_(sorted(projects)), runs.published.is_not(None))
        .order_by(runs.published.desc(), runs.key.desc(), models.name)
        .limit(limit)
    )
    return [RegisteredModel(*row) for row in connection.execute(wanted)]
