"""Finds runs and files of a place (see place.py) by a few words that somebody remembers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from . import tables
from .graph import digest_range
from .place import Place, is_used, of_shards
from .row import Row, read_rows, run_columns

__all__ = ["FoundFile", "search_files", "search_runs"]

_RUNS, _VERSIONS, _NOTED = tables.runs.c, tables.versions.c, tables.annotations.c


@dataclass(frozen=True)
class FoundFile:
    """A path that runs read or wrote, with one of its versions; `digest` is None where the bytes were not seen."""

    workspace: str
    path: str
    digest: str | None
    size: int | None


def search_runs(place: Place, words: str, limit: int = 20) -> list[Row]:
    """Runs whose id begins like that, or whose description, workload, tags or notes contain every word, newest first."""
    says = [_RUNS.description, _RUNS.workload]
    noted = select(_NOTED.run)
    contain = [
        or_(
            *(_contains(text, word) for text in says),
            _RUNS.key.in_(noted.where(_contains(_NOTED.text, word))),
        )
        for word in words.split()
    ]
    if not contain:
        return []
    begins = _RUNS.id.startswith(words.strip(), autoescape=True)
    wanted = (
        select(*run_columns(place.longest))
        .where(of_shards(tables.runs, place.shards), place.scope, or_(begins, and_(*contain)))
        .order_by(_RUNS.started.desc(), _RUNS.id)
        .limit(limit)
    )

    def ask(connection: Connection) -> list[Row]:
        return read_rows(connection, list(connection.execute(wanted).mappings()), place.longest)

    return place.read(ask)


def search_files(place: Place, words: str, limit: int = 20) -> list[FoundFile]:
    """File versions whose path contains every word, or whose digest begins like that, by path."""
    each = words.split()
    if not each:
        return []
    fits: ColumnElement[bool] = and_(*(_contains(_VERSIONS.path, word) for word in each))
    between = digest_range(words.strip().lower())
    if between is not None:
        fits = or_(fits, _VERSIONS.digest.between(*between))
    home = (
        select(_RUNS.workspace)
        .join(tables.uses, tables.uses.c.run == _RUNS.key)
        .where(tables.uses.c.version == _VERSIONS.key, place.scope)
        .limit(1)
        .scalar_subquery()
    )
    wanted = (
        select(home, _VERSIONS.path, _VERSIONS.digest, _VERSIONS.size)
        .where(of_shards(tables.versions, place.shards), fits, is_used(place))
        .order_by(_VERSIONS.path, _VERSIONS.key.desc())
        .limit(limit)
    )

    def ask(connection: Connection) -> list[FoundFile]:
        return [
            FoundFile(workspace, path, None if digest is None else digest.hex(), size)
            for workspace, path, digest, size in connection.execute(wanted)
        ]

    return place.read(ask)


def _contains(column: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Whether a text holds a word, whatever the case of its letters."""
    lowered, wanted = func.lower(column), word.lower()
    for letter in sorted({letter for letter in wanted if not letter.isascii()}):
        capital = letter.upper()
        if len(capital) == 1:  # the databases' own lower() may know no other letters than those of ASCII
            lowered = func.replace(lowered, capital, letter)
    found: ColumnElement[bool] = lowered.contains(wanted, autoescape=True)
    return found
