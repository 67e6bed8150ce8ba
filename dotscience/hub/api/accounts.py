"""Oneself, one's API keys, and for administrators the users."""

from __future__ import annotations

from datetime import timezone
from typing import Any

from fastapi import Response

from ...catalog.rows import micros
from ...records.times import parse_iso
from ..access import Asker
from ..hub import Hub
from ..problems import Problem
from ..services import accounts, projects
from ..store.accounts import Key, User
from ..times import iso_of
from .here import CurrentAccess, CurrentHub
from .shapes import KeyWanted, UserChange, UserWanted

__all__ = ["add_key", "add_user", "change_user", "list_keys", "list_users", "me", "remove_key"]


def me(access: CurrentAccess) -> dict[str, Any]:
    """Who you are here."""
    user = access.user
    return {"user": {"name": user.name, "is_admin": user.is_admin}, "project": access.asker.only}


def list_keys(hub: CurrentHub, access: CurrentAccess) -> dict[str, Any]:
    """Your API keys, without their secrets."""
    return {"keys": [key_json(key) for key in accounts.keys_of(hub, access.user)]}


def add_key(hub: CurrentHub, access: CurrentAccess, wanted: KeyWanted) -> dict[str, Any]:
    """Make an API key; `secret` is told only now."""
    expires = None if wanted.expires is None else _expiry(hub, wanted.expires)
    if wanted.project is not None:
        _require_view(hub, access.asker, wanted.project)
    user, within = access.user, access.asker.expires
    key, secret = accounts.add_key(
        hub, user, wanted.name, project=wanted.project, expires=expires, within=within, by=user.id
    )
    return {**key_json(key), "secret": secret}


def remove_key(hub: CurrentHub, access: CurrentAccess, key: str) -> Response:
    """Revoke one of your API keys."""
    accounts.remove_key(hub, access.user, key, by=access.user.id)
    return Response(status_code=204)


def list_users(hub: CurrentHub) -> dict[str, Any]:
    """All users of this Hub."""
    return {"users": [user_json(user) for user in accounts.users(hub)]}


def add_user(hub: CurrentHub, access: CurrentAccess, wanted: UserWanted) -> dict[str, Any]:
    """Add a user."""
    by = access.user.id
    user = accounts.add_user(hub, wanted.name, password=wanted.password, is_admin=wanted.is_admin, by=by)
    return user_json(user)


def change_user(hub: CurrentHub, access: CurrentAccess, user: str, wanted: UserChange) -> dict[str, Any]:
    """Set a user's password, lock a user out, or let a user in again."""
    found = accounts.user_named(hub, user)
    if wanted.is_active is False and found.id == access.user.id:
        raise Problem(409, "You cannot lock yourself out. Another administrator can.")
    if wanted.password is not None:
        accounts.change_password(hub, found, wanted.password, by=access.user.id)
    if wanted.is_active is not None:
        accounts.set_active(hub, found, wanted.is_active, by=access.user.id)
    return user_json(accounts.user_named(hub, user))


def key_json(key: Key) -> dict[str, Any]:
    """A key as the API gives it."""
    return {
        "id": key.id,
        "name": key.name,
        "project": key.project,
        "created": iso_of(key.created),
        "expires": None if key.expires is None else iso_of(key.expires),
        "used": None if key.used is None else iso_of(key.used),
    }


def user_json(user: User) -> dict[str, Any]:
    """A user as the API gives it."""
    return {
        "name": user.name,
        "is_admin": user.is_admin,
        "is_active": user.is_active,
        "created": iso_of(user.created),
    }


def _expiry(hub: Hub, text: str) -> int:
    try:
        moment = parse_iso(text)
        expires = micros(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)) or 0
    except (ValueError, OverflowError):
        raise Problem(422, f"expires must be an ISO 8601 time, not {text[:80]!r}.") from None
    if expires <= hub.now():
        raise Problem(422, "expires must be in the future.")
    return expires


def _require_view(hub: Hub, asker: Asker, project: str) -> None:
    if project not in projects.visible(hub, asker):
        raise Problem(404, "There is no such project here, or you are no member of it.")
