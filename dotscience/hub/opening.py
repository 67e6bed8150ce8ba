"""The parts of a Hub, opened as the settings say."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..catalog.shared import SharedCatalog
from ..errors import ArgumentError
from ..settings import Settings
from .blobs.open import open_blobs
from .database import migrate, open_database
from .hub import Hub
from .services import accounts
from .settings import HubSettings, data_folder

if TYPE_CHECKING:
    from ..storage.blobs import Blobs

__all__ = ["FirstUser", "Parts", "Places", "make_first_user", "open_parts"]


class Places(NamedTuple):
    """Where a Hub keeps things: a file or a URL each.

    Attributes:
        folder: of this machine, which holds what is in no database server and no object store.
    """

    folder: str
    database: str
    blobs: str

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """As the settings say."""
        folder = data_folder(settings)
        return cls(
            folder,
            settings["hub_database"] or os.path.join(folder, "hub.sqlite"),
            settings["hub_blobs"] or os.path.join(folder, "blobs"),
        )

    @property
    def needs_folder(self) -> bool:
        """Whether something is kept in the folder."""
        return any(place.startswith(self.folder + os.sep) for place in (self.database, self.blobs))


class Parts(NamedTuple):
    """What a Hub is made of."""

    settings: HubSettings
    catalog: SharedCatalog
    blobs: Blobs

    def hub(self) -> Hub:
        """A Hub over them, for services that are called without a server."""
        return Hub(*self)


@dataclass(frozen=True)
class FirstUser:
    """The first user of a new Hub; `key` is None where it was given by a setting."""

    name: str
    key: str | None


def open_parts(settings: Settings) -> Parts:
    """The database, brought to this version, and the blobs that the settings name; made where they are missing.

    Raises:
        ArgumentError: a setting does not fit.
        StateError: the database is of a newer version.
        UnwritableError, OSError: the data folder cannot be made.
    """
    read, places = HubSettings.read(settings), Places.of(settings)
    if places.needs_folder:
        os.makedirs(places.folder, mode=0o700, exist_ok=True)
    blobs = open_blobs(places.blobs)
    if "://" not in places.database:
        _keep_private(places.database)
    engine = open_database(places.database)
    migrate(engine)
    return Parts(read, SharedCatalog(engine), blobs)


def _keep_private(database: str) -> None:
    """Make a SQLite file that is not there yet, for this account alone, also in a folder that others may read.

    It holds the hashes of passwords and keys. SQLite gives the files that it makes beside it the same mode.
    """
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))


def make_first_user(hub: Hub, settings: Settings) -> FirstUser | None:
    """On a Hub without users: make an administrator with an API key. None where there are users.

    Raises:
        ArgumentError: the name or the key of the settings does not fit.
    """
    name = settings["hub_user"] or re.sub("[^A-Za-z0-9_-]", "-", _account())[:64] or "admin"
    given = settings["hub_apikey"] or None
    try:
        secret = accounts.add_first_user(hub, name, given)
    except ArgumentError as error:
        raise ArgumentError(f"DOTSCIENCE_HUB_USER or DOTSCIENCE_HUB_APIKEY: {error}") from None
    return None if secret is None else FirstUser(name, None if given else secret)


def _account() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for this user
        return "admin"
