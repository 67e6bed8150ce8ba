"""The text of a query: to Python's syntax tree, and from a place in that tree back to a character of the text."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from keyword import iskeyword
from typing import NoReturn

from ..errors import QueryError

__all__ = ["Source"]

LONGEST, DEEPEST = 10_000, 50
"""Characters and levels of nesting of a query."""

_AFTER_DOT = re.compile(r"\.\s*(\w+)$")
_UNFIT = re.compile("[\0\ud800-\udfff]")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
_OURS = {"AND": "and", "OR": "or", "NOT": "not", "&&": "and", "||": "or", "<>": "!="}
_FOREIGN = re.compile(r"\b(?:AND|OR|NOT)\b|&&|\|\||<>|(?<![=!<>:])=(?!=)")
_NAMED = re.compile(r"\b(\w+)\s*\.\s*(\w+)")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_WARNINGS = threading.Lock()


class Source:
    """The text of a query, from its character `start` on."""

    def __init__(self, query: str, start: int = 0) -> None:
        self.query = query
        text = query
        if not re.search(
            "#|\"\"\"|'''", query
        ):  # where a line may end anywhere: an expression ends with its line
            text = query.replace("\n", " ").replace("\r", " ")
        self._text = text[start:].lstrip()
        self._start = len(query) - len(self._text)
        self._lines = [0, *(match.end() for match in _LINE_ENDS.finditer(self._text))]

    def fail(self, reason: str, at: ast.AST | int) -> NoReturn:
        """Raise a `QueryError` that points at a node, or at a character of the query."""
        if not isinstance(at, int):
            line, column = getattr(at, "lineno", 1), getattr(at, "col_offset", 0)
            at = self._start + self._index(line, column)
        raise QueryError(reason, self.query, max(0, min(at, len(self.query))))

    def tree(self) -> ast.expr:
        """The query as Python's syntax tree.

        Raises:
            QueryError: it is no expression, too long or nested too deep.
        """
        if len(self.query) > LONGEST:
            self.fail(f"A query has at most {LONGEST} characters; this one has {len(self.query)}.", LONGEST)
        unfit = _UNFIT.search(self.query)
        if unfit:
            self.fail("This character cannot stand in a query; write it as an escape.", unfit.start())
        try:
            with _WARNINGS, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes such as "\d", which are taken as they stand
                tree = ast.parse(self._text, mode="eval").body
        except SyntaxError as error:
            self._explain(error)
        except (RecursionError, MemoryError):
            self.fail("The query is nested too deep.", self._start)
        self._check_depth(tree)
        return tree

    def _explain(self, error: SyntaxError) -> NoReturn:
        """Say what is to be written instead of what other languages write, else what Python says."""
        bare = _QUOTED.sub(lambda match: " " * len(match[0]), self._text)
        foreign = _FOREIGN.search(bare)
        if foreign:
            reason = (
                "Equality is `==`."
                if foreign[0] == "="
                else f"Instead of {foreign[0]} say `{_OURS[foreign[0]]}`."
            )
            self.fail(f"This is no expression. {reason}", self._start + foreign.start())
        keyword = next((match for match in _NAMED.finditer(bare) if iskeyword(match[2])), None)
        if keyword:
            self.fail(
                f'{keyword[2]} is a word of Python\'s own: say {keyword[1]}["{keyword[2]}"].',
                self._start + keyword.start(2),
            )
        if not error.offset:
            self.fail("Something is missing at the end.", len(self.query.rstrip()))
        line = min(max(error.lineno or 1, 1), len(self._lines))
        at = self._start + self._lines[line - 1] + error.offset - 1
        said = "" if error.msg == "invalid syntax" else f": {error.msg}"
        self.fail(f"This is no expression{said}.", at)

    def attribute(self, node: ast.Attribute) -> str:
        """The name after the dot as it was written: Python itself would unify look-alike letters (NFKC)."""
        begin = self._index(node.value.end_lineno or 1, node.value.end_col_offset or 0)
        end = self._index(node.end_lineno or 1, node.end_col_offset or 0)
        written = _AFTER_DOT.search(self._text[begin:end])
        return written[1] if written else node.attr

    def written(self, node: ast.expr) -> str:
        """The text of a node."""
        begin = self._index(node.lineno, node.col_offset)
        return self._text[begin : self._index(node.end_lineno or 1, node.end_col_offset or 0)]

    def _index(self, line: int, column: int) -> int:
        """Index into the text; Python counts lines from 1 and columns in bytes of UTF-8."""
        begin = self._lines[line - 1]
        return begin + len(self._text[begin:].encode()[:column].decode(errors="ignore"))

    def _check_depth(self, tree: ast.AST) -> None:
        stack = [(tree, 1)]
        while stack:
            node, depth = stack.pop()
            if depth > DEEPEST:
                self.fail(f"The query is nested more than {DEEPEST} levels deep.", node)
            stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
