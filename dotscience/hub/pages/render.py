"""Turns templates into pages: every page knows who looks at it and where in the Hub it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.staticfiles import StaticFiles

from ..access import Access, Need
from . import words

__all__ = ["STATIC", "StaticPages", "page"]

STATIC = Path(__file__).with_name("static")


class StaticPages(StaticFiles):
    """Styles and scripts. Browsers keep them, and ask each time whether they are still the same."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        """One file, or 304."""
        answer = super().file_response(*args, **more)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def page(
    request: Request,
    template: str,
    access: Access,
    *,
    status: int = 200,
    twin: str | None = None,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page.

    Args:
        template: its file below `templates/`.
        twin: path of the same content as JSON; `etag` is that of its answer now, for scripts that watch it from then on.
        values: what the template shows; all of it is escaped.
    """
    text = (
        environment()
        .get_template(template)
        .render(
            request=request,
            access=access,
            user=access.asker.user,
            csrf=access.asker.csrf or "",
            project=access.project,
            may_edit=access.project is not None and access.may(Need.EDIT),
            may_own=access.project is not None and access.may(Need.OWN),
            twin=twin,
            etag=etag,
            path=request.url.path,
            **values,
        )
    )
    raw = text.encode("utf-8", "backslashreplace")  # of halves of characters, which texts of users may hold
    return HTMLResponse(raw, status, headers={"Cache-Control": "no-store", **(headers or {})})


@cache
def environment() -> Environment:
    """The templates. What they print is escaped; a name that is not there is an error, not an empty text."""
    found = Environment(
        loader=PackageLoader("dotscience.hub.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(_filters())
    return found


def _filters() -> Mapping[str, Any]:
    return {name: getattr(words, name) for name in words.__all__}
