"""Whether a text fits a pattern, told in a time that grows with the text: what SQLite calls for each row.

A regular expression of several wildcards can take Python longer than anybody lives, in which nothing else of the process runs.
Where it could take long, the text is read once, character by character, and all ways to read the pattern are followed at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from .patterns import ANY_NAME, ANYTHING, FOLDERS, Pattern, glob, like, parts_of
from .patterns import containing as containing_pattern
from .texts import escape, unescape

__all__ = ["fits"]

_STEPS = 100_000
"""Steps that a regular expression may take; each takes some 50 ns."""

_MAKERS: Mapping[str, Callable[[str], Pattern]] = {
    "glob": glob,
    "like": like,
    "containing": containing_pattern,
}


def fits(source: str, text: str | None) -> bool | None:
    """Whether a text fits a pattern.

    Args:
        source: `Pattern.source`; this and the text as the database holds them (`texts.escape`). None fits nothing known.

    Example:
        >>> fits("glob:data/*.csv", "data/raw.csv")
        True
    """
    if text is None:
        return None
    search, wildcards = _regex(source)
    if len(text) ** wildcards <= _STEPS:
        return search(text) is not None
    return _machine(source).fits(unescape(text))


@lru_cache(256)
def _regex(source: str) -> tuple[Callable[[str], re.Match[str] | None], int]:
    """The regular expression, and how many of its wildcards fit more than one character."""
    plain = unescape(source)
    kind, _, written = plain.partition(":")
    long = sum(wild in (ANYTHING, ANY_NAME, FOLDERS) for _, wild in parts_of(plain))
    return re.compile(_MAKERS[kind](written).regex).search, long


@lru_cache(256)
def _machine(source: str) -> _Machine:
    return _Machine(unescape(source))


class _Machine:
    """The places that a reader of the pattern may have come to, as bits of one integer: bit n is set where n characters of the
    pattern are behind.

    A place where a wildcard stands is also left for itself. `**/` is a place that a slash leads on from, or nothing at all when
    it has only just been reached.
    """

    def __init__(self, source: str) -> None:
        self._single: list[Callable[[str], object]] = []
        self._anything = self._name = self._passable = 0
        for text, wild in parts_of(source):
            here = 1 << len(self._single)
            if wild == ANYTHING:
                self._anything |= here
            elif wild == ANY_NAME:
                self._name |= here
            elif wild == FOLDERS:
                self._anything |= here
                self._passable |= here
                self._single.append("/".__eq__)
            elif wild:
                self._single.append(_one_of(wild))
            else:
                self._single.extend(character.__eq__ for character in text)
        self._moves: dict[str, tuple[int, int]] = {}

    def fits(self, text: str) -> bool:
        places = self._entered(1)
        for character in text:
            moves = self._moves.get(character)
            if moves is None:
                moves = self._moves[character] = self._moves_by(character)
            onward, staying = moves
            places = self._entered((places & onward) << 1) | (places & staying)
            if not places:
                return False
        return bool(places >> len(self._single) & 1)

    def _entered(self, places: int) -> int:
        """With the places that are reached by nothing from those that were reached just now."""
        while (further := places | (places & self._passable) << 1) != places:
            places = further
        return places

    def _moves_by(self, character: str) -> tuple[int, int]:
        """The places that a character leads on from, and those that it may be passed over at."""
        onward = sum(1 << place for place, single in enumerate(self._single) if single(character) is True)
        return onward, self._anything | (0 if character == "/" else self._name)


def _one_of(wild: str) -> Callable[[str], bool]:
    fits_one = re.compile(wild).fullmatch
    return lambda character: fits_one(escape(character)) is not None
