"""Runs: looked at, annotated, deleted and restored."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ...catalog.neighbours import neighbours
from ...catalog.rows import from_record
from ...catalog.shared_writing import forget_runs, write_runs
from ...records.record import Record
from ...records.times import iso, parse_iso, utc
from ..access import Access
from ..hub import Hub
from ..problems import Problem
from ..store import live, projects, records
from ..store.audit import note_change
from ..times import iso_of
from .live import record_of, show_what_fits
from .projects import visible

__all__ = [
    "HubRun",
    "annotate",
    "deleted",
    "find",
    "remove",
    "restore",
    "sealed",
]

_MOST_NEIGHBOURS = 1000
_WORD = re.compile(r"\S{1,200}")


@dataclass(frozen=True)
class HubRun:
    """One run with what stands beside its record.

    Attributes:
        record: its record; of a run in progress, what its journal says in the form of one.
        project: id of its project.
        user: name of who sent it.
        heard: when a run in progress was last heard of, in microseconds since the Unix epoch; None once published.
        tags: as they stand now; `notes` are annotations, oldest first.
        made_from, used_by: ids of the runs, as far as the asker may see them, that made what it read, and that read what it
            made; newest first, up to 1,000 of each.
    """

    record: Record
    project: str
    user: str
    is_published: bool
    heard: int | None
    tags: tuple[str, ...]
    notes: tuple[Mapping[str, Any], ...]
    made_from: tuple[str, ...]
    used_by: tuple[str, ...]

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.id

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: the record's own fields, and those that stand beside it."""
        fields = self.record.to_json()
        if not self.is_published:
            del fields["published"], fields["record"]
        return {
            **fields,
            "project": self.project,
            "user": self.user,
            "is_published": self.is_published,
            "heard": None if self.heard is None else iso_of(self.heard),
            "tags": list(self.tags),
            "notes": [dict(note) for note in self.notes],
            "made_from": list(self.made_from),
            "used_by": list(self.used_by),
        }


def find(hub: Hub, access: Access, run: str) -> HubRun:
    """A run of a project with everything beside it.

    Raises:
        Problem: 404, the project has no such run.
    """
    project = access.here
    seen = hub.catalog.seen_by(visible(hub, access.asker))

    def ask(connection: Connection) -> tuple[Record, str, bool, int | None, list[dict[str, Any]]]:
        said = records.annotations_of(connection, run)
        there = records.find_record(connection, run)
        if there is not None and there.project == project.id and there.deleted is None:
            raw = records.sealed(connection, run)
            if raw is not None:
                return Record.from_bytes(raw, run), there.user, True, None, said
        running = live.find_live(connection, run)
        if running is None or running.project != project.id:
            raise no_run(run)
        return record_of(connection, run), running.user, False, running.heard, said

    record, user, is_published, heard, said = hub.read(ask)
    made_from, used_by = neighbours(run, [seen], most=_MOST_NEIGHBOURS)
    notes = tuple(one for one in said if isinstance(one.get("note"), str))
    return HubRun(record, project.id, user, is_published, heard, _tags(said), notes, made_from, used_by)


def no_run(run: str) -> Problem:
    """The answer to a run that the project does not have."""
    return Problem(404, f"There is no run {run[:100]!r} in this project.")


def sealed(hub: Hub, access: Access, run: str) -> bytes:
    """The record's bytes as they were sent.

    Raises:
        Problem: 404, the project has no such published run.
    """

    def ask(connection: Connection) -> bytes | None:
        there = records.find_record(connection, run)
        is_here = there is not None and there.project == access.here.id and there.deleted is None
        return records.sealed(connection, run) if is_here else None

    raw = hub.read(ask)
    if raw is None:
        raise no_run(run)
    return raw


def annotate(
    hub: Hub, access: Access, run: str, said: Mapping[str, str], *, annotation: str | None = None
) -> dict[str, Any]:
    """Tag a run, take a tag away, or add a note; saying the same annotation twice says it once.

    Args:
        said: one of `tag`, `untag` and `note`, and optionally `at` (ISO 8601).
        annotation: its id, a uuid; a new one when absent.

    Raises:
        Problem: 404, there is no such run; 422, it is no annotation.
    """
    document = {**_annotation(hub, said), "author": access.user.name}
    number = _uuid(annotation)

    def work(connection: Connection) -> None:
        is_published = _require(connection, access, run)
        if records.add_annotation(connection, number, run, access.here.id, document):
            if is_published:
                reindex(connection, run, access.here.id)
            else:
                show_what_fits(hub, connection, run, access.here.id)
            projects.touch(connection, access.here.id, hub.now())

    hub.change(work)
    return {"id": number, **document}


def remove(hub: Hub, access: Access, run: str) -> None:
    """Delete a run; it can be restored until `ds hub gc` removes it. A run in progress is dropped for good.

    Raises:
        Problem: 404, the project has no such run.
    """
    project, user, now = access.here, access.user, hub.now()

    def work(connection: Connection) -> None:
        if _require(connection, access, run):
            records.mark_deleted(connection, run, now, user.id)
        else:
            live.drop(connection, run)
            records.forget_record(connection, [run])  # what was said of it: the id may come again, elsewhere
        forget_runs(connection, [run])
        projects.touch(connection, project.id, now)
        note_change(connection, now, user.id, "delete run", run, project=project.id)

    hub.change(work)


def restore(hub: Hub, access: Access, run: str) -> None:
    """Undo the deletion of a run.

    Raises:
        Problem: 404, no such run was deleted in this project.
    """
    project, user, now = access.here, access.user, hub.now()

    def work(connection: Connection) -> None:
        there = records.find_record(connection, run)
        if there is None or there.project != project.id or there.deleted is None:
            raise Problem(404, f"There is no deleted run {run[:100]!r} in this project.")
        records.mark_deleted(connection, run, None, None)
        reindex(connection, run, project.id)
        projects.touch(connection, project.id, now)
        note_change(connection, now, user.id, "restore run", run, project=project.id)

    hub.change(work)


def deleted(hub: Hub, access: Access) -> list[dict[str, Any]]:
    """The deleted runs of a project that can be restored: `run`, `user`, `deleted` (ISO 8601)."""
    found = hub.read(lambda connection: records.deleted_records(connection, access.here.id))
    return [{"run": each.run, "user": each.user, "deleted": iso_of(each.deleted or 0)} for each in found]


def reindex(connection: Connection, run: str, project: str) -> None:
    """Write a published run's rows of the catalog anew."""
    raw = records.sealed(connection, run)
    if raw is not None:
        said = records.annotations_of(connection, run)
        write_runs(connection, [(from_record(Record.from_bytes(raw, "record"), said), project)])


def _require(connection: Connection, access: Access, run: str) -> bool:
    """Whether the run is published. Raises Problem where the project has no such run."""
    there = records.find_record(connection, run)
    if there is not None and there.project == access.here.id and there.deleted is None:
        return True
    running = live.find_live(connection, run)
    if running is None or running.project != access.here.id:
        raise no_run(run)
    return False


def _tags(said: list[dict[str, Any]]) -> tuple[str, ...]:
    tags: dict[str, None] = {}
    for one in said:
        if isinstance(one.get("tag"), str):
            tags[one["tag"]] = None
        elif isinstance(one.get("untag"), str):
            tags.pop(one["untag"], None)
    return tuple(tags)


def _annotation(hub: Hub, said: Mapping[str, str]) -> dict[str, str]:
    kinds = [kind for kind in ("tag", "untag", "note") if kind in said]
    if len(kinds) != 1:
        raise Problem(422, "An annotation is one tag, untag or note.")
    (kind,) = kinds
    words = said[kind]
    if kind != "note" and not (_WORD.fullmatch(words) and words.isprintable()):
        raise Problem(422, f"A tag is one word of at most 200 printable characters, not {words[:80]!r}.")
    most = hub.settings.limits.value
    if kind == "note" and not words.strip():
        raise Problem(422, "A note is a text.")
    if kind == "note" and 0 < most < len(words.encode("utf-8", "replace")):
        raise Problem(422, f"A note is a text of at most {most} bytes.", "limit")
    try:
        at = iso(parse_iso(said["at"])) if "at" in said else iso(utc(hub.clock()))
    except ValueError:
        raise Problem(422, f"at must be an ISO 8601 time, not {said['at'][:80]!r}.") from None
    return {"at": at, kind: words}


def _uuid(annotation: str | None) -> str:
    try:
        return str(uuid.uuid4() if annotation is None else uuid.UUID(annotation))
    except ValueError:
        raise Problem(422, f"An annotation's id is a uuid, not {str(annotation)[:80]!r}.") from None
