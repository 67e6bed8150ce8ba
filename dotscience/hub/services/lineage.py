"""Where files came from and what was made from them, across the projects that the asker may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ...catalog.code_version import CodeVersion, code_of
from ...catalog.lineage import Lineage, Step, lineage_of_digest, lineage_of_path, lineage_of_run
from ...catalog.listing import get_run
from ...catalog.view import as_record
from ...errors import NotFoundError
from ...records.record import Record
from ..access import Asker
from ..hub import Hub
from ..problems import Problem
from ..store import live, records
from . import projects
from .live import state_of

__all__ = ["DIRECTIONS", "Asked", "both_ways", "codes_of", "follow"]

DIRECTIONS = ("up", "down")
"""To where it came from; to what was made from it."""

_DEEPEST = 100


@dataclass(frozen=True)
class Asked:
    """What a question of lineage starts from: a digest (or its beginning), or a path or a run of a project."""

    digest: str | None = None
    project: str | None = None
    path: str | None = None
    run: str | None = None

    def check(self) -> None:
        """Raises Problem unless it names exactly one thing."""
        if sum(each is not None for each in (self.digest, self.path, self.run)) != 1:
            raise Problem(422, "Ask for one of: a digest; a path and its project; a run and its project.")
        if self.digest is None and self.project is None:
            raise Problem(422, "A path, or a run, is one of a project: say which.")


def follow(
    hub: Hub, asker: Asker, asked: Asked, direction: str, *, depth: int | None = None, most: int = 1000
) -> Lineage:
    """The lineage in one direction.

    Args:
        depth: how many runs to go; None for all.
        most: how many runs to visit.

    Raises:
        Problem: 404, the asker may not see the project; 422, the question is none.
        NotFoundError: no run that the asker may see has read or written that.
        AmbiguousError: several contents begin with that digest.
    """
    asked.check()
    if depth is not None and not 1 <= depth <= _DEEPEST:
        raise Problem(422, f"depth is 1 to {_DEEPEST} runs.")
    visible = projects.visible(hub, asker)
    if asked.project is not None and asked.project not in visible:
        raise Problem(404, "There is no such project here, or you are no member of it.")
    place = hub.catalog.seen_by(visible)
    if asked.digest is not None:
        return lineage_of_digest(place, asked.digest, direction=direction, depth=depth, most=most)
    home = hub.catalog.seen_by([str(asked.project)])
    if asked.path is not None:
        return lineage_of_path(place, home, asked.path, direction=direction, depth=depth, most=most)
    _require_run(hub, str(asked.project), str(asked.run))
    return lineage_of_run(place, str(asked.run), direction=direction, depth=depth, most=most)


def both_ways(
    hub: Hub, asker: Asker, asked: Asked, *, depth: int | None = None, most: int = 1000
) -> tuple[Lineage, Lineage]:
    """The lineage up and down. Arguments and errors as for `follow`."""
    up, down = (follow(hub, asker, asked, direction, depth=depth, most=most) for direction in DIRECTIONS)
    return up, down


def codes_of(hub: Hub, steps: Sequence[Step]) -> dict[str, CodeVersion]:
    """The version of the code of each step, by run."""

    def ask(connection: Connection) -> dict[str, CodeVersion]:
        return {step.run: _code(connection, step) for step in steps}

    return hub.read(ask)


def _code(connection: Connection, step: Step) -> CodeVersion:
    raw = records.sealed(connection, step.run)
    if raw is not None:
        return code_of(Record.from_bytes(raw, step.run), step)
    if live.find_live(connection, step.run) is not None:
        return code_of(as_record(state_of(connection, step.run)), step)
    return CodeVersion(step.commit, step.dirty, step.workload_file)


def _require_run(hub: Hub, project: str, run: str) -> None:
    place = hub.catalog.seen_by([project])
    found = get_run(place, run, place.longest)
    if found.id != run:
        raise NotFoundError(f"There is no run {run!r} in this project.")
