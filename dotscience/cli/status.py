"""`ds status`: whether the files on disk are still what the runs say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from . import words
from .arguments import here, json_option
from .catalogs import bring_up_to_date
from .exits import NO
from .printing import aligned, heading, is_terminal, more, print_json, say
from .progress import Waiting

if TYPE_CHECKING:
    from ..catalog.freshness import Status

__all__ = ["command"]

T = TypeVar("T")

_MOST = 20
"""How many files of a kind a terminal shows; a pipe gets all."""


@click.command("status")
@json_option
def command(as_json: bool) -> int:
    """Show which outputs are stale, which files changed or are missing, and which no run knows.

    An output is stale when what it was made from is different now. It is missing when nothing is there under the path
    where its latest version was recorded. The exit code is 1 where something is stale, missing or has changed.

    \b
    Example:
      ds status
    """
    from ..catalog.freshness import status

    workspace = here()
    bring_up_to_date(workspace)
    with Waiting("reading files", in_bytes=True) as progress:
        found = status(workspace, progress=progress)
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)
    return NO if found.stale or found.changed else 0


def _print(found: Status) -> None:
    say(f"workspace {words.clean(found.workspace)}")
    if found.stale:
        heading("Stale: would come out differently now")
        aligned([(stale.path, "; ".join(stale.because), _run(stale.run)) for stale in found.stale], dimmed=2)
    if found.changed:
        heading("Changed since they were recorded, or missing")
        changed = _first(found.changed)
        aligned([(file.path, f"{file.role}, {file.state}", _run(file.run)) for file in changed], dimmed=2)
        _rest(found.changed)
    if found.unrecorded:
        heading("Not known to any run")
        for path in _first(found.unrecorded):
            say(f"  {words.value(path)}")
        _rest(found.unrecorded)
    if found.truncated:
        say("\nThere are more files than were looked at.")
    if not (found.stale or found.changed):
        say("\nNothing is stale or missing, and nothing has changed since it was recorded.")


def _first(files: Sequence[T]) -> Sequence[T]:
    return files[:_MOST] if is_terminal() else files


def _rest(files: Sequence[T]) -> None:
    if len(files) > len(_first(files)):
        say(f"  {more(len(files) - _MOST)}")


def _run(run: str) -> str:
    return f"run {words.short(run) if is_terminal() else run}"
