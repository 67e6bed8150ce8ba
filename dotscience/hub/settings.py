"""The settings of one Hub, read once when it starts and passed in from then on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..catalog.limits import Limits
from ..settings import SETTINGS, Settings

__all__ = ["HubSettings", "Limits", "data_folder"]


def _default(name: str) -> int:
    return int(SETTINGS[name].default)


@dataclass(frozen=True)
class HubSettings:
    """What a Hub needs to know beside its catalog and its blobs.

    Attributes:
        url: the address under which people reach it, without a slash at its end; "" for as each request says.
        proxies: addresses of reverse proxies that are believed.
        session_hours: how long a sign-in lasts.
        trash_days: how long a deleted run can be restored.
        patience: seconds that the head of a request may take; each 16 KiB of a body has ten times as long. 0 for any time.
    """

    url: str = ""
    proxies: tuple[str, ...] = ()
    session_hours: int = _default("hub_session_hours")
    trash_days: int = _default("hub_trash_days")
    patience: int = _default("hub_patience")
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def read(cls, settings: Settings) -> HubSettings:
        """From the environment and the configuration files.

        Raises:
            ArgumentError: a value does not fit.
        """
        return cls(
            url=settings["hub_url"].rstrip("/"),
            proxies=settings["hub_proxies"],
            session_hours=settings["hub_session_hours"],
            trash_days=settings["hub_trash_days"],
            patience=settings["hub_patience"],
            limits=Limits.read(settings),
        )


def data_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """The folder of a Hub's database and blobs (XDG Base Directory Specification)."""
    home = environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.abspath(settings["hub_data"] or os.path.join(home, "dotscience", "hub"))
