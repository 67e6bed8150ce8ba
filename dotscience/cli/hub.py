"""`ds hub`: the server that a team shares."""

from __future__ import annotations

import os
from typing import Any

import click

from ..errors import StateError
from . import hub_changes, hub_keys, hub_projects, hub_upkeep, hub_users
from .printing import say

__all__ = ["command"]

_EXTRAS = {"psycopg": "postgres", "psycopg_pool": "postgres"}
"""The extra that brings a module, where that is not the one of every Hub."""


class _Hub(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where what a Hub is made of was not installed, say what brings it."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            module = (error.name or "").partition(".")[0]
            if module in ("", "dotscience"):
                raise
            extra = _EXTRAS.get(module, "hub")
            raise StateError(
                f"A Hub needs {module}, which is not installed: pip install 'dotscience[{extra}]'"
            ) from error


@click.group("hub", cls=_Hub, invoke_without_command=True, subcommand_metavar="[COMMAND …]")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.  [default: 8000]",
)
@click.option("--data", type=click.Path(), help="The folder of the database and the blobs.")
@click.pass_context
def command(context: click.Context, host: str | None, port: int | None, data: str | None) -> None:
    """Serve a Hub: web pages and an API for the runs that people publish to it.

    Without settings it keeps everything in one folder and listens on this machine only. The first start makes an
    administrator and prints an API key, once. It stops at SIGTERM or Ctrl-C, when requests in progress have ended.

    The commands below look after the Hub of the same settings, on its own machine, also while it serves.

    \b
    Example:
      ds hub --port 8000
    """
    from ..settings import Settings

    said = {"HOST": host, "PORT": None if port is None else str(port), "DATA": data}
    given = {f"DOTSCIENCE_HUB_{name}": value for name, value in said.items() if value is not None}
    context.obj = Settings(environ={**os.environ, **given})
    if context.invoked_subcommand is None:
        _serve(context)


def _serve(context: click.Context) -> None:
    from ..hub import logs
    from ..hub.server import listen, make_first_user, open_hub, serve

    settings = context.obj
    logs.configure(settings["hub_log"])
    listening = listen(settings["hub_host"], settings["hub_port"])
    app = open_hub(settings)
    first = make_first_user(app.state.hub, settings)
    address, number = listening.getsockname()[:2]

    def started() -> None:
        say(f"Dotscience Hub on http://{f'[{address}]' if ':' in address else address}:{number}")
        if first is not None:
            say(f"first user   {first.name}")
            say(f"API key      {first.key or 'as given'}")
            if first.key is not None:
                say("The key is shown only now. It signs you in on the pages, and scripts connect with it.")

    serve(app, listening, started)


for part in (hub_users, hub_keys, hub_projects, hub_changes, hub_upkeep):
    for each in part.COMMANDS:
        command.add_command(each)
