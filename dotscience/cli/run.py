"""`ds run`: executes a command and sees to it that it has a record."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import uuid

import click

from . import words
from .arguments import here
from .printing import say, warn

__all__ = ["command"]

_NOT_EXECUTABLE, _NO_SUCH_COMMAND = 126, 127


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "-d", "--detach", is_flag=True, help="Return at once and print the execution's id; the command goes on."
)
@click.argument("words_", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def command(detach: bool, words_: tuple[str, ...]) -> int:
    """Execute a command, keep what it prints and what it costs, and record it.

    The runs that the command publishes are recorded as always, and so are run blocks that it prints. Where
    it publishes none, what it leaves unpublished is published for it; where there is nothing, the command itself gets a
    record, whose status is told by its exit code. `ds show` on the execution's id tells output, exit code, wall and CPU time and peak memory.

    The command gets DOTSCIENCE_WORKLOAD_TYPE=command, DOTSCIENCE_EXECUTION, DOTSCIENCE_PROJECT_DOT_ROOT and, unless
    it is set already, PYTHONUNBUFFERED=1. The exit code is the command's: 128 + n when signal n ended it, 126 when it
    cannot be executed, 127 when there is none.

    \b
    Example:
      ds run -- python train.py --lr 0.1
    """
    from ..runner.detached import detach as go_on_detached
    from ..runner.running import execute, prepare

    workspace = here()
    folder = prepare(str(uuid.uuid4()), workspace)
    try:
        if detach:
            go_on_detached(lambda began: execute(words_, folder, workspace, began=began), folder.path)
            say(folder.id)
            return 0
        execution = execute(words_, folder, workspace)
    except OSError as error:
        if error.filename != words_[0]:
            raise
        shutil.rmtree(folder.path, ignore_errors=True)
        return _refuse(error, words_[0])
    if sys.stderr.isatty():
        runs = ", ".join(map(words.short, execution.runs))
        warn(f"recorded as {runs}; `ds show {words.short(execution.id)}` tells what it printed and cost.")
    return execution.exit_code or 0


def _refuse(error: OSError, name: str) -> int:
    if isinstance(error, FileNotFoundError) and not (os.sep in name and os.path.exists(name)):
        warn(f"{name}: no such command")
        return _NO_SUCH_COMMAND
    reason = f"{error.strerror}"
    if isinstance(error, FileNotFoundError):
        reason = "there is no such program as its first line names"
    elif error.errno == errno.ENOEXEC:
        reason = f"its first line names no program that reads it; say which, as in `ds run -- sh {name}`"
    warn(f"{name}: cannot be executed ({reason})")
    return _NOT_EXECUTABLE
