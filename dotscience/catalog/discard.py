"""Dropping runs that were never published."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import CorruptError, StateError
from ..records.state import RunState
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace

__all__ = ["discard", "discardable"]


def discardable(folders: Sequence[RunFolder]) -> list[RunState]:
    """What the journals of some runs say, all of which may be dropped.

    Raises:
        StateError: one of them is published or still in progress.
    """
    states = []
    for folder in folders:
        if folder.is_published():
            raise StateError(
                f"Run {folder.id} is published, and a record is permanent. `ds tag` can mark it instead."
            )
        try:
            state = folder.state()
        except CorruptError as error:
            state = RunState(folder.id, status="unpublished", description=f"({error.reason})")
        if state.status == "running":
            raise StateError(f"Run {folder.id} is still in progress (process {state.process.get('pid')}).")
        states.append(state)
    return states


def discard(workspace: Workspace, folders: Sequence[RunFolder]) -> None:
    """Remove runs for good.

    Raises:
        StateError: one of them may not be dropped; then none is.
        OSError: a folder cannot be removed.
    """
    discardable(folders)
    for folder in folders:
        folder.discard()
        workspace.touch(folder)
