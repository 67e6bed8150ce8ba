"""Which Hub, as whom and to which project: from arguments, else the environment, else a profile."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ArgumentError, NotFoundError
from ..records.destination import Wanted
from ..settings import Settings
from .addresses import hub_address
from .profiles import Profile, Profiles

__all__ = ["Access", "find_access", "key_for", "profile_name", "project_of"]


@dataclass(frozen=True)
class Access:
    """What it takes to talk to a Hub.

    Attributes:
        url: the Hub's address, as `hub_address` spells it.
        user: a name, or None where the key says who it is.
        key: without the line ends that a file or a pipe leaves around it.
        project: the project's name, or None.
        profile: the profile that it comes from, or None.

    Raises:
        ArgumentError: the key by itself cannot be sent. What is wrong with it is not shown, since it is secret.
    """

    url: str
    user: str | None
    key: str = field(repr=False)
    project: str | None = None
    profile: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key.strip("\r\n"))
        if self.user is None and not self.key.isprintable():
            raise ArgumentError(
                f"The API key for {self.url} holds characters that no key has, such as the end of a line. Copy it anew, "
                f"one line and nothing else."
            )


def find_access(wanted: Wanted, root: str | None = None, environ: Mapping[str, str] = os.environ) -> Access:
    """What is wanted, completed from the environment and from the profile.

    A key of a profile goes only to that profile's Hub. Neither an address nor a key is ever taken from a workspace,
    which may be somebody else's work.

    Args:
        root: the workspace, whose settings may name a profile and a project.

    Raises:
        ArgumentError: the address or the key is not known, the key is none, or the project's name is empty.
        NotFoundError: there is no profile of the name that was asked for.
        CorruptError: the profiles cannot be read.

    Example:
        >>> find_access(Wanted(project="flowers")).url
        'https://hub.example.org'
    """
    _check(wanted)
    own = Settings(root, environ)
    given, key = wanted.url or own["url"] or own["hostname"], wanted.apikey or own["apikey"]
    project = wanted.project or own["project_name"]
    name, profile = wanted.profile or own["profile"], None
    if wanted.profile or not (
        given and key and project
    ):  # else a damaged file of profiles is nobody's concern
        profile = _stored(name, environ, is_needed=bool(wanted.profile))
    if not given and profile is None:
        raise ArgumentError(
            "There is no address of a Hub. Give it, as in ds.connect(user, key, project, 'https://hub.example.org'), set "
            "DOTSCIENCE_URL, or store it once with `ds login URL`."
        )
    url = hub_address(given) if given or profile is None else profile.url
    if profile is not None and profile.url != url:
        profile = None
    user = wanted.username or own["username"] or (profile.user if profile else None)
    if not key and profile is not None and profile.user == user:
        key = profile.key
    if not key:
        raise ArgumentError(
            f"There is no API key for {url}{f' as {user}' if user else ''}. Give it to ds.connect(), set DOTSCIENCE_APIKEY, "
            f"or store one with `ds login URL`."
        )
    return Access(
        url, user, key, project or (profile.project if profile else None), name if profile else None
    )


def key_for(url: str, user: str | None, environ: Mapping[str, str] = os.environ) -> Access | None:
    """Access to a Hub that a run names: by the environment where that names the same one, else by any profile of it."""
    own = Settings(environ=environ)
    named = own["url"] or own["hostname"]
    if own["apikey"] and named and hub_address(named) == url:
        return Access(url, own["username"] or user, own["apikey"])
    stored = [(name, profile) for name, profile in Profiles(environ).read().items() if profile.url == url]
    stored.sort(key=lambda each: (each[1].user != user, each[0] != profile_name(None, environ), each[0]))
    for name, profile in stored:
        return Access(url, profile.user, profile.key, profile.project, name)
    return None


def project_of(access: Access) -> str:
    """The project that runs go to.

    Raises:
        ArgumentError: none was named.
    """
    if not access.project:
        raise _no_project()
    return access.project


def profile_name(root: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """The profile that is taken where none is asked for."""
    return str(Settings(root, environ)["profile"])


def _check(wanted: Wanted) -> None:
    for argument, value in wanted._asdict().items():
        if value is not None and not isinstance(value, str):
            raise ArgumentError(f"{argument} must be a text, not {type(value).__name__}.")
    if wanted.project == "":
        raise _no_project()


def _stored(name: str, environ: Mapping[str, str], *, is_needed: bool) -> Profile | None:
    profile = Profiles(environ).read().get(name)
    if profile is None and is_needed:
        raise NotFoundError(f"There is no profile {name!r}. `ds login` lists those that are there.")
    return profile


def _no_project() -> ArgumentError:
    return ArgumentError(
        "There is no project to publish to. Name one as the third argument of ds.connect(), or set DOTSCIENCE_PROJECT_NAME."
    )
