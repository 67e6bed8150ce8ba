"""`ds verify`: whether what was recorded is still there as it was."""

from __future__ import annotations

import click

from . import words
from .arguments import here, json_option, run_argument
from .exits import NO
from .printing import dim, print_json, say
from .progress import Waiting

__all__ = ["command"]


@click.command("verify")
@run_argument(required=False)
@json_option
def command(run: str | None, as_json: bool) -> int:
    """Check that records and blobs are unaltered, and that files on disk are as recorded.

    Everything is read again. Without RUN all runs of the workspace are checked, and each file is compared with the
    latest run that names it. The exit code is 1 where something is not as it was recorded.

    \b
    Example:
      ds verify @latest
    """
    from ..catalog.find import find_run
    from ..catalog.verify import PROBLEMS, verify

    workspace = here()
    folders = None if run is None else [find_run(run, workspace)[1]]
    with Waiting("reading", in_bytes=True) as progress:
        found = verify(workspace, folders, progress)
    if as_json:
        print_json(found.to_json())
    else:
        for finding in found.findings:
            detail = f" ({finding.detail})" if finding.detail else ""
            word = click.style(finding.problem, fg="red")
            say(f"{word}  {finding.kind} {words.value(finding.what + detail)}  {dim('run ' + finding.run)}")
        if found.findings:
            say()
            for problem in sorted({finding.problem for finding in found.findings}):
                say(f"{problem}: {PROBLEMS[problem]}")
            say()
        say(
            f"{words.count(found.records, 'record')}, {words.count(found.blobs, 'blob')} and "
            f"{words.count(found.files, 'file')} read: "
            + (words.count(len(found.findings), "problem") if found.findings else "all as recorded")
        )
        if found.unpublished:
            say(f"{words.count(found.unpublished, 'run')} not published: only the journal was read.")
    return NO if found.findings else 0
