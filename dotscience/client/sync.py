"""`ds sync`: sends what waits in workspaces, one Hub after the other, and says what became of each run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from ..catalog.limits import Limits
from ..errors import (
    AccessError,
    ArgumentError,
    CorruptError,
    DotscienceError,
    HubUnreachableError,
    NotFoundError,
    StateError,
)
from ..settings import Settings
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace
from .access import Access, key_for
from .api import HubApi
from .content import Progress
from .outbox import REFUSED, WAITING, Shipment, is_complete, read_shipment, write_shipment
from .sending import Sender
from .wire import Wire

__all__ = ["Outcome", "Senders", "address", "sync", "waiting"]


@dataclass(frozen=True)
class Outcome:
    """What became of one run.

    Attributes:
        outcome: `sent`, `refused` or `waiting`.
        url: the run's page on the Hub, or None where it has none.
        reason: why it is not there.
        root: of its workspace.
    """

    run: str
    outcome: str
    url: str | None
    reason: str | None
    root: str

    def to_json(self) -> dict[str, str | None]:
        """Plain JSON values."""
        return asdict(self)


def address(folder: RunFolder, access: Access, project: str) -> None:
    """Let a run go to a project, whatever it was going to.

    Raises:
        OSError: its folder cannot be written.
    """
    write_shipment(folder, Shipment(access.url, project, None, access.user, access.profile))


def waiting(workspaces: Iterable[Workspace]) -> Iterator[tuple[Workspace, RunFolder]]:
    """Runs that are over and go to a Hub, but are not wholly there. Those that a Hub refused are among them."""
    for workspace in workspaces:
        for folder in sorted(workspace.run_folders(), key=lambda folder: folder.id):
            try:
                shipment = read_shipment(folder)
            except CorruptError:
                yield workspace, folder
                continue
            if shipment is not None and not is_complete(folder, shipment) and not _is_running(folder):
                yield workspace, folder


def sync(
    runs: Sequence[tuple[Workspace, RunFolder]],
    *,
    apikey: str | None = None,
    environ: Mapping[str, str] = os.environ,
    tell: Callable[[Outcome], None] = lambda outcome: None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Send runs to the Hubs that their folders name.

    Args:
        apikey: to use instead of the one that the environment or a profile has for a Hub.
        tell: called with each outcome as soon as it is known.

    Raises:
        StateError: a run goes nowhere, or is still in progress.

    Example:
        >>> sync(list(waiting([Workspace.find()])))
        [Outcome(run='7f3c…', outcome='sent', …)]
    """
    for _, folder in runs:
        _check(folder)
    senders = Senders(apikey, environ)
    outcomes = []
    for workspace, folder in runs:
        outcomes.append(_sent(workspace, folder, senders, progress))
        tell(outcomes[-1])
    return outcomes


def _sent(workspace: Workspace, folder: RunFolder, senders: Senders, progress: Progress | None) -> Outcome:
    shipment = None
    try:
        shipment = read_shipment(folder)
        assert shipment is not None
        sent = senders.sender(shipment, workspace.root).send(folder, shipment, progress)
        page = sent.page or shipment.page
    except (AccessError, HubUnreachableError, ArgumentError, NotFoundError) as error:
        if isinstance(error, AccessError | HubUnreachableError) and shipment is not None:
            senders.give_up(shipment, error)
        page = None if shipment is None else shipment.page
        return Outcome(folder.id, WAITING, page, str(error), workspace.root)
    except CorruptError as error:
        return Outcome(folder.id, REFUSED, None, str(error), workspace.root)
    outcome = "sent" if is_complete(folder, sent) else sent.state
    return Outcome(folder.id, outcome, page, sent.reason, workspace.root)


class Senders:
    """One sender for each Hub and workspace, and what is wrong with those that cannot be used.

    Args:
        apikey: to use instead of the one that the environment or a profile has.
        keys: that are known otherwise, by Hub and user.
    """

    def __init__(
        self,
        apikey: str | None,
        environ: Mapping[str, str],
        keys: Mapping[tuple[str, str | None], str] | None = None,
    ) -> None:
        self._apikey, self._environ, self._keys = apikey, environ, keys or {}
        self._senders: dict[tuple[str, str | None, str], Sender] = {}
        self._given_up: dict[tuple[str | None, ...], DotscienceError] = {}

    def sender(self, shipment: Shipment, root: str) -> Sender:
        """Sends as the settings of that workspace say.

        Raises:
            ArgumentError: there is no key for the Hub, or a setting does not fit.
            CorruptError: the settings or the profiles cannot be read.
            DotscienceError: what was wrong with the Hub before.
        """
        for whom in _hub_and_user(shipment):
            if whom in self._given_up:
                raise self._given_up[whom]
        asked = (shipment.url, shipment.user, root)
        if asked not in self._senders:
            settings = Settings(root, self._environ)
            wire = Wire(self._access(shipment), settings=settings)
            self._senders[asked] = Sender(HubApi(wire), Limits.read(settings))
        return self._senders[asked]

    def give_up(self, shipment: Shipment, error: DotscienceError) -> None:
        """Do not try this Hub again for the other runs; where its user was refused, not for those of that user."""
        hub, user = _hub_and_user(shipment)
        self._given_up[user if isinstance(error, AccessError) else hub] = error

    def _access(self, shipment: Shipment) -> Access:
        given = self._apikey or self._keys.get((shipment.url, shipment.user))
        if given:
            return Access(shipment.url, shipment.user, given)
        access = key_for(shipment.url, shipment.user, self._environ)
        if access is None:
            raise ArgumentError(
                f"There is no API key for {shipment.url}. Store one with `ds login URL`, or give it with --apikey."
            )
        return access


def _hub_and_user(shipment: Shipment) -> tuple[tuple[str], tuple[str, str | None]]:
    """What stands for the Hub, and for the user on it, whose key may be the one thing that is wrong."""
    return (shipment.url,), (shipment.url, shipment.user)


def _check(folder: RunFolder) -> None:
    try:
        shipment = read_shipment(folder)
    except CorruptError:  # which is an outcome
        return
    if shipment is None:
        raise StateError(
            f"Run {folder.id} goes to no Hub. `ds sync --to PROJECT {folder.id[:8]}` sends it to the Hub of your profile."
        )
    if _is_running(folder):
        raise StateError(f"Run {folder.id} is still in progress; its own process sends it.")


def _is_running(folder: RunFolder) -> bool:
    if folder.is_published():
        return False
    try:
        return folder.state().status == "running"
    except (CorruptError, NotFoundError):
        return False
