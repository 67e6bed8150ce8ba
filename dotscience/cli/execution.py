"""What `ds show` and `ds list --executions` say of executions of `ds run`."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import CorruptError, NotFoundError
from ..storage.workspace import Workspace
from . import words
from .printing import heading, is_terminal, pairs, print_json, say, strong, table, warn

if TYPE_CHECKING:
    from ..runner.execution import Execution, ExecutionFolder

__all__ = ["list_executions", "show_execution"]


def show_execution(ref: str, workspace: Workspace, as_json: bool) -> bool:
    """Show the execution of that id; False when there is none."""
    from ..runner.execution import STREAMS, find_execution

    try:
        folder = find_execution(ref, workspace)
    except NotFoundError:
        return False
    execution, state = folder.read()
    if as_json:
        print_json(_as_json(execution, state, folder))
        return True
    say(f"{strong(execution.id)}  execution, {state}")
    say(f"  {words.clean(shlex.join(execution.command))}")
    say()
    pairs(_about(execution))
    for name in STREAMS:
        _printed(name, getattr(execution, name), folder)
    return True


def list_executions(workspace: Workspace, limit: int, as_json: bool) -> None:
    """List the executions of a workspace, the newest first.

    Args:
        limit: how many at most; 0 for all.
    """
    from ..runner.execution import execution_folders

    found = []
    for folder in execution_folders(workspace):
        try:
            found.append((*folder.read(), folder))
        except NotFoundError:  # about to be written, or not of ours
            continue
        except CorruptError as error:
            warn(str(error))
    found.sort(key=lambda one: one[0].started, reverse=True)
    shown = found[:limit] if limit else found
    if as_json:
        print_json([_as_json(*one) for one in shown])
        return
    if shown:
        header = ("id", "state", "started", "wall", "exit code", "runs", "command")
        table(
            header, [_row(execution, state) for execution, state, _ in shown], right=(4, 5), whole=(0, 1, 2)
        )
    elif is_terminal():
        say(f"No executions in {words.clean(workspace.root)} yet.")
    if len(found) > len(shown):
        warn(f"these are the first {limit}; --limit 0 shows all.")


def _as_json(execution: Execution, state: str, folder: ExecutionFolder) -> dict[str, Any]:
    return {**execution.to_json(), "state": state, "folder": folder.path}


def _row(execution: Execution, state: str) -> tuple[str, ...]:
    ended_well = "completed" if execution.exit_code == 0 else "failed"
    symbol = words.SYMBOLS[ended_well if state == "ended" else state]
    return (
        words.clean(words.short(execution.id) if is_terminal() else execution.id),
        f"{symbol} {state}",
        words.ago(execution.started) if is_terminal() else words.local(execution.started),
        words.duration(execution.wall),
        "" if execution.exit_code is None else str(execution.exit_code),
        str(len(execution.runs)),
        words.value(shlex.join(execution.command)),
    )


def _about(execution: Execution) -> Iterable[tuple[str, str]]:
    yield "started", words.local(execution.started)
    yield "ended", words.local(execution.ended)
    yield "wall", words.duration(execution.wall)
    yield "cpu", _cpu(execution)
    yield "peak memory", words.size(execution.peak_memory)
    yield "exit code", "" if execution.exit_code is None else str(execution.exit_code)
    yield "signal", execution.signal or ""
    yield "directory", words.clean(execution.directory)
    yield "host", words.clean(execution.host or "")
    yield "runs", ", ".join(map(words.short, execution.runs) if is_terminal() else execution.runs)


def _cpu(execution: Execution) -> str:
    if execution.cpu_user is None or execution.cpu_system is None:
        return ""
    return f"{words.duration(execution.cpu_user)} user, {words.duration(execution.cpu_system)} system"


def _printed(name: str, kept: Mapping[str, Any] | None, folder: ExecutionFolder) -> None:
    size = kept.get("size") if kept is not None else None
    if size != 0:
        heading(f"{name}  {words.size(size) if isinstance(size, int) else ''}".rstrip())
        say(f"  {words.clean(folder.stream_path(name))}")
