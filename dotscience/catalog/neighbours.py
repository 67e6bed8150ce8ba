"""The runs next to a run: those that made what it read, and those that read what it made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import ColumnElement, Connection, func, select

from . import tables
from .database import in_parts
from .place import Place

__all__ = ["neighbours"]

_RUNS, _USES, _VERSIONS = tables.runs.c, tables.uses.c, tables.versions.c


def neighbours(
    run: str, places: Sequence[Place], *, most: int | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the runs that made what a run read, and of those that read what it made, newest first.

    Empty files, which are all alike, do not count.

    Args:
        places: where to look; the run itself is in the first of them.
        most: no more than so many of each, the newest; None for all.
    """
    read, made = (_digests(run, role, places[0]) for role in (tables.INPUT, tables.OUTPUT))
    return _runs(read, tables.OUTPUT, run, places, most), _runs(made, tables.INPUT, run, places, most)


def _digests(run: str, role: int, place: Place) -> set[bytes]:
    wanted = (
        select(_VERSIONS.digest)
        .distinct()
        .join(tables.uses, _USES.version == _VERSIONS.key)
        .join(tables.runs, _RUNS.key == _USES.run)
        .where(place.scope, _RUNS.id == run, _USES.role == role, _VERSIONS.digest != tables.EMPTY)
    )
    return place.read(lambda connection: set(connection.execute(wanted).scalars()))


def _runs(
    digests: Iterable[bytes], role: int, but: str, places: Sequence[Place], most: int | None
) -> tuple[str, ...]:
    when = func.coalesce(_RUNS.started, 0)
    met = (
        select(_RUNS.id, when)
        .distinct()
        .join(tables.uses, _USES.run == _RUNS.key)
        .join(tables.versions, _VERSIONS.key == _USES.version)
        .where(_USES.role == role, _RUNS.id != but)
        .order_by(when.desc(), _RUNS.id)
        .limit(most)
    )

    def ask(connection: Connection, scope: ColumnElement[bool]) -> dict[str, int]:
        shown = met.where(scope)
        found = (connection.execute(shown.where(_VERSIONS.digest.in_(part))) for part in in_parts(digests))
        return {run: started for rows in found for run, started in rows}

    found: dict[str, int] = {}
    for place in places:
        found |= place.read(partial(ask, scope=place.scope))
    return tuple(sorted(found, key=lambda run: (-found[run], run))[:most])
