"""`ds hub changes`: the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import words
from .arguments import json_option
from .hub_opened import moment, opened
from .printing import print_json, say, table

if TYPE_CHECKING:
    from ..hub.store.audit import Change

__all__ = ["COMMANDS"]


@click.command("changes")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Show so many, the newest first; 0 shows all.",
)
@json_option
@click.pass_context
def changes(context: click.Context, limit: int, as_json: bool) -> None:
    """Show who changed what on the Hub: users, keys, sign-ins, projects, members, views, deleted runs.

    What was done on the Hub's own machine, such as by these commands, is said to be done by `the Hub`.

    \b
    Example:
      ds hub changes --limit 20
    """
    from ..hub.services import audit

    with opened(context) as hub:
        found = audit.every(hub, limit or None)
    if as_json:
        print_json([_json(each) for each in found])
        return
    if not found:
        say("Nothing was changed yet.")
        return
    rows = [
        [
            moment(each.at),
            each.user or "the Hub",
            each.action,
            words.value(each.subject),
            each.project or "",
            "  ".join(
                f"{name}={words.value(what)}" for name, what in each.detail.items() if what is not None
            ),
        ]
        for each in found
    ]
    table(["WHEN", "WHO", "WHAT", "OF", "PROJECT", "DETAIL"], rows)


def _json(change: Change) -> dict[str, Any]:
    from ..hub.times import iso_of

    return {**vars(change), "at": iso_of(change.at)}


COMMANDS = (changes,)
