"""`python -m dotscience.cli.reference` prints the help of every command as Markdown, for docs/commands.md."""

from __future__ import annotations

from collections.abc import Iterator

import click

from .exits import MEANINGS
from .keys import KEYS, Keys
from .main import COMMANDS, commands

__all__ = ["reference"]

_WIDTH = 100


def reference() -> str:
    """The help of `ds` and of each command, whatever the terminal is."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    settings = {**commands.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    root = click.Context(commands, info_name="ds", **settings)
    yield "# Commands"
    yield ""
    yield "RUN, wherever it stands, is a run's id, the beginning of one that fits no other, or `@latest`."
    yield "Everything that prints data takes `--json`; then standard output holds that and nothing else."
    yield ""
    yield "| exit code | meaning |"
    yield "|---|---|"
    yield from (f"| {code} | {meaning} |" for code, meaning in MEANINGS.items())
    yield ""
    yield "`ds run` gives the exit code of its command."
    for heading, names in COMMANDS.items():
        yield ""
        yield f"## {heading}"
        for name in names:
            command = commands.get_command(root, name)
            assert command is not None
            yield from _help(command, name, click.Context(command, info_name=name, parent=root))
            if name in KEYS:
                yield ""
                yield f"JSON: {_document(KEYS[name])}."


def _help(command: click.Command, path: str, context: click.Context) -> Iterator[str]:
    """The help of a command, and of those that are grouped below it."""
    yield ""
    yield f"{'###' + '#' * path.count(' ')} `ds {path}`"
    yield ""
    yield "```text"
    yield command.get_help(context)
    yield "```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _help(found, f"{path} {name}", click.Context(found, info_name=name, parent=context))


def _document(keys: Keys) -> str:
    names = ", ".join(f"`{name}`" for name in keys.names.split())
    fields = "the fields of the [record](formats.md#record-version-1)" if keys.with_record else ""
    listed = " and ".join(part for part in (fields, names) if part)
    return f"a list of objects with {listed}" if keys.is_list else f"an object with {listed}"


if __name__ == "__main__":
    click.echo(reference())
