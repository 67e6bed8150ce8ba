"""`ds hub backup`, `restore`, `gc` and `reindex`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from . import words
from .arguments import json_option
from .exits import NO
from .hub_opened import moment, opened
from .printing import is_terminal, print_json, say, warn
from .progress import Waiting

if TYPE_CHECKING:
    from ..hub.services.garbage import Garbage

__all__ = ["COMMANDS"]


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False))
@click.pass_context
def backup(context: click.Context, file: str) -> int:
    """Write the Hub to one file, also while it serves: its database, and the content that the database names.

    A database on PostgreSQL is left to its own tool: run pg_dump first, then this, which copies the content alone. The
    file holds the hashes of passwords and keys, so only you may read it. The exit code is 1 where content is missing.

    \b
    Example:
      ds hub backup hub-monday.tar
    """
    from ..hub.services.backup import write_backup

    with opened(context) as hub, Waiting("copying content") as progress:
        written = write_backup(hub, file, progress)
    what = "the database and " if written.has_database else ""
    say(
        f"Wrote {what}{words.count(written.blobs, 'blob')} ({words.size(written.size)}) to {words.clean(file)}."
    )
    if not written.has_database:
        say("The database is on PostgreSQL. Keep with this file what `pg_dump` wrote before it.")
    for digest in written.missing:
        warn(f"The database names content that the Hub does not have: {digest}")
    return NO if written.missing else 0


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def restore(context: click.Context, file: str) -> None:
    """Make a Hub from a backup, where there is none yet. Every blob is checked against its digest.

    \b
    Example:
      ds hub --data /srv/hub restore hub-monday.tar
    """
    from ..hub.blobs.open import open_blobs
    from ..hub.opening import Places
    from ..hub.services.backup import restore_backup

    places = Places.of(context.obj)
    database = "" if "://" in places.database else places.database
    if places.needs_folder:
        os.makedirs(places.folder, mode=0o700, exist_ok=True)
    with Waiting("restoring", in_bytes=True) as progress:
        restored = restore_backup(file, database, open_blobs(places.blobs), progress)
    what = "the database and " if restored.has_database else ""
    say(f"Restored {what}{words.count(restored.blobs, 'blob')}.")


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed, and why.")
@json_option
@click.pass_context
def gc(context: click.Context, dry_run: bool, as_json: bool) -> None:
    """Remove what the Hub no longer needs, also while it serves.

    Runs that were deleted longer ago than the setting hub_trash_days are forgotten. Content that no record of a project
    names is no longer the project's, and what is no project's is removed; content stays for a day after it came. Uploads that
    broke off stay for a week. Sign-ins that are over are dropped.

    \b
    Example:
      ds hub gc --dry-run
    """
    from ..hub.services import garbage

    with opened(context) as hub:
        found = garbage.find(hub) if dry_run else garbage.sweep(hub)
        days = hub.settings.trash_days
    if as_json:
        print_json({**found.to_json(), "removed": not dry_run})
        return
    _say_garbage(found, days, "would be removed" if dry_run else "removed")


def _say_garbage(found: Garbage, days: int, verb: str) -> None:
    if not is_terminal():
        for run in found.runs:
            say(
                f"run  {words.clean(run.run)}  deleted {moment(run.deleted)}, more than {words.count(days, 'day')} ago"
            )
        for project, sizes in found.released.items():
            for digest in sizes:
                say(f"held  {digest}  no record of the project {project} names it")
        for blob in found.blobs:
            say(f"blob  {blob.digest}  {blob.size}  no project holds it")
        for upload in found.uploads:
            say(f"upload  {upload}  broke off, and nobody went on with it for a week")
    held = sum(map(len, found.released.values()))
    parts = [
        (
            len(found.runs),
            f"{words.count(len(found.runs), 'run')} that were deleted more than {words.count(days, 'day')} ago",
        ),
        (held, f"{words.count(held, 'content')} that projects hold and no record of theirs names"),
        (
            len(found.blobs),
            f"{words.count(len(found.blobs), 'blob')} that no project holds: {words.size(found.size)}",
        ),
        (len(found.uploads), f"{words.count(len(found.uploads), 'upload')} that broke off over a week ago"),
        (found.sessions, f"{words.count(found.sessions, 'sign-in')} that are over"),
    ]
    said = [text for number, text in parts if number]
    say(f"{verb.capitalize()}:" if said else "There is nothing to remove.")
    for text in said:
        say(f"  {text}")


@click.command("reindex")
@click.pass_context
def reindex(context: click.Context) -> int:
    """Make the catalog anew from the records that the Hub holds, also while it serves.

    The exit code is 1 where the record of a run cannot be read; the catalog says of it what it said before.
    """
    from ..hub.services.indexing import reindex

    with opened(context) as hub, Waiting("reading records") as progress:
        done = reindex(hub, progress)
    for problem in done.problems:
        warn(words.clean(problem))
    say(f"{words.count(done.runs, 'run')} in the catalog.")
    return NO if done.problems else 0


COMMANDS = (backup, restore, gc, reindex)
