"""`ds logout`: forgets who you are on a Hub."""

from __future__ import annotations

import click

from ..errors import HubError, NotFoundError
from . import words
from .arguments import json_option
from .printing import print_json, say, warn

__all__ = ["command"]


@click.command("logout")
@click.option("--profile", metavar="NAME", help="The profile to forget.  [default: as the setting says]")
@json_option
def command(profile: str | None, as_json: bool) -> None:
    """Forget a stored profile.

    A key that `ds login` had the Hub make from a password is revoked; one that you brought yourself stays good.

    \b
    Example:
      ds logout --profile work
    """
    from ..client.access import Access, profile_name
    from ..client.api import HubApi
    from ..client.profiles import Profiles
    from ..client.wire import Wire

    name = profile or profile_name()
    profiles = Profiles()
    found = profiles.remove(name)
    if found is None:
        raise NotFoundError(f"There is no profile {name!r}. `ds login` lists those that are there.")
    is_revoked = False
    if found.key_id is not None:
        try:
            HubApi(Wire(Access(found.url, found.user, found.key))).revoke_key(found.key_id)
            is_revoked = True
        except HubError as error:
            warn(
                f"the key is forgotten here but still good: {words.clean(str(error))}. Revoke it on the Hub."
            )
    if as_json:
        print_json({"profile": name, "url": found.url, "is_revoked": is_revoked})
    else:
        say(f"{words.clean(name)}: forgotten{', and its key revoked' if is_revoked else ''}")
