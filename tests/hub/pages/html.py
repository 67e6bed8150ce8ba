"""Pages as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Response

__all__ = ["html_of"]


def html_of(answer: Response, status: int = 200) -> str:
    """The HTML of an answer of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text
