"""A recorder's tie to a Hub: what `ds.connect()` makes, and the recorder tells about its runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..capture.redact import hide
from ..catalog.limits import Limits
from ..errors import CorruptError, HubUnreachableError, NotFoundError
from ..recorder.notices import contained, notice
from ..recorder.progress import Bar
from ..records.destination import AT_EXIT, Wanted
from ..settings import Settings
from ..storage.handover import HandedKey, hand_over
from ..storage.runs import RunFolder
from ..storage.workspace import Workspace, find_root
from .access import find_access, project_of
from .api import HubApi, Place
from .courier import Courier, away
from .outbox import REFUSED, SENT, Shipment, is_complete, read_shipment, shipments, write_shipment
from .sending import Sender
from .streaming import Live
from .wire import Wire

__all__ = ["Connection", "connect", "within"]

_T = TypeVar("_T")

_PATIENCE = 15.0
"""Seconds that connecting may take in all, whatever the network does."""

_ON_ITS_WAY = 10.0
"""Seconds after its publish for which a run is left to the process that published it."""


def connect(wanted: Wanted, root: str | None = None, environ: Mapping[str, str] = os.environ) -> Connection:
    """Connect to a Hub; what is not said is looked up as `find_access` does.

    Args:
        root: the workspace root, or None for that of the current directory.

    Raises:
        ArgumentError, NotFoundError, CorruptError: as `find_access` does.
        AccessError, HubRefusedError: the Hub does not let this user publish to the project.

    Example:
        >>> connect(Wanted(project="flowers")).address
        'https://hub.example.org'
    """
    root = find_root(environ=environ) if root is None else root
    access = find_access(wanted, root, environ)
    hide(access.key)
    project = project_of(access)
    api = HubApi(Wire(access, settings=Settings(root, environ)))
    place = None
    user = access.user
    try:
        user, place = within(_PATIENCE, lambda: (api.me() or access.user, api.place(project)))
    except HubUnreachableError as error:
        notice(away(error))
    hand_over(HandedKey(access.url, user, access.key), environ)
    return Connection(
        api, Shipment(access.url, project, place and place.id, user, access.profile), place, root, environ
    )


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """What some work on the network gives, if that takes no longer than so many seconds; else it is left to itself.

    Not every wait can be bounded where it happens: looking up a name cannot.

    Raises:
        HubUnreachableError: it took too long.
    """
    result: list[_T] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failed.append(error)
        over.set()

    try:
        threading.Thread(target=run, name="dotscience-connect", daemon=True).start()
    except RuntimeError:  # no more threads to be had
        return work()
    if not over.wait(seconds):
        raise HubUnreachableError(f"The Hub has not answered within {seconds:.0f} s")
    if failed:
        raise failed[0]
    return result[0]


class Connection:
    """One project of a Hub, as `records.destination.Destination` says.

    Args:
        shipment: what is written into the folder of each run.
        place: the project, where the Hub could be asked.
    """

    def __init__(
        self, api: HubApi, shipment: Shipment, place: Place | None, root: str, environ: Mapping[str, str]
    ) -> None:
        self.address = api.url
        self._api, self._shipment, self._place = api, shipment, place
        self._workspace = Workspace(root, environ)
        self._limits = Limits.read(Settings(root, environ))
        self._has_swept = False
        self._begin()

    def _begin(self) -> None:
        self._courier, self._sweeper = self._new_courier(), self._new_courier()
        self._live = Live(self._api, self._shipment.project, self._place)

    def _new_courier(self) -> Courier:
        sender = Sender(self._api, self._limits)
        if self._place is not None:
            sender.know(self._place)
        return Courier(sender, is_away=self._place is None)

    def begin(self, folder: str) -> None:
        """Note in a run's folder where it goes, and stream it."""
        run = RunFolder(folder)
        write_shipment(run, self._shipment, lasting=False)
        self._live.add(run)

    def left(self, folder: str) -> None:
        """Stream the rest of a run that was left without a record."""
        self._live.finish(RunFolder(folder))

    def published(self, folder: str) -> str | None:
        """Send a run, and return the address of its page; None where it waits."""
        run = RunFolder(folder)
        self._live.drop(run)
        if _address_of(run) is None:  # its folder was cleaned up, or could not be written when it began
            write_shipment(run, self._shipment)
        job = self._courier.submit(run)
        with Bar("sending", in_bytes=True) as bar:
            self._courier.wait(job, bar.show)
        sent = job.sent
        if sent is None or sent.state != SENT:
            return None
        self._sweep()
        return sent.page

    def _sweep(self) -> None:
        """Send what has been waiting in the workspace, once, behind the user's back.

        A courier of its own does that, so that no publish ever waits for older runs.
        """
        if self._has_swept:
            return
        self._has_swept = True

        def submit_waiting() -> None:
            with contained("looking for runs that wait to be sent"):
                for run, shipment in shipments(self._workspace):
                    if self._is_waiting(run, shipment):
                        self._sweeper.submit(run)

        try:
            threading.Thread(target=submit_waiting, name="dotscience-sweep", daemon=True).start()
        except RuntimeError:  # no more threads to be had: `ds sync` sends them
            return

    def _is_waiting(self, run: RunFolder, shipment: Shipment) -> bool:
        is_ours = shipment.url == self.address and shipment.user in (None, self._shipment.user)
        is_due = (
            is_ours and shipment.state != REFUSED and run.is_published() and not is_complete(run, shipment)
        )
        return is_due and not _is_on_its_way(run)

    def at_exit(self) -> None:
        """Spend a moment on what is not sent yet."""
        self._live.wait(AT_EXIT / 2)
        until = time.monotonic() + AT_EXIT / 2
        for courier in (self._courier, self._sweeper):
            courier.settle(until - time.monotonic())

    def after_fork(self) -> None:
        """Let go of threads and connections, which are the parent's."""
        self._api.wire.after_fork()
        self._begin()


def _is_on_its_way(run: RunFolder) -> bool:
    """Whether another process has published the run only just, so that it is most likely sending it."""
    try:
        is_ours = run.read_record().process.get("pid") == os.getpid()
        return not is_ours and time.time() - os.stat(run.record_path).st_mtime < _ON_ITS_WAY
    except (CorruptError, NotFoundError, OSError):
        return False


def _address_of(run: RunFolder) -> str | None:
    try:
        shipment = read_shipment(run)
    except CorruptError:
        return None
    return None if shipment is None else shipment.url
