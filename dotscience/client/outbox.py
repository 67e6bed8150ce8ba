"""`hub.json` in a run's folder: to which Hub the run goes, and how far that has come. The folder is the outbox.

It holds no key. It is written whole and renamed; of two writers the last one wins, which does no harm, for a Hub takes
the same run twice as once. docs/formats.md lists its fields.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ..errors import CorruptError
from ..storage.runs import RunFolder
from ..storage.whole import write_whole
from ..storage.workspace import Workspace

__all__ = [
    "FILES",
    "Shipment",
    "annotation_ids",
    "is_complete",
    "read_shipment",
    "shipments",
    "write_shipment",
]

WAITING, SENT, REFUSED = "waiting", "sent", "refused"
STATES = (WAITING, SENT, REFUSED)

FILES = {"journal": "journal.jsonl", "points": "points.bin"}
"""What is sent of a run in progress: its name on the Hub, and in the run's folder."""


@dataclass(frozen=True)
class Shipment:
    """Where a run goes.

    Attributes:
        url: the Hub's address.
        project: the project's name; `project_id`: its id, once it is known.
        user, profile: who sends it, and the profile whose key does.
        state: `waiting`, `sent` or `refused`.
        page: the address of the run's page, once it is there.
        at: when it was sent or refused, ISO 8601.
        reason: why it was refused, or why it waits.
        annotations: ids of the tags and notes that are there.
        streamed: how many bytes of each of `FILES` are there, of a run that was left without a record.
    """

    url: str
    project: str
    project_id: str | None = None
    user: str | None = None
    profile: str | None = None
    state: str = WAITING
    page: str | None = None
    at: str | None = None
    reason: str | None = None
    annotations: tuple[str, ...] = ()
    streamed: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document: fields that say nothing are left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), {})}

    @classmethod
    def from_json(cls, wire: Any, source: str) -> Shipment:
        """Inverse of `to_json`.

        Raises:
            CorruptError: names the field that is wrong.
        """
        if not isinstance(wire, dict):
            raise CorruptError(source, "", "must be a JSON object; `ds sync --to PROJECT` writes it anew")
        values = {each.name: wire[each.name] for each in fields(cls) if each.name in wire}
        for name, value in values.items():
            if not _fits(name, value):
                raise CorruptError(
                    source, name, "is not as it must be; `ds sync --to PROJECT` writes the file anew"
                )
        for name in ("url", "project"):
            if name not in values:
                raise CorruptError(source, name, "is missing; `ds sync --to PROJECT` writes the file anew")
        return cls(**{**values, "annotations": tuple(values.get("annotations", ()))})


def _fits(name: str, value: Any) -> bool:
    if name == "annotations":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if name == "streamed":
        return isinstance(value, dict) and all(type(each) is int for each in value.values())
    return isinstance(value, str) and (name != "state" or value in STATES)


def read_shipment(folder: RunFolder) -> Shipment | None:
    """Where the run goes, or None where it goes nowhere.

    Raises:
        CorruptError: the file cannot be read.
    """
    path = _path(folder)
    try:
        with open(path, "rb") as stream:
            return Shipment.from_json(json.loads(stream.read()), path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, CorruptError):
            raise
        raise CorruptError(
            path, "", f"cannot be read ({error}); `ds sync --to PROJECT` writes it anew"
        ) from None


def write_shipment(folder: RunFolder, shipment: Shipment, *, lasting: bool = True) -> None:
    """Write `hub.json` anew.

    Args:
        lasting: also after a power failure; without that it costs the caller no wait for the disk.

    Raises:
        OSError: it could not be written.
    """
    data = json.dumps(shipment.to_json(), sort_keys=True).encode("ascii") + b"\n"
    write_whole(_path(folder), data, durable=lasting)


def annotation_ids(folder: RunFolder) -> list[str]:
    """The ids of a run's tags and notes, sorted."""
    try:
        names = os.listdir(os.path.join(folder.path, "annotations"))
    except OSError:
        return []
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def is_complete(folder: RunFolder, shipment: Shipment) -> bool:
    """Whether everything that is known of the run here is on the Hub too."""
    if folder.is_published():
        return shipment.state == SENT and set(annotation_ids(folder)) <= set(shipment.annotations)
    return all(_size(folder, file) == shipment.streamed.get(kind, 0) for kind, file in FILES.items())


def settled(shipment: Shipment, state: str, **changes: Any) -> Shipment:
    """The shipment in another state, without what was said of the state before."""
    return replace(shipment, **{"state": state, "reason": None, "at": None, **changes})


def shipments(workspace: Workspace) -> Iterator[tuple[RunFolder, Shipment]]:
    """Every run of a workspace that goes to a Hub, oldest first as far as folders tell; unreadable ones are passed over."""
    return _with_shipment(sorted(workspace.run_folders(), key=_age))


def _with_shipment(folders: Iterable[RunFolder]) -> Iterator[tuple[RunFolder, Shipment]]:
    for folder in folders:
        try:
            shipment = read_shipment(folder)
        except CorruptError:  # `ds sync` names it
            continue
        if shipment is not None:
            yield folder, shipment


def _age(folder: RunFolder) -> float:
    try:
        return os.stat(folder.path).st_mtime
    except OSError:
        return 0.0


def _size(folder: RunFolder, file: str) -> int:
    try:
        return os.stat(os.path.join(folder.path, file)).st_size
    except OSError:
        return 0


def _path(folder: RunFolder) -> str:
    return os.path.join(folder.path, "hub.json")
