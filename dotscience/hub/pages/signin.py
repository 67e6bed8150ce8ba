"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ..api.here import CurrentAccess, CurrentHub
from ..gate import COOKIE, address_of
from ..problems import Problem
from ..services import accounts
from .render import page

__all__ = ["show_sign_in", "sign_in", "sign_out"]


def show_sign_in(request: Request, access: CurrentAccess, next: str = "/") -> Response:
    """The form."""
    return page(request, "signin.html", access, next=_local(next), name="", problem=None)


async def sign_in(request: Request, hub: CurrentHub, access: CurrentAccess) -> Response:
    """Begin a session and go on to where the reader wanted to go."""
    _refuse_strangers(request, hub.settings.url)
    form = await request.form(max_files=0, max_fields=10)
    name, secret = str(form.get("name", "")), str(form.get("secret", ""))
    target = _local(str(form.get("next", "/")))
    try:
        cookie, _ = await run_in_threadpool(accounts.sign_in, hub, name, secret, address_of(request))
    except Problem as problem:
        return page(
            request,
            "signin.html",
            access,
            status=problem.status,
            headers=problem.headers,
            next=target,
            name=name[:64],
            problem=problem.detail,
        )
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=hub.settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or hub.settings.url.startswith("https:"),
    )
    return answer


def sign_out(request: Request, hub: CurrentHub) -> Response:
    """End the session."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        accounts.sign_out(hub, cookie)
    answer = RedirectResponse("/signin", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _refuse_strangers(request: Request, url: str) -> None:
    """A form on another site could sign a reader in as somebody else.

    Args:
        url: the address under which people reach the Hub, or "": a proxy may ask by a name of its own.
    """
    origin = request.headers.get("origin")
    ours = {request.headers.get("host"), urlsplit(url).netloc} - {""}
    if origin is not None and urlsplit(origin).netloc in ours:
        return
    if origin is None and request.headers.get("sec-fetch-site") in (None, "same-origin"):
        return
    raise Problem(403, "This form was sent by another site. Sign in on the Hub's own page.")


def _local(target: str) -> str:
    """A path of this Hub, whatever an address asked for."""
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if is_ours and target.isprintable() else "/"
