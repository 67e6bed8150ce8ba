"""Runs in progress: their journal and points follow to the Hub about every second, on a thread of their own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping

from ..errors import CorruptError, HubError, HubRefusedError, HubUnreachableError
from ..recorder.notices import contained
from ..storage.journal import encode_events
from ..storage.processes import HEARTBEAT
from ..storage.runs import RunFolder
from .api import Gap, HubApi, Place
from .outbox import FILES, read_shipment, settled, write_shipment

__all__ = ["Live", "Stream", "end_stream"]

_EVERY = 1.0
_LONGEST_PAUSE = 60.0
_PIECE = 1 << 20
"""Bytes that are sent at once."""

_TRIES = 3
"""How often something else may come in between."""


class Stream:
    """The growing files of one run.

    Attributes:
        lengths: how many bytes of each the Hub has.
    """

    def __init__(self, folder: RunFolder, lengths: Mapping[str, int] | None = None) -> None:
        self.folder = folder
        self.lengths = {kind: (lengths or {}).get(kind, 0) for kind in FILES}
        self.is_over = False
        self._said_at = 0.0

    def push(self, api: HubApi, place: Place) -> None:
        """Send everything that the Hub does not have.

        Raises:
            HubError: as `HubApi.append` does.
        """
        for kind in FILES:
            while piece := self._piece(kind):
                self._send(api, place, kind, piece)
        if time.monotonic() - self._said_at > HEARTBEAT and self.lengths["journal"]:
            self._send(api, place, "journal", b"")

    def _send(self, api: HubApi, place: Place, kind: str, piece: bytes) -> None:
        before = self.lengths[kind]
        try:
            length = api.append(place, self.folder.id, kind, before, piece)
        except Gap as gap:
            length = gap.length
            if length >= before:
                raise HubUnreachableError(
                    f"{api.url} does not know what it has of run {self.folder.id}"
                ) from None
        else:
            if length < before + len(piece):
                raise HubUnreachableError(f"{api.url} did not keep what it was sent of run {self.folder.id}")
        self.lengths[kind] = length
        self._said_at = time.monotonic()

    def _piece(self, kind: str) -> bytes:
        try:
            with open(os.path.join(self.folder.path, FILES[kind]), "rb") as stream:
                stream.seek(self.lengths[kind])
                return stream.read(_PIECE)
        except FileNotFoundError:  # not there yet, or published by now
            return b""


def end_stream(api: HubApi, place: Place, run: str, status: str) -> None:
    """Let a Hub know what became of a run whose journal does not say so, and whose record it does not get.

    Raises:
        HubError: as `HubApi.append` does, or there is no such run in progress.
    """
    end = encode_events([["closed", status]] * 2)  # the first is lost where the line before it is torn
    for _ in range(_TRIES):
        try:
            api.append(place, run, "journal", api.journal_length(place, run), end)
            return
        except HubRefusedError as error:
            if error.status != 409:
                raise  # else a piece that was on its way came just now


class Live:
    """Streams the open runs of one process to one project.

    Args:
        place: the project, where it is known already.
    """

    def __init__(self, api: HubApi, project: str, place: Place | None) -> None:
        self._api, self._project, self._place = api, project, place
        self._streams: dict[str, Stream] = {}
        self._lock = threading.RLock()  # reentrant, for signal handlers
        self._wake = threading.Event()
        self._moved = threading.Event()
        self._thread: threading.Thread | None = None
        self._pause = _EVERY

    def add(self, folder: RunFolder) -> None:
        """Stream this run from now on."""
        with self._lock:
            self._streams.setdefault(folder.path, Stream(folder))
            if self._thread is None:
                # Noted before it is started, for a signal handler that comes in between shall not start another.
                self._thread = threading.Thread(target=self._run, name="dotscience-live", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # no more threads to be had: the run is sent when it is published
                    self._thread = None

    def drop(self, folder: RunFolder) -> None:
        """The run is published: its record says it all."""
        self._streams.pop(folder.path, None)

    def finish(self, folder: RunFolder) -> None:
        """The run is over without a record: send what is left of it, at once."""
        stream = self._streams.get(folder.path)
        if stream is not None:
            stream.is_over = True
            self._wake.set()

    def wait(self, seconds: float) -> None:
        """Wait until runs that are over have been sent, but no longer than that and not for a Hub that is away."""
        deadline = time.monotonic() + seconds
        while self._thread is not None and self._pause <= _EVERY and time.monotonic() < deadline:
            if not any(stream.is_over for stream in list(self._streams.values())):
                return
            self._moved.wait(deadline - time.monotonic())
            self._moved.clear()

    def _run(self) -> None:
        while self._go_on():
            self._wake.wait(self._pause)
            self._wake.clear()
            with contained("streaming to the Hub"):
                self._round()
            self._moved.set()

    def _go_on(self) -> bool:
        with self._lock:
            if not self._streams:
                self._thread = None
            return bool(self._streams)

    def _round(self) -> None:
        try:
            place = self._place = self._place or self._api.place(self._project)
            for stream in list(self._streams.values()):
                self._advance(stream, place)
            self._pause = _EVERY
        except HubError:
            # Said by whoever publishes; here it only takes longer.
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _advance(self, stream: Stream, place: Place) -> None:
        if not self._is_ours(stream.folder):
            self.drop(stream.folder)
            return
        is_over = stream.is_over  # before its last bytes are read
        try:
            stream.push(self._api, place)
        except HubRefusedError as error:
            if error.status == 401:
                raise
            self.drop(stream.folder)  # it is published or deleted there, or too large
            return
        if is_over:
            self.drop(stream.folder)
            self._note(stream, place)

    def _is_ours(self, folder: RunFolder) -> bool:
        """Whether the run still goes here: its process may have connected to another Hub since."""
        try:
            shipment = read_shipment(folder)
        except CorruptError:
            return False
        return shipment is not None and (shipment.url, shipment.project) == (self._api.url, self._project)

    def _note(self, stream: Stream, place: Place) -> None:
        shipment = read_shipment(stream.folder)
        if shipment is not None and not stream.folder.is_published():
            page = self._api.page_of(place, stream.folder.id)
            changes = {"project_id": place.id, "page": page, "streamed": stream.lengths}
            write_shipment(stream.folder, settled(shipment, shipment.state, **changes), lasting=False)
