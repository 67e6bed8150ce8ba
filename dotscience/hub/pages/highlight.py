"""Source code and diffs as HTML, coloured by classes (see static/css/code.css)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from markupsafe import Markup

from .words import visible

__all__ = ["changes", "sources"]

_LANGUAGES = {
    **dict.fromkeys(("py", "pyw", "pyi", "python", "python3", "ipython"), "python"),
    **dict.fromkeys(("r", "ir"), "r"),
    **dict.fromkeys(("jl", "julia"), "julia"),
    **dict.fromkeys(("sh", "bash", "zsh"), "bash"),
    **dict.fromkeys(("yml", "yaml"), "yaml"),
    **dict.fromkeys(("toml",), "toml"),
    **dict.fromkeys(("ini", "cfg", "conf"), "ini"),
    **dict.fromkeys(("json", "jsonl"), "json"),
    **dict.fromkeys(("sql",), "sql"),
}
"""The languages that are coloured, by ending or name: those that data scientists write, whose lexers are quick."""

_MOST = 256 * 1024
"""Characters of the sources of a page; what is longer than what is left of them is shown without colours."""


def sources() -> Callable[[str, str], Markup]:
    """For one page: gives a source with its words coloured, where the language is one of ours and not too much came before."""
    left = _MOST

    def source(text: str, language: str) -> Markup:
        nonlocal left
        text = visible(text.replace("\r\n", "\n"))
        name = _LANGUAGES.get(language.lower())
        if name is None or len(text) > left:
            return Markup("{}").format(text)
        from pygments import highlight

        left -= len(text)
        lexer, formatter = _tools(name)
        return Markup(highlight(text, lexer, formatter).removesuffix("\n"))  # which escapes what it is given

    return source


@cache
def _tools(name: str) -> tuple[Any, Any]:
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(name, stripnl=False), HtmlFormatter(nowrap=True)


def changes(lines: list[str]) -> Markup:
    """The lines of a unified diff, coloured."""
    return Markup("").join(_line(line) for line in lines)


def _line(line: str) -> Markup:
    kind = "same"
    if line.startswith(("diff ", "index ", "--- ", "+++ ", "new file", "deleted file", "GIT binary")):
        kind = "head"
    elif line.startswith("@@"):
        kind = "place"
    elif line.startswith("+"):
        kind = "added"
    elif line.startswith("-"):
        kind = "removed"
    return Markup('<span class="line {}">{}</span>').format(kind, visible(line))
