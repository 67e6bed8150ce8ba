"""How texts stand in the catalog: the one reversible escaping.

Databases hold neither lone surrogates (bytes of a file name that is not valid UTF-8, PEP 383) nor, some of them, the
character NUL. Each such character is written as `MARK` and four hexadecimal digits; `MARK` itself, a noncharacter that no
ordinary text contains, likewise.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator

__all__ = ["MARK", "Beginning", "EscapedText", "escape", "unescape"]

MARK = "\ufdd0"

_UNFIT = re.compile(f"[\0{MARK}\ud800-\udfff]")
_ESCAPED = re.compile(f"{MARK}([0-9a-f]{{4}})")
_BROKEN = re.compile(f"{MARK}[0-9a-f]{{0,3}}\\Z")


def escape(text: str) -> str:
    """A text as every database can hold it."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNFIT.sub(lambda match: f"{MARK}{ord(match[0]):04x}", text)


def unescape(text: str) -> str:
    """Inverse of `escape`."""
    return text if MARK not in text else _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


class EscapedText(TypeDecorator[str]):
    """Text of any characters, ordered by code point (of the escaped text) in every database."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """PostgreSQL orders by the bytes, as SQLite does of itself, when the collation says so."""
        return dialect.type_descriptor(String(collation="C") if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """From the database."""
        return None if value is None else unescape(value)


class Beginning(EscapedText):
    """The beginning of a text of which one character more was read, where there is one: it ends with `…` then.

    Args:
        longest: characters that are told, as the database holds them.
    """

    cache_ok = True

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest = longest

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """From the database."""
        if value is None or len(value) <= self.longest:
            return super().process_result_value(value, dialect)
        return f"{unescape(_BROKEN.sub('', value[: self.longest]))}…"
