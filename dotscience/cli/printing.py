"""What goes to standard output: sentences, sections, tables, JSON. In a pipe nothing is coloured, cut or wrapped."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from typing import Any

import click

from .words import clean

__all__ = ["dim", "heading", "is_terminal", "pairs", "print_json", "say", "strong", "table", "warn"]

_GAP = "  "
_NARROWEST = 8
"""Cells below which a column says nothing any more."""


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


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    whole: Collection[int] = (),
    spare: Sequence[int] = (),
) -> None:
    """Print a table.

    Args:
        right: numbers of the columns that are aligned to the right.
        whole: of those that are not cut where a terminal is narrow.
        spare: of those that are left out where a terminal is too narrow, the first of them first.
    """
    width: Callable[[str], int] = len
    if is_terminal():
        from rich.cells import cell_len as width  # letters of some scripts are two cells wide
    widths = {
        number: max(map(width, column)) for number, column in enumerate(zip(header, *rows, strict=True))
    }
    if is_terminal():
        _shrink(widths, set(widths).difference(whole), spare)
    for position, row in enumerate((header, *rows)):
        cells = [_cell(row[number], size, number in right, width) for number, size in widths.items()]
        if position == 0:
            cells = [strong(cell) for cell in cells]
        else:
            cells[0] = click.style(cells[0], fg="cyan")
        say(_GAP.join(cells).rstrip())


def _shrink(widths: dict[int, int], shrinkable: Set[int], spare: Sequence[int]) -> None:
    """Make columns narrower or leave some out, until the table fits the terminal or nothing more can be done."""
    terminal = shutil.get_terminal_size().columns

    def missing(least: Callable[[int], int]) -> int:
        return sum(map(least, widths)) + len(_GAP) * (len(widths) - 1) - terminal

    for number in spare:
        if (
            missing(
                lambda column: min(widths[column], _NARROWEST) if column in shrinkable else widths[column]
            )
            <= 0
        ):
            break
        del widths[number]
    while missing(widths.__getitem__) > 0:
        widest = max(shrinkable & widths.keys(), key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1


def _cell(text: str, size: int, is_right: bool, width: Callable[[str], int]) -> str:
    if width(text) > size:
        while width(text) >= size:
            text = text[:-1]
        text += "…"
    padding = " " * (size - width(text))
    return padding + text if is_right else text + padding
