"""`ds reindex`: builds the catalog anew."""

from __future__ import annotations

import click

from . import words
from .arguments import here, json_option
from .printing import print_json, say
from .progress import Waiting

__all__ = ["command"]


@click.command("reindex")
@json_option
def command(as_json: bool) -> None:
    """Build the catalog anew from the run folders.

    The catalog is derived and keeps itself up to date; this is for when it is in doubt. Nothing can be lost by it.

    \b
    Example:
      ds reindex
    """
    from ..catalog.catalog import catalog_of

    catalog = catalog_of(here())
    with Waiting("indexing runs") as progress:
        runs = catalog.reindex(progress)
    problems = catalog.problems()
    if as_json:
        print_json({"runs": runs, "problems": [problem.to_json() for problem in problems]})
        return
    say(f"{words.count(runs, 'run')} indexed.")
    for problem in problems:
        field = f": {problem.field}" if problem.field else ""
        say(f"  {words.clean(f'{problem.file}{field}: {problem.reason}')}")
