"""The chart library, from the installed package: 5 MB, so that browsers keep it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse

from ..api.etags import has_it, not_modified
from ..problems import Problem

__all__ = ["send_plotly"]

_KEEP = "public, max-age=604800"


def send_plotly(request: Request) -> Response:
    """plotly.js, as pages with charts load it."""
    etag = f'"plotly-{_version()}"'
    if has_it(request, etag):
        answer = not_modified(etag)
        answer.headers["Cache-Control"] = _KEEP
        return answer
    return FileResponse(
        _script(), media_type="text/javascript", headers={"ETag": etag, "Cache-Control": _KEEP}
    )


@cache
def _version() -> str:
    return version("plotly")


@cache
def _script() -> Path:
    found = find_spec("plotly")  # without importing it
    if found is None or found.origin is None:
        raise Problem(404, "The Hub has no plotly: pip install 'dotscience[hub]'.")
    return Path(found.origin).with_name("package_data") / "plotly.min.js"
