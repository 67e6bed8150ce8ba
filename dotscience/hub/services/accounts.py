"""Users, API keys, and who is asking."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address, ip_address, ip_network
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from ...errors import ArgumentError
from ..access import Access, Asker
from ..hub import Hub
from ..problems import Problem
from ..store import accounts as store
from ..store.accounts import Key, User
from ..store.audit import note_change

__all__ = [
    "add_first_user",
    "add_key",
    "add_user",
    "asker_of_key",
    "asker_of_password",
    "asker_of_session",
    "change_own_password",
    "change_password",
    "keys_of",
    "remove_key",
    "set_active",
    "sign_in",
    "sign_out",
    "users",
]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY_PREFIX = "ds_"
_SHORTEST_KEY, _LONGEST_KEY = 16, 256
_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 10, 1024

_HASHING, _WAITING = BoundedSemaphore(2), BoundedSemaphore(10)
"""Each check of a password takes 64 MiB and a core: strangers must not make us do many at once, nor hold all of the Hub's
40 threads while they wait."""

_MOST_HERE, _MOST_FROM_ADDRESS, _MOST_OF_NAME = 10, 50, 1000
"""Failed sign-ins: of a name from one address, from an address, and of a name. The last is high, for anybody can bring
it about, and it shuts out the owner of the name too."""

_ATTEMPTS_COUNT_FOR = 15 * 60 * 1_000_000
_KEY_USE_IS_NOTED_EVERY = 60 * 60 * 1_000_000


def add_user(
    hub: Hub, name: str, *, password: str | None = None, is_admin: bool = False, by: str | None = None
) -> User:
    """Add a user.

    Raises:
        ArgumentError: the name or the password does not fit.
        Problem: 409, there is a user of that name.
    """
    user = _new_user(hub, name, password, is_admin=is_admin)

    def work(connection: Connection) -> None:
        store.add_user(connection, user)
        note_change(connection, user.created, by, "add user", name, is_admin=is_admin)

    try:
        hub.change(work)
    except IntegrityError:
        raise Problem(409, f"There is a user {name!r} already.") from None
    return user


def add_first_user(hub: Hub, name: str, secret: str | None = None) -> str | None:
    """On a Hub without users: add an administrator with an API key, and tell the key. None where there are users.

    Any number of processes may try at once; one of them succeeds.

    Raises:
        ArgumentError: the name or the key does not fit.
    """
    user = _new_user(hub, name, None, is_admin=True)
    key, secret = _new_key(hub, user, "first key", secret)

    def work(connection: Connection) -> str | None:
        if store.count_users(connection):
            return None
        store.add_user(connection, user)
        store.add_key(connection, key, _sha256(secret))
        note_change(connection, user.created, None, "add user", name, is_admin=True)
        return secret

    return hub.change(work)


def users(hub: Hub) -> Sequence[User]:
    """All users, by name."""
    return hub.read(store.list_users)


def user_named(hub: Hub, name: str) -> User:
    """A user.

    Raises:
        Problem: 404, there is none of that name.
    """
    user = _find(hub, name)
    if user is None:
        raise Problem(404, f"There is no user {name!r}.")
    return user


def change_password(hub: Hub, user: User, password: str | None, *, by: str | None) -> None:
    """Set or take away a password, and end all sessions of the user.

    Raises:
        ArgumentError: the password is too short or too long.
    """
    hashed = _hashed(password)

    def work(connection: Connection) -> None:
        store.change_user(connection, user.id, password=hashed)
        store.end_sessions_of(connection, user.id)
        note_change(connection, hub.now(), by, "change password", user.name)

    hub.change(work)


def change_own_password(hub: Hub, access: Access, old: str, new: str, address: str) -> None:
    """Set one's own password; who has one must say it, so that an open session is not enough.

    Raises:
        ArgumentError: the new password is too short or too long.
        Problem: 403, the old one does not fit, or there is none and the key that asks expires; 429, too often it did not fit.
    """
    user = access.user
    if user.password is None and access.asker.expires is not None:
        raise Problem(
            403, "This API key expires, and a password would not. Set it with a key that does not expire."
        )
    if user.password is not None and asker_of_password(hub, user.name, old, address) is None:
        raise Problem(403, "The current password does not fit.", "password")
    change_password(hub, user, new, by=user.id)


def set_active(hub: Hub, user: User, is_active: bool, *, by: str | None) -> None:
    """Let a user in, or no longer; what the user sent stays."""

    def work(connection: Connection) -> None:
        store.change_user(connection, user.id, is_active=is_active)
        store.end_sessions_of(connection, user.id)
        note_change(connection, hub.now(), by, "let in" if is_active else "lock out", user.name)

    hub.change(work)


def add_key(
    hub: Hub,
    user: User,
    name: str,
    *,
    secret: str | None = None,
    project: str | None = None,
    expires: int | None = None,
    within: int | None = None,
    by: str | None = None,
) -> tuple[Key, str]:
    """Make an API key; its secret is told once and only its hash is kept.

    Args:
        secret: the key itself, where it is given and not made.
        project: the only project that it opens.
        expires: microseconds since the Unix epoch.
        within: when the key is over with which this one is asked for: it expires no later.
        by: id of who makes it; None where that is done on the Hub's own machine.

    Raises:
        ArgumentError: the secret does not fit.
    """
    ends = min((moment for moment in (expires, within) if moment is not None), default=None)
    key, secret = _new_key(hub, user, name, secret, project=project, expires=ends)

    def work(connection: Connection) -> None:
        store.add_key(connection, key, _sha256(secret))
        note_change(
            connection, key.created, by, "add key", key.name, project=project, of=user.name, id=key.id
        )

    try:
        hub.change(work)
    except IntegrityError:
        raise Problem(409, "There is such an API key already. Take another one.") from None
    return key, secret


def keys_of(hub: Hub, user: User) -> Sequence[Key]:
    """A user's keys, oldest first."""
    return hub.read(lambda connection: store.keys_of(connection, user.id))


def remove_key(hub: Hub, user: User, key: str, *, by: str | None = None) -> None:
    """Revoke a key, and end the sessions that were made with it.

    Args:
        by: id of who does it; None where that is done on the Hub's own machine.

    Raises:
        Problem: 404, the user has no such key.
    """

    def work(connection: Connection) -> None:
        found = next((one for one in store.keys_of(connection, user.id) if one.id == key), None)
        if found is None:
            raise Problem(404, "You have no such API key.")
        store.remove_key(connection, user.id, key)
        about = {"project": found.project, "of": user.name, "id": key}
        note_change(connection, hub.now(), by, "revoke key", found.name, **about)

    hub.change(work)


def _find(hub: Hub, name: str) -> User | None:
    """The user of that name, which may be any text that somebody typed."""
    if not _NAME.fullmatch(name):
        return None
    return hub.read(lambda connection: store.user_by_name(connection, name))


def _new_user(hub: Hub, name: str, password: str | None, *, is_admin: bool) -> User:
    if not _NAME.fullmatch(name):
        raise ArgumentError(f"A user's name is 1 to 64 letters, digits, - and _ of ASCII; not {name!r}.")
    return User(str(uuid.uuid4()), name, _hashed(password), is_admin, True, hub.now())


def _new_key(
    hub: Hub,
    user: User,
    name: str,
    secret: str | None,
    *,
    project: str | None = None,
    expires: int | None = None,
) -> tuple[Key, str]:
    secret = _new_secret() if secret is None else secret
    if not (secret.isascii() and secret.isprintable() and _SHORTEST_KEY <= len(secret) <= _LONGEST_KEY):
        raise ArgumentError(
            f"An API key is {_SHORTEST_KEY} to {_LONGEST_KEY} printable ASCII characters; make it long and random."
        )
    key = Key(str(uuid.uuid4()), user.id, name.strip()[:200] or "key", project, hub.now(), expires, None)
    return key, secret


# Who asks


def asker_of_key(hub: Hub, secret: str, name: str | None = None) -> Asker | None:
    """Whoever has that API key; None where nobody has, or not under that user name."""
    if len(secret) > _LONGEST_KEY:
        return None
    now = hub.now()
    found = hub.read(lambda connection: store.key_by_hash(connection, _sha256(secret)))
    if found is None:
        return None
    key, user = found
    if not user.is_active or (name is not None and name != user.name):
        return None
    if key.expires is not None and key.expires <= now:
        return None
    if key.used is None or now - key.used > _KEY_USE_IS_NOTED_EVERY:
        with suppress(
            DBAPIError
        ):  # a Hub whose disk is full, or whose database takes no change now, can still be read
            hub.change(lambda connection: store.use_key(connection, key.id, now))
    return Asker(user, key.project, expires=key.expires)


def asker_of_password(hub: Hub, name: str, password: str, address: str) -> Asker | None:
    """Whoever has that name and password. Failures count, and too many of them close the door for a while.

    Raises:
        Problem: 429, there were too many failures.
    """
    if password.startswith(_KEY_PREFIX):  # an old key in some cron job must not close the door to its user
        return None
    _refuse_after_many_attempts(hub, name, address)
    user = _find(hub, name)
    fits = _verified(None if user is None else user.password, password)
    if user is None or not fits or not user.is_active:
        note_failure(hub, name, address)
        return None
    here, *_ = _counted(name, address)
    hub.change(lambda connection: store.forget_attempts(connection, here))
    return Asker(user)


def asker_of_session(hub: Hub, cookie: str) -> Asker | None:
    """Whoever has that session; None where it is over."""
    found = hub.read(lambda connection: store.session_by_hash(connection, _sha256(cookie)))
    if found is None:
        return None
    session, user = found
    if session.expires <= hub.now() or not user.is_active:
        return None
    return Asker(user, session.project, session.csrf, session.key_expires)


def sign_in(hub: Hub, name: str, secret: str, address: str) -> tuple[str, Asker]:
    """Begin a session with a password or an API key; returns its cookie, and who it is.

    Raises:
        Problem: 401, name and secret do not fit; 429, too many failures.
    """
    by_key = asker_of_key(hub, secret, name)  # first: nobody's failures shut out who has a key
    asker = by_key or asker_of_password(hub, name, secret, address)
    if asker is None or asker.user is None:
        raise _do_not_fit()
    cookie, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), hub.now()
    expires = now + hub.settings.session_hours * 3600 * 1_000_000
    user = asker.user

    def work(connection: Connection) -> None:
        store.remove_expired(connection, now, now - _ATTEMPTS_COUNT_FOR)
        key, ends = None, expires
        if by_key is not None:
            found = store.key_by_hash(connection, _sha256(secret))
            if found is None:  # revoked just now
                raise _do_not_fit()
            key = found[0].id
            ends = min(expires, found[0].expires or expires)  # no session outlives its key
        store.add_session(connection, _sha256(cookie), user.id, key=key, csrf=csrf, created=now, expires=ends)
        note_change(connection, now, user.id, "sign in", user.name)

    hub.change(work)
    return cookie, replace(asker, csrf=csrf)


def _do_not_fit() -> Problem:
    return Problem(401, "User name and password, or API key, do not fit.")


def sign_out(hub: Hub, cookie: str) -> None:
    """End a session."""
    hub.change(lambda connection: store.end_session(connection, _sha256(cookie)))


def note_failure(hub: Hub, name: str, address: str) -> None:
    """Count a sign-in that failed."""
    who, now = [*_counted(name, address)], hub.now()
    hub.change(lambda connection: store.note_attempt(connection, who, now))


def _refuse_after_many_attempts(hub: Hub, name: str, address: str) -> None:
    since, counted = hub.now() - _ATTEMPTS_COUNT_FOR, _counted(name, address)

    def is_shut(connection: Connection) -> bool:
        return any(store.count_attempts(connection, who, since) >= most for who, most in counted.items())

    if hub.read(is_shut):
        minutes = _ATTEMPTS_COUNT_FOR // 60_000_000
        raise Problem(
            429,
            f"Too many sign-ins failed. Wait up to {minutes} minutes, or use an API key.",
            headers={"Retry-After": str(60 * minutes)},
        )


def _counted(name: str, address: str) -> dict[str, int]:
    """What a failure is counted under, and how many of each shut the door. Names may be any text that was typed."""
    near = _neighbourhood(address)
    return {
        _sha256(f"{near} {name}"): _MOST_HERE,
        _sha256(near): _MOST_FROM_ADDRESS,
        _sha256(f"name {name}"): _MOST_OF_NAME,
    }


def _neighbourhood(address: str) -> str:
    """An address of IPv4; of IPv6 the network of 64 bits, for whoever has one address has all of them."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise ArgumentError(f"A password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters.")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise ArgumentError("A password is a text; this one holds half a character.")
    if password.startswith(_KEY_PREFIX):
        raise ArgumentError(f"A password does not begin with {_KEY_PREFIX}: API keys do.")
    with _taking_turns():
        return PasswordHasher().hash(password)


@contextmanager
def _taking_turns() -> Iterator[None]:
    """Raises Problem (503) where too many wait already."""
    if not _WAITING.acquire(blocking=False):
        raise Problem(
            503,
            "Many people sign in with a password at this moment. Try again, or use an API key.",
            "try-again",
            headers={"Retry-After": "2"},
        )
    try:
        with _HASHING:
            yield
    finally:
        _WAITING.release()


def _verified(hashed: str | None, password: str) -> bool:
    """Whether the password fits; takes as long for an unknown user."""
    try:
        with _taking_turns():
            fits = PasswordHasher().verify(hashed or _nobodys(), password[:_LONGEST_PASSWORD])
        return fits and hashed is not None
    except (VerificationError, InvalidHashError, UnicodeEncodeError):  # halves of characters fit nothing
        return False


@cache
def _nobodys() -> str:
    return PasswordHasher().hash(secrets.token_urlsafe(32))


def _new_secret() -> str:
    """An API key: 256 random bits in the shape by which records redact it (capture/redact.py), which has a digit."""
    while True:
        made = _KEY_PREFIX + secrets.token_urlsafe(32)
        if any(character.isdigit() for character in made):
            return made


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
