"""What `ds show` says of an execution of `ds run`."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError
from ..storage.workspace import Workspace
from . import words
from .printing import heading, is_terminal, pairs, print_json, say, strong

if TYPE_CHECKING:
    from ..runner.execution import Execution, ExecutionFolder

__all__ = ["show_execution"]


def show_execution(ref: str, workspace: Workspace, as_json: bool) -> bool:
    """Show the execution of that id; False when there is none."""
    from ..runner.execution import STREAMS, find_execution

    try:
        folder = find_execution(ref, workspace)
    except NotFoundError:
        return False
    execution, state = folder.read()
    if as_json:
        print_json({**execution.to_json(), "state": state, "folder": folder.path})
        return True
    say(f"{strong(execution.id)}  execution, {state}")
    say(f"  {words.clean(shlex.join(execution.command))}")
    say()
    pairs(_about(execution))
    for name in STREAMS:
        _printed(name, getattr(execution, name), folder)
    return True


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
