"""The seam between recorder and client: what sends runs to a Hub is an object of this protocol.

The recorder is given a way to make one, `Connect`, and calls it when the user connects. Without one it sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

__all__ = ["AT_EXIT", "Connect", "Destination", "Wanted"]

AT_EXIT = 2.0
"""Seconds that the end of a process spends at most on sending."""


class Wanted(NamedTuple):
    """What a user asked for when connecting; None is to be looked up elsewhere."""

    username: str | None = None
    apikey: str | None = None
    project: str | None = None
    url: str | None = None
    profile: str | None = None


class Destination(Protocol):
    """One project of a Hub, where the runs of a recorder go once they are on disk.

    Nothing but `published` and `at_exit` waits for the network. A fault on the way is said once and never raised: the
    run stays in its folder and is sent later. Folders are those of runs, absolute.

    Attributes:
        address: of the Hub, such as `https://hub.example.org`.
    """

    address: str

    def begin(self, folder: str) -> None:
        """A run has begun, or has been given this destination: its journal in that folder grows from now on."""

    def left(self, folder: str) -> None:
        """The run is over without a record; its journal is complete."""

    def published(self, folder: str) -> str | None:
        """The run's record is in the folder: send it. The address of the run's page, or None where it waits."""

    def at_exit(self) -> None:
        """The process ends: spend up to `AT_EXIT` seconds on what is not sent yet."""

    def after_fork(self) -> None:
        """In a forked child: what is on its way is the parent's to send."""


class Connect(Protocol):
    """How a destination is made."""

    def __call__(self, wanted: Wanted, root: str | None, environ: Mapping[str, str]) -> Destination:
        """Connect.

        Args:
            root: the workspace root, or None for that of the current directory.

        Raises:
            ArgumentError: it is not known where to, as whom, or to which project.
            HubError: the Hub refuses. One that cannot be reached is no error.
        """
