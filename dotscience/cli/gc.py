"""`ds gc`: removes what nothing needs any more."""

from __future__ import annotations

from collections import Counter

import click

from . import words
from .arguments import here, json_option
from .exits import NO
from .printing import is_terminal, print_json, say
from .progress import Waiting

__all__ = ["command"]


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def command(dry_run: bool, as_json: bool) -> int:
    """Remove blobs that nothing refers to, and what killed processes left half written.

    A blob stays while its digest stands in any record, journal, annotation or execution, and for an hour after it was
    written; a temporary file stays for a day. Remembered digests are forgotten, so files are hashed anew. While a run
    is in progress nothing is removed, because it may be about to need what it found: the exit code is 1 then.

    \b
    Example:
      ds gc --dry-run
    """
    from ..catalog.garbage import sweep

    with Waiting("reading run folders") as progress:
        swept = sweep(here(), dry_run=dry_run, progress=progress)
    if as_json:
        print_json(swept.to_json())
    else:
        verb = "removed" if swept.is_removed else "would be removed"
        kinds = Counter(piece.kind for piece in swept.garbage)
        if not is_terminal():
            for piece in swept.garbage:
                say(f"{piece.kind}  {piece.size}  {words.value(piece.path)}")
        blobs, temporaries = (
            words.count(kinds[kind], noun)
            for kind, noun in (("blob", "blob"), ("temporary", "temporary file"))
        )
        if swept.garbage:
            say(f"{blobs} that nothing refers to and {temporaries} {verb}: {words.size(swept.size)}.")
        elif not swept.running:
            say("There is nothing to remove.")
        if swept.young:
            say(
                f"{words.count(swept.young, 'blob')} that nothing refers to stay for an hour after they were written."
            )
        if swept.running and not dry_run:
            say(
                f"Nothing was removed, because {words.count(len(swept.running), 'run')} in progress may need it:"
            )
            for run in swept.running:
                say(f"  {run}")
    return NO if swept.running and not dry_run else 0
