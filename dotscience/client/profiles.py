"""The profiles that `ds login` stores: for each name a Hub, a user and an API key, readable by their owner only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import CorruptError, UnwritableError
from ..settings import user_config_dir
from ..storage.whole import write_whole

__all__ = ["Profile", "Profiles"]


@dataclass(frozen=True)
class Profile:
    """Who somebody is on a Hub.

    Attributes:
        url: the Hub's address, as `hub_address` spells it.
        key: an API key; never a password.
        key_id: the key's id on the Hub, where `ds login` had it made; `ds logout` revokes it.
        project: where runs go that name no project, or None.
    """

    url: str
    user: str
    key: str
    key_id: str | None = None
    project: str | None = None

    def __repr__(self) -> str:
        return f"Profile(url={self.url!r}, user={self.user!r}, project={self.project!r})"


_NEEDED = ("url", "user", "key")


class Profiles:
    """`profiles.json` in the user's configuration folder.

    Example:
        >>> Profiles().write("default", Profile("https://hub.example.org", "ada", key))
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.file = os.path.join(user_config_dir(environ), "profiles.json")

    def read(self) -> dict[str, Profile]:
        """All of them, by name.

        Raises:
            CorruptError: the file cannot be read.
        """
        try:
            with open(self.file, encoding="utf-8") as stream:
                document = json.load(stream)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise CorruptError(self.file, "", f"cannot be read ({error}); mend or delete it") from None
        stored = document.get("profiles") if isinstance(document, dict) else None
        if not isinstance(stored, dict):
            raise CorruptError(self.file, "profiles", "must be an object; mend or delete the file")
        return {name: self._profile(name, wire) for name, wire in stored.items()}

    def _profile(self, name: str, wire: Any) -> Profile:
        if not isinstance(wire, dict):
            raise CorruptError(self.file, name, "must be an object; `ds login` writes it anew")
        values: dict[str, Any] = {field.name: wire.get(field.name) for field in fields(Profile)}
        for field, value in values.items():
            if not isinstance(value, str) and (field in _NEEDED or value is not None):
                raise CorruptError(self.file, f"{name}.{field}", "must be a text; `ds login` writes it anew")
        return Profile(**values)

    def write(self, name: str, profile: Profile) -> None:
        """Store a profile under a name, in place of the one that had it.

        Raises:
            CorruptError: the file that is there cannot be read.
            UnwritableError: it cannot be written.
        """
        self._save(self.read() | {name: profile})

    def remove(self, name: str) -> Profile | None:
        """Forget a profile, and return it; None where there is none of that name.

        Raises:
            CorruptError, UnwritableError: as `write` does.
        """
        profiles = self.read()
        removed = profiles.pop(name, None)
        if removed is not None:
            self._save(profiles)
        return removed

    def _save(self, profiles: Mapping[str, Profile]) -> None:
        document = {"profiles": {name: _wire(profile) for name, profile in profiles.items()}}
        data = json.dumps(document, indent=2, sort_keys=True).encode("ascii") + b"\n"
        try:
            os.makedirs(os.path.dirname(self.file), mode=0o700, exist_ok=True)
            write_whole(self.file, data, mode=0o600)
        except OSError as error:
            raise UnwritableError(self.file, error.strerror or error) from None


def _wire(profile: Profile) -> dict[str, str]:
    return {name: value for name, value in asdict(profile).items() if value is not None}
