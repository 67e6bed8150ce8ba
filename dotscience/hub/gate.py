"""From a request to who asks for what: the dependency that stands before every handler."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_address

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from .access import Access, Asker, Need, allow
from .hub import Hub
from .problems import Problem
from .services import accounts, projects

__all__ = ["COOKIE", "address_of", "asker_of_browser", "gate"]

COOKIE = "ds_session"
_SAFE = ("GET", "HEAD", "OPTIONS")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_MOST_FIELDS = 100
_OF_PROXIES = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")
"""A proxy on the Hub's own machine speaks for somebody else; one of these tells."""


def gate(need: Need) -> Callable[[Request], Awaitable[None]]:
    """The dependency of a route that needs that: it lets the request pass, or raises a Problem."""

    async def check(request: Request) -> None:
        access = (
            await run_in_threadpool(_access, request) if _must_look(request) else Access(_nobody(request))
        )
        _refuse_strangers(request)
        await _check_csrf(request, access.asker)
        allow(need, access.asker, access.project)
        request.state.access = access

    return check


def address_of(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else "unknown"


def _is_near(request: Request) -> bool:
    try:
        is_loopback = ip_address(address_of(request)).is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in _OF_PROXIES)


def _must_look(request: Request) -> bool:
    """Whether the database knows more of who asks for what; where it does not, no thread is needed to ask it."""
    says_who = "authorization" in request.headers or COOKIE in request.cookies
    return says_who or "project" in request.path_params


def _nobody(request: Request) -> Asker:
    """Somebody who does not say who it is."""
    request.state.asker = asker = Asker(is_near=_is_near(request))
    return asker


def _access(request: Request) -> Access:
    hub: Hub = request.app.state.hub
    asker = replace(_asker(request, hub), is_near=_is_near(request))
    request.state.asker = asker  # whom a page greets that says why not, and shows nothing of the project
    project = request.path_params.get("project")
    return Access(asker, None if project is None else projects.find(hub, project, asker))


def _asker(request: Request, hub: Hub) -> Asker:
    said = request.headers.get("authorization")
    if said is None:
        return asker_of_browser(request)
    kind, _, rest = said.partition(" ")
    name, secret = (None, rest.strip()) if kind.lower() == "bearer" else _basic(kind, rest)
    address = address_of(request)
    asker = accounts.asker_of_key(hub, secret, name)
    if asker is None and name is not None:
        asker = accounts.asker_of_password(hub, name, secret, address)
    if asker is None:
        raise Problem(
            401,
            "User name and API key do not fit, or the key has expired or was revoked.",
            "credentials",
            headers={"WWW-Authenticate": 'Basic realm="dotscience", charset="UTF-8"'},
        )
    return asker


def asker_of_browser(request: Request) -> Asker:
    """Who looks at a page, by the cookie of the browser."""
    hub: Hub = request.app.state.hub
    cookie = request.cookies.get(COOKIE)
    return (accounts.asker_of_session(hub, cookie) if cookie else None) or Asker()


def _basic(kind: str, rest: str) -> tuple[str, str]:
    try:
        said = (
            base64.b64decode(rest.strip(), validate=True).decode("utf-8") if kind.lower() == "basic" else ""
        )
    except (ValueError, binascii.Error):
        said = ""
    name, colon, secret = said.partition(":")
    if not colon:
        raise Problem(401, "Authorization must be `Basic` with user name and key, or `Bearer KEY`.")
    return name, secret


def _refuse_strangers(request: Request) -> None:
    """A page of another site changes nothing here: a browser may send along what its user once typed into a dialog."""
    if request.method not in _SAFE and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Problem(403, "A page of another site sent this. Do it on the Hub's own pages.", "another-site")


async def _check_csrf(request: Request, asker: Asker) -> None:
    """Whoever is known by a cookie must show that the page that sends this is ours."""
    if asker.csrf is None or request.method in _SAFE:
        return
    said: object = request.headers.get("x-csrf-token")
    # Other routes take long bodies, which none of our forms sends.
    is_page = not request.url.path.startswith(("/api/", "/v2/"))
    if said is None and is_page and request.headers.get("content-type", "").partition(";")[0] in _FORMS:
        said = (await request.form(max_files=0, max_fields=_MOST_FIELDS)).get("csrf")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), asker.csrf.encode()):
        raise Problem(
            403, "The page that sent this is out of date. Load it again, and repeat what you did.", "csrf"
        )
