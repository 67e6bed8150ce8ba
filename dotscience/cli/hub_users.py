"""`ds hub user`: who may come in."""

from __future__ import annotations

import sys

import click

from .arguments import json_option
from .hub_opened import moment, opened
from .printing import print_json, say, table

__all__ = ["COMMANDS"]


@click.group("user")
def user() -> None:
    """Users of the Hub: add them, list them, lock them out."""


@user.command("add")
@click.argument("name")
@click.option("--admin", "is_admin", is_flag=True, help="The user may look after users.")
@click.option("--password", "with_password", is_flag=True, help="Ask for a password, for the web pages.")
@click.pass_context
def add(context: click.Context, name: str, is_admin: bool, with_password: bool) -> None:
    """Add a user, and print an API key of theirs, once.

    \b
    Example:
      ds hub user add ada --admin
    """
    from ..hub.services import accounts

    password = _ask_password() if with_password else None
    with opened(context) as hub:
        made = accounts.add_user(hub, name, password=password, is_admin=is_admin)
        _, secret = accounts.add_key(hub, made, "first key")
    say(f"user      {name}")
    say(f"API key   {secret}")


@user.command("list")
@json_option
@click.pass_context
def list_users(context: click.Context, as_json: bool) -> None:
    """List all users."""
    from ..hub.services import accounts
    from ..hub.times import iso_of

    with opened(context) as hub:
        found = accounts.users(hub)
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "is_admin": each.is_admin,
                    "is_active": each.is_active,
                    "created": iso_of(each.created),
                }
                for each in found
            ]
        )
        return
    rows = [
        [
            each.name,
            "administrator" if each.is_admin else "",
            "" if each.is_active else "locked out",
            moment(each.created),
        ]
        for each in found
    ]
    table(["NAME", "ROLE", "STATE", "SINCE"], rows)


@user.command("passwd")
@click.argument("name")
@click.option("--none", "is_none", is_flag=True, help="Take the password away: signing in takes an API key.")
@click.pass_context
def passwd(context: click.Context, name: str, is_none: bool) -> None:
    """Set a user's password, which is asked for or read from standard input, and end the user's sessions."""
    from ..hub.services import accounts

    password = None if is_none else _ask_password()
    with opened(context) as hub:
        accounts.change_password(hub, accounts.user_named(hub, name), password, by=None)
    say(f"{name} has {'no password' if is_none else 'a new password'}, and is signed out everywhere.")


@user.command("lock")
@click.argument("name")
@click.pass_context
def lock(context: click.Context, name: str) -> None:
    """Lock a user out: keys, password and sessions open nothing any more. What the user sent stays."""
    _set_active(context, name, is_active=False)
    say(f"{name} is locked out.")


@user.command("unlock")
@click.argument("name")
@click.pass_context
def unlock(context: click.Context, name: str) -> None:
    """Let a user in again."""
    _set_active(context, name, is_active=True)
    say(f"{name} may come in again.")


def _set_active(context: click.Context, name: str, *, is_active: bool) -> None:
    from ..hub.services import accounts

    with opened(context) as hub:
        accounts.set_active(hub, accounts.user_named(hub, name), is_active, by=None)


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


COMMANDS = (user,)
