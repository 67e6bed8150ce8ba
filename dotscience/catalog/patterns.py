"""Patterns of texts: globs for paths, and `like`. They fit the same texts in every database.

A pattern becomes a regular expression that Python and PostgreSQL read alike, and a coarse LIKE that the database can test first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .texts import MARK, escape

__all__ = [
    "ANYTHING",
    "ANY_NAME",
    "ESCAPE",
    "FOLDERS",
    "Part",
    "Pattern",
    "containing",
    "glob",
    "like",
    "parts_of",
]

ESCAPE = "!"
"""What takes a wildcard's meaning away in `Pattern.coarse`."""

MOST_WILDCARDS, LONGEST = 10, 1000
"""Wildcards and characters of a pattern."""

_ESCAPED = f"{MARK}[0-9a-f]{{4}}"
_ONE = f"(?:{_ESCAPED}|[^{MARK}])"
_ONE_OF_NAME = f"(?:{_ESCAPED}|[^{MARK}/])"

ANYTHING, ANY_NAME, FOLDERS = f"{_ONE}*", f"{_ONE_OF_NAME}*", f"(?:{_ONE}*/)?"
"""The wildcards that fit more than one character."""


@dataclass(frozen=True)
class Pattern:
    """Which texts fit.

    Attributes:
        source: from which `fitting.fits` reads it again.
        regex: fits texts as the database holds them (`texts.escape`).
        coarse: a LIKE pattern that fits at least the same texts, also when case is ignored.
        literal: the only text that fits, or None when there are wildcards.
        prefix: what every text that fits starts with.
    """

    source: str
    regex: str
    coarse: str
    literal: str | None
    prefix: str


@lru_cache(256)
def glob(pattern: str) -> Pattern:
    """Of a path: `*` and `?` stop at `/`, `**` does not, `**/` also fits no folder, `[a-z]` and `[!a-z]` one character.

    Raises:
        ValueError: the pattern is wrong; says why.
    """
    return _pattern(f"glob:{pattern}")


@lru_cache(256)
def like(pattern: str) -> Pattern:
    """Of a text: `%` is anything, `_` one character; a backslash takes the meaning of what follows away.

    Raises:
        ValueError: the pattern is wrong; says why.
    """
    return _pattern(f"like:{pattern}")


def containing(part: str) -> Pattern:
    """Of a text that contains that part."""
    return _pattern(f"containing:{part}")


Part = tuple[str, str]
"""Either plain text and "", or "" and a regular expression: one of the wildcards below, or of one character."""


def parts_of(source: str) -> Iterator[Part]:
    """The parts of a pattern, by `Pattern.source`. Raises ValueError where it is wrong."""
    kind, _, written = source.partition(":")
    return _READERS[kind](written)


def _pattern(source: str) -> Pattern:
    regex, coarse, plain, wildcards = "", "", "", 0
    prefix: str | None = None
    for text, wild in parts_of(source):
        if wild:
            wildcards += 1
            prefix = plain if prefix is None else prefix
            regex, coarse = regex + wild, coarse + "%"
        else:
            plain += text
            regex += re.escape(escape(text))
            coarse += re.sub("[%_!]", lambda match: ESCAPE + match[0], text)
    if wildcards > MOST_WILDCARDS or len(coarse) > LONGEST:
        raise ValueError(f"A pattern has at most {MOST_WILDCARDS} wildcards and {LONGEST} characters")
    return Pattern(
        source,
        rf"\A{regex}\Z",
        coarse,
        plain if prefix is None else None,
        plain if prefix is None else prefix,
    )


def _glob_parts(pattern: str) -> Iterator[Part]:
    position = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            yield "", FOLDERS
            position += 3
        elif stars := re.match(r"\*+", rest):
            yield "", ANYTHING if len(stars[0]) > 1 else ANY_NAME
            position += len(stars[0])
        elif rest[0] == "?":
            yield "", _ONE_OF_NAME
            position += 1
        elif rest[0] == "[":
            end = rest.find("]", 3 if rest.startswith("[!") else 2)
            if end < 0:
                raise ValueError("A [ in a pattern is closed by a ]; write [[] for the character itself")
            yield "", _one_of(rest[1:end])
            position += end + 1
        else:
            yield rest[0], ""
            position += 1


def _one_of(choice: str) -> str:
    """A regular expression for `[choice]`."""
    negated, choice = choice.startswith("!"), choice.removeprefix("!")
    ordinary, escaped = "", []
    position = 0
    while position < len(choice):
        first, last = choice[position], choice[position]
        if choice[position + 1 : position + 2] == "-" and position + 2 < len(choice):
            last = choice[position + 2]
        position += 3 if last != first or choice[position + 1 : position + 3] == f"-{first}" else 1
        if first == last and escape(first) != first:
            escaped.append(escape(first))
        elif first > last or escape(first + last) != first + last:
            raise ValueError(f"[{choice}] holds a range that goes backwards or is not of ordinary characters")
        else:
            ordinary += f"\\{first}" if first in "\\]^-[" else first
            ordinary += "" if first == last else "-" + (f"\\{last}" if last in "\\]^-[" else last)
    if negated:
        barred = f"(?!{'|'.join(escaped)})" if escaped else ""
        return f"(?:{barred}{_ESCAPED}|[^{ordinary}{MARK}/])"
    found = [*escaped, *([f"(?![{MARK}/])[{ordinary}]"] if ordinary else [])]
    return f"(?:{'|'.join(found)})"


def _like_parts(pattern: str) -> Iterator[Part]:
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            taken = next(characters, None)
            if taken is None:
                raise ValueError("A pattern cannot end with a backslash; write two for the character itself")
            yield taken, ""
        elif character == "%":
            yield "", ANYTHING
        elif character == "_":
            yield "", _ONE
        else:
            yield character, ""


def _containing_parts(part: str) -> Iterator[Part]:
    yield from (("", ANYTHING), (part, ""), ("", ANYTHING))


_READERS = {"glob": _glob_parts, "like": _like_parts, "containing": _containing_parts}
