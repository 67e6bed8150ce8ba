"""`ds config`: the settings, where they come from, and how to change them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from ..errors import ArgumentError, CorruptError, NotFoundError, UnwritableError
from ..settings import PERSONAL, SETTINGS, Settings, user_config_dir
from . import words
from .arguments import here, json_option
from .printing import dim, print_json, say, strong

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["command"]

_VARIABLES_ONLY = ("project_dot_root", "workload_type")
"""Settings that describe where code runs, which no file can know."""

_HIDDEN = "(hidden)"
"""Stands for the value of a secret."""


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(name, help=setting.meaning)
        for name, setting in SETTINGS.items()
        if name.startswith(incomplete)
    ]


@click.command("config")
@click.argument("name", required=False, shell_complete=_names)
@click.argument("value", required=False)
@click.option("--user", is_flag=True, help="Change it for all your workspaces, not only for this one.")
@click.option("--unset", is_flag=True, help="Remove the setting from the file, so that its default is used.")
@json_option
def command(name: str | None, value: str | None, user: bool, unset: bool, as_json: bool) -> None:
    """List the settings, show one, or change one.

    A setting comes from its environment variable, else from this workspace's .dotscience/config.json, else from your
    own config.json, else it is the default.

    \b
    Example:
      ds config keep_file_limit 2GiB
    """
    workspace = here()
    settings = Settings(workspace.root)
    if name is not None and name not in SETTINGS:
        raise NotFoundError(f"There is no setting {name!r}. `ds config` lists all of them.")
    _check(name, value, user, unset)
    if name is None:
        _list(settings, as_json)
        return
    if value is not None or unset:
        folder = user_config_dir() if user else workspace.home
        if not user and workspace.prepare() != folder:  # whose settings nobody reads
            raise UnwritableError(folder, "no permission")
        _write(os.path.join(folder, "config.json"), name, value if not unset else None)
        settings = Settings(workspace.root)
    current, source = settings.lookup(name)
    if as_json:
        print_json(_document(name, current, source))
    else:
        say(_HIDDEN if SETTINGS[name].kind == "secret" and current else _said(current))
        if value is not None and source == SETTINGS[name].variable:
            click.echo(f"ds: the variable {source} is set, and decides while it is.", err=True)


def _check(name: str | None, value: str | None, user: bool, unset: bool) -> None:
    """Refuse what has no meaning, rather than do half of it."""
    if name is None and (user or unset):
        raise click.UsageError("Say the NAME of the setting to change.")
    if unset and value is not None:
        raise click.UsageError("--unset takes no VALUE.")
    if user and value is None and not unset:
        raise click.UsageError("--user takes a VALUE, or --unset.")
    if value is not None and name in _VARIABLES_ONLY:
        raise ArgumentError(
            f"{name} makes sense as a variable only: set the variable {SETTINGS[name].variable}."
        )
    if value is not None and name in PERSONAL and not user:
        raise ArgumentError(
            f"{name} is not a workspace's to say, which others may use: add --user, or store it with `ds login`."
        )


def _list(settings: Settings, as_json: bool) -> None:
    found = [(name, *settings.lookup(name)) for name in SETTINGS]
    if as_json:
        print_json([_document(name, value, source) for name, value, source in found])
        return
    for name, value, source in found:
        shown = words.size(value) if SETTINGS[name].kind == "size" else _said(value)
        if SETTINGS[name].kind == "secret" and value:
            shown = _HIDDEN
        say(f"{strong(name)} = {shown or dim('nothing')}  {dim(f'({words.clean(source)})')}")
        say(f"    {SETTINGS[name].meaning}")


def _document(name: str, value: Any, source: str) -> dict[str, Any]:
    setting = SETTINGS[name]
    return {
        "name": name,
        "value": _HIDDEN if setting.kind == "secret" and value else value,
        "from": source,
        "default": setting.default,
        "variable": setting.variable,
        "meaning": setting.meaning,
    }


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(words.clean, value))
    return words.clean(str(value))


def _write(file: str, name: str, value: str | None) -> None:
    """Change one setting in a file, or remove it, and leave the others as they are."""
    from ..storage.whole import write_whole

    held = _read(file)
    if value is None:
        held.pop(name, None)
    else:
        held[name] = SETTINGS[name].parse(value, "ds config")
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        write_whole(file, json.dumps(held, indent=2, sort_keys=True).encode("ascii") + b"\n")
    except OSError as error:
        raise UnwritableError(file, error.strerror) from None


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as stream:
            held = json.load(stream)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise CorruptError(file, "", f"not JSON ({error}); mend or delete it") from None
    if not isinstance(held, dict):
        raise CorruptError(file, "", "must be a JSON object of settings; mend or delete it")
    return held
