"""`ds hub key`: API keys."""

from __future__ import annotations

import click

from ..errors import NotFoundError
from . import words
from .arguments import json_option
from .hub_opened import moment, opened
from .hub_projects import find_project
from .printing import print_json, say, table

__all__ = ["COMMANDS"]

_DAY = 24 * 3600 * 1_000_000


@click.group("key")
def key() -> None:
    """API keys: make them, list them, revoke them."""


@key.command("add")
@click.argument("user")
@click.option("--name", default="key", show_default=True, help="What the key is for.")
@click.option("--project", metavar="PROJECT", help="The key opens this project only.")
@click.option("--days", type=click.IntRange(1, 36500), help="The key expires after so many days.")
@click.pass_context
def add(context: click.Context, user: str, name: str, project: str | None, days: int | None) -> None:
    """Make an API key for a user, and print it, once.

    \b
    Example:
      ds hub key add ada --name laptop --days 365
    """
    from ..hub.services import accounts

    with opened(context) as hub:
        found = accounts.user_named(hub, user)
        only = None if project is None else find_project(hub, project).id
        expires = None if days is None else hub.now() + days * _DAY
        made, secret = accounts.add_key(hub, found, name, project=only, expires=expires)
    say(f"key       {made.id}")
    say(f"API key   {secret}")


@key.command("list")
@click.argument("user")
@json_option
@click.pass_context
def list_keys(context: click.Context, user: str, as_json: bool) -> None:
    """List a user's API keys, without their secrets."""
    from ..hub.services import accounts
    from ..hub.times import iso_of

    with opened(context) as hub:
        found = accounts.keys_of(hub, accounts.user_named(hub, user))
    if as_json:
        print_json(
            [
                {
                    "id": each.id,
                    "name": each.name,
                    "project": each.project,
                    "created": iso_of(each.created),
                    "expires": None if each.expires is None else iso_of(each.expires),
                    "used": None if each.used is None else iso_of(each.used),
                }
                for each in found
            ]
        )
        return
    rows = [
        [
            each.id,
            words.value(each.name),
            each.project or "all",
            moment(each.expires) or "never",
            moment(each.used) or "never",
        ]
        for each in found
    ]
    table(["KEY", "NAME", "PROJECT", "EXPIRES", "USED"], rows, whole=[0])


@key.command("revoke")
@click.argument("user")
@click.argument("key_id", metavar="KEY")
@click.pass_context
def revoke(context: click.Context, user: str, key_id: str) -> None:
    """Revoke a user's API key, which KEY names by its id or the beginning of it."""
    from ..hub.services import accounts

    with opened(context) as hub:
        found = accounts.user_named(hub, user)
        fitting = [each for each in accounts.keys_of(hub, found) if key_id and each.id.startswith(key_id)]
        if len(fitting) != 1:
            many = "several keys" if fitting else "no key"
            raise NotFoundError(f"{user} has {many} {key_id!r}. `ds hub key list {user}` shows them.")
        accounts.remove_key(hub, found, fitting[0].id)
    say(f"Revoked {words.clean(fitting[0].name)} of {user}.")


COMMANDS = (key,)
