"""Bringing the catalog up to date before a question is asked, and saying what of it cannot be read."""

from __future__ import annotations

from ..storage.workspace import Workspace
from .printing import warn
from .progress import Waiting
from .words import clean, count

__all__ = ["bring_up_to_date"]


def bring_up_to_date(workspace: Workspace) -> None:
    """Index new runs, with a progress bar where that takes long; name run folders that cannot be read."""
    from ..catalog.catalog import catalog_of

    catalog = catalog_of(workspace)
    with Waiting("indexing runs") as progress:
        catalog.refresh(progress)
    problems = catalog.problems()
    if problems:
        first = problems[0]
        where = f"{first.file}: {first.field}" if first.field else first.file
        runs = count(len({problem.run for problem in problems}), "run folder")
        warn(
            clean(f"{runs} cannot be read, or not wholly ({where}: {first.reason}). `ds doctor` lists them.")
        )
