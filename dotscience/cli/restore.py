"""`ds restore`: puts files back as a run recorded them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import words
from .arguments import here, json_option, run_argument
from .exits import NO
from .printing import dim, print_json, say
from .progress import Waiting

if TYPE_CHECKING:
    from ..catalog.restore import Restored
    from ..storage.workspace import Workspace

__all__ = ["command"]


@click.command("restore")
@run_argument()
@click.argument("path", required=False)
@click.option(
    "--to", "folder", required=True, metavar="DIR", type=click.Path(file_okay=False), help="Where to write."
)
@click.option("--force", is_flag=True, help="Overwrite files of other content.")
@json_option
def command(run: str, path: str | None, folder: str, force: bool, as_json: bool) -> int:
    """Write the files of a run below a folder, as they were.

    Outputs, code and inputs, as far as their content was kept; of the others it is said that only a fingerprint is
    known. PATH is one file or folder of them, as recorded or relative to the current directory. Files that lay
    outside the workspace go into the folders _parent and _root. Nothing is written outside DIR, and nothing is
    overwritten without --force. The exit code is 1 where an output, or a PATH, could not be restored.

    \b
    Example:
      ds restore 7f3c models/forest.joblib --to old
    """
    from ..catalog.find import find_run
    from ..catalog.parts import code_files
    from ..catalog.restore import OUTCOMES, restore

    home, run_folder = find_run(run, here(), everywhere=True)
    record = run_folder.read_record()
    known = {version.path for version in (*record.inputs, *record.outputs, *code_files(record))}
    paths = None if path is None else [_recorded(path, home, known)]
    with Waiting("restoring", in_bytes=True) as progress:
        restored = restore(record, home, folder, paths=paths, force=force, progress=progress)
    if as_json:
        print_json([file.to_json() for file in restored])
    else:
        for file in restored:
            colour = None if file.is_there else "yellow"
            detail = f": {file.detail}" if file.detail else ""
            where = f"  {dim(words.value(file.to))}" if file.is_there else ""
            say(
                f"{click.style(file.outcome, fg=colour)}{detail}  {file.role} {words.value(file.path)}{where}"
            )
        for outcome in sorted({file.outcome for file in restored if not file.is_there}):
            say(f"{outcome}: {OUTCOMES[outcome]}")
    return NO if any(_is_missed(file, path) for file in restored) else 0


def _is_missed(file: Restored, path: str | None) -> bool:
    """Whether a file that was asked for is not there. Inputs are not kept unless that was wanted."""
    return not file.is_there and (path is not None or file.role == "output")


def _recorded(path: str, workspace: Workspace, known: set[str]) -> str:
    """The path as records write it."""
    if path in known or any(name.startswith(path.rstrip("/") + "/") for name in known):
        return path
    from ..storage.workspace import relative_path

    return relative_path(path, workspace.root)
