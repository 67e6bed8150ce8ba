"""`ds diff`: what differs between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from . import words
from .arguments import here, json_option, run_argument
from .printing import heading, is_terminal, more, pairs, print_json, say, strong

if TYPE_CHECKING:
    from ..catalog.diff import Difference, FileDifference

__all__ = ["command"]

_MOST_FILES = 20
"""How many files of a role a terminal shows; a pipe gets all."""


@click.command("diff")
@run_argument("a", metavar="RUN_A")
@run_argument("b", metavar="RUN_B")
@json_option
def command(a: str, b: str, as_json: bool) -> None:
    """Show what differs between two runs, and only that.

    Parameters, metrics, labels, inputs and outputs by their content, code (as far as it was kept), git, packages and
    environment.

    \b
    Example:
      ds diff 7f3c @latest
    """
    from ..catalog.diff import Side, diff
    from ..catalog.find import find_run
    from ..catalog.view import record_of

    workspace = here()
    sides = []
    for ref in (a, b):
        home, folder = find_run(ref, workspace, everywhere=True)
        sides.append(Side(record_of(folder), home.open))
    found = diff(*sides)
    if as_json:
        print_json({**found.to_json(), "same": found.is_empty})
    else:
        _print(found)


def _print(found: Difference) -> None:
    say(f"{click.style('-', fg='red')} {strong(found.a)}")
    say(f"{click.style('+', fg='green')} {strong(found.b)}")
    for name, values in (
        ("Run", found.about),
        ("Parameters", found.parameters),
        ("Metrics", found.metrics),
        ("Labels", found.labels),
    ):
        _values(name, values)
    _files("Inputs", found.inputs)
    _files("Outputs", found.outputs)
    _values("Git", found.git)
    for source in found.sources:
        heading(f"Code: {words.clean(source.what)}")
        if source.note:
            say(f"  {source.note}")
        for line in source.diff:
            say(_coloured(words.clean(line)))
    _values("Packages", found.packages)
    _values("Environment", found.environment)
    for note in found.notes:
        say()
        say(note)
    if found.is_empty:
        say()
        say("Nothing differs that was recorded.")


def _values(name: str, values: Mapping[str, tuple[Any, Any]]) -> None:
    if values:
        heading(name)
        pairs((key, f"{_value(a)} → {_value(b)}") for key, (a, b) in values.items())


def _value(given: Any) -> str:
    return "(none)" if given is None else words.value(given)


def _files(name: str, files: tuple[FileDifference, ...]) -> None:
    if files:
        heading(f"{name} ({len(files):,})")
        shown = files[:_MOST_FILES] if is_terminal() else files
        pairs((file.path, _said(file)) for file in shown)
        if len(shown) < len(files):
            say(f"  {more(len(files) - len(shown))}")


def _said(file: FileDifference) -> str:
    said = f"{_digest(file.a)} → {_digest(file.b)}"
    return (
        f"{said}  (the other run has the same content as {words.clean(file.elsewhere)})"
        if file.elsewhere
        else said
    )


def _digest(digest: str | None) -> str:
    if digest is None:
        return "(none)"
    return " ".join(map(words.short, digest.split())) if is_terminal() else digest


def _coloured(line: str) -> str:
    if line.startswith("@@"):
        return click.style(line, fg="cyan")
    if line.startswith(("+", "-")) and not line.startswith(("+++", "---")):
        return click.style(line, fg="green" if line[0] == "+" else "red")
    return line
