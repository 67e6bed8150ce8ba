"""Sends runs to a Hub as the client does: records with their content, and runs in progress piece by piece."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.storage.journal import encode_events
from dotscience.storage.points import Layout, Rows, layout_frame, rows_frame
from dotscience.storage.series import pack_series

if TYPE_CHECKING:
    from ..hub_server import Person

__all__ = ["NOW", "Live", "kept", "record", "send", "sent_series", "upload"]

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)


def record(run: str = "7f3c", **fields: Any) -> Record:
    """A record of a run that took a minute."""
    times = {"published": NOW + timedelta(seconds=61), "started": NOW, "ended": NOW + timedelta(seconds=60)}
    return Record(**{"id": run, "status": "completed", **times, **fields})


def send(person: Person, project: str, sent: Record) -> None:
    """Publish a record, which must be taken."""
    answer = person.put(f"/api/projects/{project}/runs/{sent.id}", data=sent.to_bytes())
    assert answer.status_code == 201, answer.text


def upload(person: Person, project: str, data: bytes) -> str:
    """Send content; gives its digest."""
    digest = hashlib.sha256(data).hexdigest()
    assert person.put(f"/api/projects/{project}/blobs/{digest}", data=data).status_code in (200, 201)
    return digest


def kept(person: Person, project: str, path: str, data: bytes) -> FileVersion:
    """A file version whose content is sent."""
    return FileVersion(path, upload(person, project, data), len(data), kept=True)


def table(names: Sequence[str], rows: Sequence[Sequence[float]], start: int = 0) -> bytes:
    """Rows of values, one for each name, as a frame holds them: one step and 100 ms after another."""
    began = int(NOW.timestamp() * 1000)
    pack = struct.Struct(f"<qq{len(names)}d").pack
    return b"".join(pack(step, began + 100 * step, *values) for step, values in enumerate(rows, start))


def sent_series(person: Person, project: str, values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The `series` of a record whose points are sent."""
    names = tuple(values)
    written = io.BytesIO()
    payload = table(names, list(zip(*values.values(), strict=True)))
    said = pack_series([Rows(Layout(names, False), 1, payload)], written.write)
    blob = {"sha256": upload(person, project, written.getvalue()), "size": len(written.getvalue())}
    return {"blob": blob, "names": said}


class Live:
    """A run in progress."""

    def __init__(self, person: Person, project: str, run: str, names: Sequence[str] = ("loss",)) -> None:
        self._person, self._address = person, f"/api/projects/{project}/runs/{run}"
        self._lengths = {"journal": 0, "points": 0}
        self._names, self._count = tuple(names), 0
        header = {"journal": 1, "id": run, "root": "/home/ada/study", "process": {"host": "lab"}}
        self.say(header, ["started", NOW.timestamp()])
        self.piece("points", layout_frame(0, Layout(self._names, False)))

    def say(self, *events: Any) -> None:
        """Append events to its journal."""
        self.piece("journal", encode_events(events))

    def log(self, *rows: Sequence[float]) -> None:
        """Append rows of values to its points."""
        payload = table(self._names, rows, self._count)
        self._count += len(rows)
        self.piece("points", rows_frame(0, self._count, payload))

    def piece(self, kind: str, data: bytes) -> None:
        """Append bytes to a file of it, which must be taken."""
        answer = self.offer(kind, data)
        assert answer.status_code == 200, answer.text
        self._lengths[kind] += len(data)

    def offer(self, kind: str, data: bytes) -> Any:
        """Send the next bytes of a file of it."""
        return self._person.put(f"{self._address}/{kind}?offset={self._lengths[kind]}", data=data)

    def shown(self) -> Any:
        """What the API says of it."""
        return json.loads(self._person.get(self._address).text)
