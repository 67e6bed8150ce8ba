"""Users, API keys, sessions and failed sign-ins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from .tables import attempts, keys, sessions, users

__all__ = [
    "Key",
    "Session",
    "User",
    "add_key",
    "add_session",
    "add_user",
    "change_user",
    "count_attempts",
    "count_users",
    "end_session",
    "end_sessions_of",
    "forget_attempts",
    "key_by_hash",
    "keys_of",
    "list_users",
    "note_attempt",
    "remove_expired",
    "remove_key",
    "session_by_hash",
    "use_key",
    "user_by_name",
]


@dataclass(frozen=True)
class User:
    """An account. `password` is its argon2id hash; None where signing in takes a key."""

    id: str
    name: str
    password: str | None
    is_admin: bool
    is_active: bool
    created: int


@dataclass(frozen=True)
class Key:
    """An API key, without its secret.

    Attributes:
        project: the only project that it opens; None for all of its user's.
    """

    id: str
    user: str
    name: str
    project: str | None
    created: int
    expires: int | None
    used: int | None


@dataclass(frozen=True)
class Session:
    """A sign-in on the web pages; `project` and `key_expires` are those of the key it was made with."""

    user: str
    csrf: str
    expires: int
    project: str | None
    key_expires: int | None


_KEY = (keys.c.id, keys.c.user, keys.c.name, keys.c.project, keys.c.created, keys.c.expires, keys.c.used)

_SESSION = (
    sessions.c.user,
    sessions.c.csrf,
    sessions.c.expires,
    keys.c.project,
    keys.c.expires.label("key_expires"),
)

_BY_HASH = (
    select(*_KEY, *(column.label(f"user_{column.name}") for column in users.c))
    .join(users, users.c.id == keys.c.user)
    .where(keys.c.hash == bindparam("hash"))
)


def add_user(connection: Connection, user: User) -> None:
    """Add a user; an IntegrityError where the name is taken."""
    connection.execute(insert(users).values(vars(user)))


def count_users(connection: Connection) -> int:
    """How many users there are."""
    return connection.execute(select(func.count()).select_from(users)).scalar_one()


def user_by_name(connection: Connection, name: str) -> User | None:
    """The user of that name."""
    return _user(connection, select(users).where(users.c.name == name))


def list_users(connection: Connection) -> Sequence[User]:
    """All users, by name."""
    return [User(**row._mapping) for row in connection.execute(select(users).order_by(users.c.name))]


def change_user(connection: Connection, user: str, **values: Any) -> None:
    """Set columns of a user."""
    connection.execute(update(users).where(users.c.id == user).values(values))


def add_key(connection: Connection, key: Key, hash: str) -> None:
    """Add a key; an IntegrityError where there is one of that hash."""
    connection.execute(insert(keys).values(**vars(key), hash=hash))


def key_by_hash(connection: Connection, hash: str) -> tuple[Key, User] | None:
    """The key whose secret has that hash, and its user."""
    found = connection.execute(_BY_HASH, {"hash": hash}).first()
    return None if found is None else (Key(*found[: len(_KEY)]), User(*found[len(_KEY) :]))


def keys_of(connection: Connection, user: str) -> Sequence[Key]:
    """A user's keys, oldest first."""
    wanted = select(*_KEY).where(keys.c.user == user).order_by(keys.c.created, keys.c.id)
    return [Key(*row) for row in connection.execute(wanted)]


def use_key(connection: Connection, key: str, now: int) -> None:
    """Note that a key was used."""
    connection.execute(update(keys).where(keys.c.id == key).values(used=now))


def remove_key(connection: Connection, user: str, key: str) -> bool:
    """Revoke a user's key and end the sessions made with it; whether there was one."""
    connection.execute(delete(sessions).where(sessions.c.key == key, sessions.c.user == user))
    return connection.execute(delete(keys).where(keys.c.id == key, keys.c.user == user)).rowcount > 0


def add_session(
    connection: Connection, hash: str, user: str, *, key: str | None, csrf: str, created: int, expires: int
) -> None:
    """Begin a session whose cookie has that hash."""
    connection.execute(
        insert(sessions).values(hash=hash, user=user, key=key, csrf=csrf, created=created, expires=expires)
    )


def session_by_hash(connection: Connection, hash: str) -> tuple[Session, User] | None:
    """The session whose cookie has that hash, and its user."""
    found = connection.execute(
        select(*_SESSION, *users.c)
        .join(users, users.c.id == sessions.c.user)
        .outerjoin(keys, keys.c.id == sessions.c.key)
        .where(sessions.c.hash == hash)
    ).first()
    return None if found is None else (Session(*found[: len(_SESSION)]), User(*found[len(_SESSION) :]))


def end_session(connection: Connection, hash: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.hash == hash))


def end_sessions_of(connection: Connection, user: str) -> None:
    """End all sessions of a user."""
    connection.execute(delete(sessions).where(sessions.c.user == user))


def note_attempt(connection: Connection, who: Sequence[str], now: int) -> None:
    """Note a sign-in that failed, for each of the names that it is counted under."""
    connection.execute(insert(attempts), [{"who": one, "at": now} for one in who])


def count_attempts(connection: Connection, who: str, since: int) -> int:
    """How many sign-ins failed since a moment."""
    wanted = select(func.count()).select_from(attempts).where(attempts.c.who == who, attempts.c.at >= since)
    return connection.execute(wanted).scalar_one()


def forget_attempts(connection: Connection, who: str) -> None:
    """Forget failed sign-ins: one has succeeded."""
    connection.execute(delete(attempts).where(attempts.c.who == who))


def remove_expired(connection: Connection, now: int, attempts_before: int) -> None:
    """Drop sessions that are over and attempts that no longer count."""
    connection.execute(delete(sessions).where(sessions.c.expires < now))
    connection.execute(delete(attempts).where(attempts.c.at < attempts_before))


def _user(connection: Connection, wanted: Select[Any]) -> User | None:
    found: Row[Any] | None = connection.execute(wanted).first()
    return None if found is None else User(**found._mapping)
