"""What goes to standard output: sentences, sections, tables, JSON. In a pipe nothing is coloured, cut or wrapped."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from .words import clean

__all__ = ["dim", "heading", "is_terminal", "pairs", "print_json", "say", "strong", "table", "warn"]


def is_terminal() -> bool:
    """Whether people look at standard output."""
    return sys.stdout.isatty()


def say(text: str = "") -> None:
    """Print a line, which may hold styles."""
    click.echo(text)


def warn(text: str) -> None:
    """Print a line on standard error."""
    click.echo(f"ds: {text}", err=True)


def strong(text: str) -> str:
    """What the eye should find first."""
    return click.style(text, bold=True)


def dim(text: str) -> str:
    """What matters less."""
    return click.style(text, dim=True)


def heading(text: str) -> None:
    """Begin a section."""
    say()
    say(strong(text))


def pairs(rows: Iterable[tuple[str, str]], indent: int = 2) -> None:
    """Names and what they stand for, in two columns; a name without anything to say is left out."""
    listed = [(clean(name), said) for name, said in rows if said]
    width = max((len(name) for name, _ in listed), default=0)
    for name, said in listed:
        first, *more = said.split("\n")
        say(" " * indent + dim(name.ljust(width)) + "  " + first)
        for line in more:
            say(" " * (indent + width + 2) + line)


def print_json(document: Any) -> None:
    """Print a document as JSON and nothing else; numbers that JSON does not know become texts."""
    click.echo(json.dumps(_finite(document), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Print a table.

    Args:
        right: numbers of the columns that are aligned to the right.
    """
    if is_terminal():
        _pretty_table(header, rows, right)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())


def _pretty_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    pretty = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, name in enumerate(header):
        is_first = number == 0
        pretty.add_column(
            Text(name),
            justify="right" if number in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            style="cyan" if is_first else None,
            min_width=8 if is_first else None,
        )
    for row in rows:
        pretty.add_row(*map(Text, row))
    Console(file=sys.stdout, no_color=True if os.environ.get("NO_COLOR") else None).print(pretty)
