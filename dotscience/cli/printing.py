"""What goes to standard output: sentences, sections, tables, JSON. In a pipe nothing is coloured, cut or wrapped."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import click

from .words import value

__all__ = [
    "aligned",
    "dim",
    "heading",
    "is_terminal",
    "more",
    "pairs",
    "print_json",
    "say",
    "strong",
    "table",
    "warn",
]

_GAP = "  "
_NARROWEST = 8
"""Cells below which a column says nothing any more."""

_WIDEST = 200
"""Cells beyond which a pipe gets no columns: a single long value does not fill up every other line."""


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
    listed = [(value(name), said) for name, said in rows if said]
    width = max((len(name) for name, _ in listed), default=0)
    for name, said in listed:
        first, *more = said.split("\n")
        say(" " * indent + dim(name.ljust(width)) + "  " + first)
        for line in more:
            say(" " * (indent + width + 2) + line)


def aligned(
    rows: Sequence[Sequence[str]], *, right: Collection[int] = (), dimmed: int, indent: int = 2
) -> None:
    """Texts below each other; a column without any text is left out.

    Args:
        right: numbers of the columns that are aligned to the right.
        dimmed: number of the column that matters less.
    """
    listed = [[value(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    for row in listed:
        while row and not row[-1]:
            row.pop()
        cells = []
        for number, text in enumerate(row):
            is_last = number == len(row) - 1
            padded = (
                text.rjust(widths[number])
                if number in right
                else text
                if is_last
                else text.ljust(widths[number])
            )
            if widths[number]:
                cells.append(dim(padded) if number == dimmed else padded)
        say(" " * indent + _GAP.join(cells))


def more(number: int) -> str:
    """What stands for the rest of a list that a terminal shows only the beginning of."""
    return f"… and {number:,} more; in a pipe, or with --json, all are shown."


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
        right: numbers of the columns that are aligned to the right: their cells are not cut where a terminal is narrow,
            because a part of a number is another number.
        whole: of those of which nothing is cut, the header neither.
        spare: of those that are left out where a terminal is too narrow, the first of them first.
    """
    width: Callable[[str], int] = len
    if is_terminal():
        from rich.cells import cell_len as width  # letters of some scripts are two cells wide

        most = 4 * shutil.get_terminal_size().columns  # of the rest nothing would be left, at a cost
        rows = [[cell if len(cell) <= most else f"{cell[:most]}…" for cell in row] for row in rows]
    columns = list(zip(header, *rows, strict=True))
    widths = {number: max(map(width, column)) for number, column in enumerate(columns)}
    if is_terminal():
        least = dict(widths)
        for number in widths.keys() - set(whole):
            figures = columns[number][1:] if number in right else ()
            least[number] = min(widths[number], max(_NARROWEST, *map(width, figures), 0))
        _shrink(widths, least, spare)
    else:
        widths = {number: min(cells, _WIDEST) for number, cells in widths.items()}
    for position, row in enumerate((header, *rows)):
        cells = [_cell(row[number], size, number in right, width) for number, size in widths.items()]
        while cells and not cells[-1].strip():
            cells.pop()
        cells[-1:] = [cell.rstrip() for cell in cells[-1:]]
        if position == 0:
            cells = list(map(strong, cells))
        else:
            cells[:1] = [click.style(cell, fg="cyan") for cell in cells[:1]]
        say(_GAP.join(cells))


def _shrink(widths: dict[int, int], least: Mapping[int, int], spare: Sequence[int]) -> None:
    """Make columns narrower or leave some out, until the table fits the terminal or nothing more can be done.

    Args:
        least: how narrow each column may become.
    """
    terminal = shutil.get_terminal_size().columns

    def excess(of: Mapping[int, int]) -> int:
        return sum(of[number] for number in widths) + len(_GAP) * (len(widths) - 1) - terminal

    for number in spare:
        if excess(least) <= 0:
            break
        del widths[number]
    while excess(widths) > 0:
        widest = max(widths, key=lambda number: (widths[number] > least[number], widths[number]))
        if widths[widest] <= least[widest]:
            return
        widths[widest] -= 1


def _cell(text: str, size: int, is_right: bool, width: Callable[[str], int]) -> str:
    if width(text) > size and is_terminal():
        while width(text) >= size:
            text = text[:-1]
        text += "…"
    padding = " " * (size - width(text))
    return padding + text if is_right else text + padding
