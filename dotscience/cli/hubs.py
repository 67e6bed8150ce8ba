"""What `ds list` and `ds show` say of a run's way to its Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import CorruptError, NotFoundError
from ..storage.workspace import Workspace
from . import words

if TYPE_CHECKING:
    from ..client.outbox import Shipment
    from ..storage.runs import RunFolder

__all__ = ["hub_json", "hub_lines", "hub_words"]


def hub_json(run: str, root: str) -> dict[str, Any] | None:
    """Where a run goes, and `is_complete`: everything that is known of it is there. None where it goes nowhere."""
    found = _shipment(run, root)
    if found is None:
        return None
    from ..client.outbox import is_complete

    folder, shipment = found
    return {
        "url": shipment.url,
        "project": shipment.project,
        "state": shipment.state,
        "is_complete": is_complete(folder, shipment),
        "page": shipment.page,
        "reason": shipment.reason,
    }


def hub_words(run: str, root: str) -> str:
    """The same in a word or two; nothing where it goes nowhere."""
    said = hub_json(run, root)
    if said is None:
        return ""
    if said["state"] == "refused":
        return "refused"
    return "sent" if said["is_complete"] else "not sent"


def hub_lines(run: str, root: str) -> Iterator[tuple[str, str]]:
    """The same in lines."""
    said = hub_json(run, root)
    if said is None:
        return
    state = hub_words(run, root)
    cure = (
        ""
        if said["is_complete"]
        else "; `ds sync` tries again"
        if state == "refused"
        else "; `ds sync` sends it"
    )
    reason = f": {said['reason']}" if said["reason"] else ""
    yield "hub", words.clean(f"{said['url']}, project {said['project']}, {state}{reason}{cure}")
    yield "page", words.clean(said["page"] or "")


def _shipment(run: str, root: str) -> tuple[RunFolder, Shipment] | None:
    from ..catalog.find import folder_of
    from ..client.outbox import read_shipment

    try:
        folder = folder_of(run, Workspace(root))
        shipment = read_shipment(folder)
    except (CorruptError, NotFoundError):  # `ds sync` names it
        return None
    return None if shipment is None else (folder, shipment)
