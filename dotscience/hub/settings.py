"""The settings of one Hub, read once when it starts and passed in from then on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..settings import SETTINGS, Settings

__all__ = ["HubSettings", "Limits", "data_folder"]


def _default(name: str) -> int:
    return int(SETTINGS[name].default)


@dataclass(frozen=True)
class Limits:
    """The most that a Hub takes; sizes in bytes, 0 for no limit."""

    value: int = _default("limit_value")
    names: int = _default("limit_names")
    record: int = _default("limit_record")
    file: int = _default("limit_file")
    project: int = _default("limit_project")


@dataclass(frozen=True)
class HubSettings:
    """What a Hub needs to know beside its catalog and its blobs.

    Attributes:
        url: the address under which people reach it, without a slash at its end; "" for as each request says.
        proxies: addresses of reverse proxies that are believed.
        session_hours: how long a sign-in lasts.
        trash_days: how long a deleted run can be restored.
    """

    url: str = ""
    proxies: tuple[str, ...] = ()
    session_hours: int = _default("hub_session_hours")
    trash_days: int = _default("hub_trash_days")
    limits: Limits = Limits()

    @classmethod
    def read(cls, settings: Settings) -> HubSettings:
        """From the environment and the configuration files.

        Raises:
            ArgumentError: a value does not fit.
        """
        names = ("value", "names", "record", "file", "project")
        return cls(
            url=settings["hub_url"].rstrip("/"),
            proxies=settings["hub_proxies"],
            session_hours=settings["hub_session_hours"],
            trash_days=settings["hub_trash_days"],
            limits=Limits(**{name: settings[f"limit_{name}"] for name in names}),
        )


def data_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """The folder of a Hub's database and blobs (XDG Base Directory Specification)."""
    home = environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.abspath(settings["hub_data"] or os.path.join(home, "dotscience", "hub"))
