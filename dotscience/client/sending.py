"""One run to its Hub: first the content that the Hub lacks, then the record, then tags and notes.

What `ds run` executed follows when it has ended, in the same way.

In that order a Hub never holds a record without its content, wherever the sending breaks off, and doing it all again
does no harm.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..catalog.limits import Excess, Limits, excess_to_send
from ..catalog.parts import Part, parts_of
from ..errors import CorruptError, HubError, HubRefusedError, HubUnreachableError, NotFoundError
from ..records.record import Record
from ..records.times import iso, utc
from ..settings import SETTINGS
from ..storage.blobs import LocalBlobs
from ..storage.runs import RunFolder
from .api import HubApi, MissingBlobs, Place
from .content import Progress, Store, send_parts
from .outbox import REFUSED, SENT, WAITING, Shipment, annotation_ids, settled, write_shipment
from .streaming import Stream, end_stream

__all__ = ["Sender"]

_T = TypeVar("_T")

_TRIES = 3
"""How often a Hub may ask for content that it was sent."""


class _TooMuchError(Exception):
    """A run is more than the limits allow that are known here."""

    def __init__(self, excess: Excess) -> None:
        cure = ""
        if excess.setting is not None:
            cure = f" Where the Hub takes more, set {SETTINGS[excess.setting].variable} here as it is there, then run `ds sync`."
        super().__init__(f"It is more than a Hub takes, and was not sent: {excess.what}.{cure}")


@dataclass(frozen=True)
class _Load:
    """A document that is sent: the record of a run, or an execution.

    Attributes:
        parts: the content that it needs, by digest.
    """

    id: str
    raw: bytes
    parts: Mapping[str, Part]
    blobs: Store
    progress: Progress

    @classmethod
    def of(cls, folder: RunFolder, limits: Limits, progress: Progress) -> _Load:
        """The record of a run.

        Raises:
            CorruptError: it cannot be read.
            _TooMuchError: it holds more than a Hub takes.
        """
        with open(folder.record_path, "rb") as stream:
            raw = stream.read()
        record = Record.from_bytes(raw, folder.record_path)
        excess = excess_to_send(record, len(raw), limits)
        if excess is not None:
            raise _TooMuchError(excess)
        parts = {part.digest: part for part in parts_of(record)}
        place = os.path.dirname(os.path.dirname(folder.path))
        return cls(folder.id, raw, parts, LocalBlobs(os.path.join(place, "blobs")), progress)


class Sender:
    """Sends runs to one Hub, on behalf of one user.

    Args:
        limits: what is more is not sent.

    Example:
        >>> Sender(HubApi(Wire(access)), Limits()).send(folder, shipment).page
        'https://hub.example.org/projects/…/runs/…'
    """

    def __init__(self, api: HubApi, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.api, self._limits, self._clock = api, limits, clock
        self._places: dict[str, Place] = {}
        self._held: set[tuple[str, str]] = set()

    def know(self, place: Place) -> None:
        """Take over a project that was looked up before."""
        self._places[place.name] = place

    def place(self, project: str) -> Place:
        """The project of that name; raises as `HubApi.place` does."""
        if project not in self._places:
            self._places[project] = self.api.place(project)
        return self._places[project]

    def send(self, folder: RunFolder, shipment: Shipment, progress: Progress | None = None) -> Shipment:
        """Send what is known of a run that is over, and note in its folder what became of that.

        Raises:
            HubUnreachableError: the Hub cannot be reached; the folder stays as it is.
            AccessError: the key is not accepted at all.
            OSError: the folder cannot be read or written.
        """
        try:
            if folder.is_published():
                load = _Load.of(folder, self._limits, progress or _silent)  # before anything is asked
                place = self.place(shipment.project)
                sent = self._annotate(folder, self._send_record(load, shipment, place), place)
            else:
                sent = self._send_journal(folder, shipment, self.place(shipment.project))
        except HubRefusedError as error:
            if error.status == 401:
                raise
            sent = self._refused(folder, shipment, error)
            self._places.pop(shipment.project, None)  # it may have been removed there
        except (CorruptError, NotFoundError, _TooMuchError) as error:  # of what is on disk here
            sent = self._refused(folder, shipment, error)
        write_shipment(folder, sent, lasting=sent.state != SENT)  # sending it again would do no harm
        return sent

    def send_execution(
        self, execution: str, document: bytes, place: Place, parts: Collection[Part], blobs: Store
    ) -> None:
        """Send what `ds run` executed to a project that has a run of it.

        Args:
            parts: what it printed; `blobs` has it.

        Raises:
            HubUnreachableError, HubRefusedError: it is not there now.
            NotFoundError: what it printed is no longer here.
        """
        load = _Load(execution, document, {part.digest: part for part in parts}, blobs, _silent)
        self._send_content(load, self.api.missing(place, load.parts), place)
        self._put(load, place, self.api.put_execution)

    def _now(self) -> str:
        return iso(utc(self._clock()))

    def _refused(self, folder: RunFolder, shipment: Shipment, error: Exception) -> Shipment:
        """What is noted of a run that stays here. Where it was streamed, its Hub must not go on saying that it runs."""
        with suppress(HubError):
            place = self._places.get(shipment.project) or self.api.place_there(shipment.project)
            if place is not None:  # and none is made for a run that does not come
                end_stream(self.api, place, folder.id, "unpublished")
        return settled(shipment, REFUSED, reason=str(error), at=self._now())

    def _send_record(self, load: _Load, shipment: Shipment, place: Place) -> Shipment:
        unsure = [digest for digest in load.parts if (place.id, digest) not in self._held]
        if unsure:
            self._send_content(load, self.api.missing(place, unsure), place)
        page = self._put(load, place, self.api.put_record)
        self._held.update((place.id, digest) for digest in load.parts)
        return settled(shipment, SENT, project_id=place.id, page=page, at=self._now())

    def _put(self, load: _Load, place: Place, put: Callable[[Place, str, bytes], _T]) -> _T:
        for _ in range(_TRIES):
            try:
                return put(place, load.id, load.raw)
            except MissingBlobs as missing:
                self._held.clear()  # what was there has been removed
                self._send_content(load, set(missing.digests), place)
        raise HubUnreachableError(f"{self.api.url} goes on asking for content that it was sent.")

    def _send_content(self, load: _Load, digests: set[str], place: Place) -> None:
        parts = [part for digest, part in load.parts.items() if digest in digests]
        send_parts(parts, load.blobs, self.api, place, load.progress)

    def _annotate(self, folder: RunFolder, sent: Shipment, place: Place) -> Shipment:
        """Send the tags and notes that the Hub does not have."""
        for annotation_id in annotation_ids(folder):
            if annotation_id in sent.annotations:
                continue
            annotation = _read_annotation(folder, annotation_id)
            if annotation is not None:
                self.api.annotate(place, folder.id, annotation_id, annotation)
            sent = replace(sent, annotations=(*sent.annotations, annotation_id))
        return sent

    def _send_journal(self, folder: RunFolder, shipment: Shipment, place: Place) -> Shipment:
        stream = Stream(folder, shipment.streamed)
        stream.push(self.api, place)
        status = folder.state().status
        if status == "killed":
            end_stream(self.api, place, folder.id, status)
        page = self.api.page_of(place, folder.id)
        return settled(shipment, WAITING, project_id=place.id, page=page, streamed=stream.lengths)


def _read_annotation(folder: RunFolder, annotation_id: str) -> dict[str, Any] | None:
    """None where it is none that can be read, as readers of the folder pass over it too."""
    try:
        with open(os.path.join(folder.path, "annotations", f"{annotation_id}.json"), "rb") as stream:
            said = json.loads(stream.read())
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _silent(done: int, total: int) -> None:
    """Nobody watches."""
