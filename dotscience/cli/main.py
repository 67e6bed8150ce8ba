"""The `ds` command: finds the file of the command that is called, and says errors in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from ..errors import DotscienceError
from .exits import INTERRUPTED, MEANINGS, PIPE_CLOSED, STORAGE, exit_code

__all__ = ["COMMANDS", "commands", "main"]

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "Look": ("list", "show", "diff", "why", "impact", "status"),
    "Record": ("run", "collect", "publish", "discard", "tag", "note"),
    "Use": ("restore", "export"),
    "Share": ("sync", "login", "logout"),
    "Serve": ("hub",),
    "Look after": ("init", "config", "verify", "gc", "reindex", "doctor", "completion"),
}
"""Every command, in the order and under the headings of `ds --help`. Each is the `command` of the module of its name."""


class Commands(click.Group):
    """A group whose commands are imported when they are called, because `ds` must start quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as `COMMANDS` orders them."""
        return [name for names in COMMANDS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = import_module(f".{cmd_name}", __package__).command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; where there is none, the one that was probably meant is named."""
        name = str(args[0])
        names = self.list_commands(ctx)
        near = get_close_matches(name, names, 1) if name not in names and name[:1].isalpha() else []
        if near:
            ctx.fail(f"No such command '{name}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their headings, and the exit codes."""
        for heading, names in COMMANDS.items():
            with formatter.section(heading):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl(
                    [(name, found.get_short_help_str(limit=100)) for name, found in commands if found]
                )
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in MEANINGS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for; it may return an exit code."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except DotscienceError as error:
            click.echo(f"ds: {error}", err=True)
            code = exit_code(error)
        except BrokenPipeError:
            _forget_output()
            code = PIPE_CLOSED
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"ds: {where}{error.strerror or error}", err=True)
            code = STORAGE
        except KeyboardInterrupt:
            code = INTERRUPTED
        ctx.exit(code or 0)


def _forget_output() -> None:
    """Let the interpreter not complain at its end that nobody reads what it has still to write."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="COMMAND …",
)
@click.version_option(None, "--version", package_name="dotscience", message="dotscience %(version)s")
def commands() -> None:
    """Where results come from: runs, files and what made them.

    RUN, wherever it stands, is a run's id, the beginning of one that fits no other, or @latest.
    Add --json to anything that prints data.
    """


def main() -> None:
    """The entry point of `ds` and of `python -m dotscience`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # for terminals that are not UTF-8
            stream.reconfigure(errors="backslashreplace")
    try:
        commands(prog_name="ds")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
