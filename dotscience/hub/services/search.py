"""Finding what somebody remembers a few words of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...catalog.row import Row
from ...catalog.search import FoundFile, search_files, search_runs
from ..access import Asker
from ..hub import Hub
from ..problems import Problem
from ..store.projects import Project
from . import projects

__all__ = ["Found", "search"]

_LONGEST, _MOST_WORDS = 200, 20
"""Characters, and words: each word is looked for in everything that the asker may see."""


@dataclass(frozen=True)
class Found:
    """What was found, of each kind at most as many as were asked for."""

    projects: Sequence[Project]
    runs: Sequence[Row]
    files: Sequence[FoundFile]


def search(hub: Hub, asker: Asker, words: str, limit: int = 20) -> Found:
    """Projects, runs and files that the asker may see.

    Raises:
        Problem: 422, that is too long to search for.
    """
    if len(words) > _LONGEST:
        raise Problem(422, f"Search for at most {_LONGEST} characters.")
    seen = projects.listed(hub, asker)
    lowered = [word.lower() for word in words.split()]
    if len(lowered) > _MOST_WORDS:
        raise Problem(422, f"Search for at most {_MOST_WORDS} words.")
    if not lowered:
        return Found((), (), ())
    place = hub.catalog.seen_by([project.id for project in seen])
    return Found(
        [project for project in seen if all(word in project.name.lower() for word in lowered)][:limit],
        search_runs(place, words, limit),
        search_files(place, words, limit),
    )
