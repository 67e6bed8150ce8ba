"""`ds login`: stores who you are on a Hub."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import AccessError, ArgumentError
from . import words
from .arguments import json_option
from .printing import is_terminal, print_json, say, table

if TYPE_CHECKING:
    from ..client.profiles import Profile

__all__ = ["command"]


@click.command("login")
@click.argument("url", required=False)
@click.argument("username", required=False)
@click.option("--profile", metavar="NAME", help="The name to store it under.  [default: as the setting says]")
@click.option("--project", metavar="NAME", help="The project that runs go to when none is named.")
@json_option
def command(
    url: str | None, username: str | None, profile: str | None, project: str | None, as_json: bool
) -> None:
    """Store your name and an API key for the Hub at URL; without URL, list what is stored.

    Asks for an API key or your password, hidden, or takes one line of standard input. With a password the Hub makes a
    key for this machine; the password is not kept. Programs that connect without a key use it from then on, and
    DOTSCIENCE_PROFILE chooses between several. The file can be read by you only.

    \b
    Example:
      ds login https://hub.example.org ada
    """
    from ..client.access import profile_name
    from ..client.profiles import Profiles

    profiles = Profiles()
    if url is None:
        _show(profiles.read(), as_json)
        return
    name = profile or profile_name()
    if not name.isprintable() or not name.strip():
        raise ArgumentError(f"{name!r} is no name for a profile.")
    found = _signed_in(url, username, _secret(), project)
    profiles.write(name, found)
    if as_json:
        print_json([_document(name, found)])
    else:
        say(f"{words.clean(name)}: {words.clean(found.user)} at {found.url}")


def _show(stored: dict[str, Profile], as_json: bool) -> None:
    if as_json:
        print_json([_document(name, profile) for name, profile in sorted(stored.items())])
    elif stored:
        rows = [[name, each.user, each.url, each.project or ""] for name, each in sorted(stored.items())]
        table(["profile", "user", "url", "project"], [[words.clean(cell) for cell in row] for row in rows])
    elif is_terminal():
        say("No profiles are stored. `ds login URL USERNAME` stores one.")


def _document(name: str, profile: Profile) -> dict[str, Any]:
    return {"profile": name, "user": profile.user, "url": profile.url, "project": profile.project}


def _secret() -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        given = click.prompt("API key or password", hide_input=True, err=True, default="", show_default=False)
    else:
        given = "" if sys.stdin is None else sys.stdin.readline()
    secret = str(given).strip("\r\n")
    if not secret:
        raise ArgumentError(
            "Nothing was given. Type the API key or the password, or send it as a line of standard input."
        )
    return secret


def _signed_in(url: str, username: str | None, secret: str, project: str | None) -> Profile:
    """The profile, once the Hub has confirmed it."""
    from ..client.access import Access
    from ..client.addresses import hub_address
    from ..client.api import HubApi
    from ..client.profiles import Profile
    from ..client.wire import Wire

    url = hub_address(url)
    try:
        user = HubApi(Wire(Access(url, None, secret))).me() or username
        if user is None:
            raise ArgumentError(
                "This key opens one project only and does not say whose it is: give USERNAME too."
            )
        if user == username:
            HubApi(
                Wire(Access(url, username, secret))
            ).me()  # the name of a key for one project is not known till now
    except AccessError as error:
        if error.status != 401 or username is None:
            raise
    else:
        if username not in (None, user):
            raise AccessError(f"This key is not {username}'s at {url}, it is {user}'s.", 403)
        return Profile(url, user, secret, None, project)
    api = HubApi(Wire(Access(url, username, secret)))
    key = api.make_key(f"ds login on {platform.node() or 'a machine'}")
    return Profile(url, username, key.key, key.id, project)
