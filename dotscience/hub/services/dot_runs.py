"""Commits of runs by the 0.8.7 client: their metadata becomes sealed records, the files sent before become their outputs.

The client sends its outputs first, without saying for which run, and never learns whether they came. So a run's outputs are
looked for among what the same user sent to the same branch a short while ago and no other run has named.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ...records.commit import CommitMetadata, RunMetadata, parse_commit
from ...records.commit_runs import last_model, record_of
from ...records.files import FileVersion
from ...records.record import Record
from ...records.times import utc
from ..hub import Hub
from ..problems import Problem
from ..store import commits, entries, holdings, projects
from ..store.commits import Commit
from ..store.entries import Entry
from . import dots, intake
from .dots import Place
from .intake import Arrival
from .limits import check_record, check_run_id
from .outputs import Found, Sent, match

__all__ = ["GRACE", "PATIENCE", "Wanted", "is_ready", "keep", "prepare"]

PATIENCE = 60.0
"""Seconds that a commit waits at most for files that are still coming."""

GRACE = 2.0
"""Seconds that it waits for outputs of which nothing is to be seen: their upload may not have been noticed yet."""

_FRESH = 60 * 60 * 1_000_000
"""Microseconds after which files that were sent belong to a client that has died."""

_MOST_LOOKED_AT = 50
_LONGEST_KEY = 2000
_ID = "#commit-id"


@dataclass(frozen=True)
class Wanted:
    """A commit that is about to be made.

    Attributes:
        metadata: what stands in it, but for what the Hub says of every commit.
        runs: those that it holds.
    """

    id: str
    metadata: Mapping[str, str]
    commit: CommitMetadata
    runs: tuple[RunMetadata, ...]


def prepare(place: Place, message: str, metadata: Mapping[str, str]) -> Wanted:
    """What a commit asks for.

    Raises:
        Problem: 422, a key or the id of a run does not fit; 403, only an administrator may choose the id of a commit.
    """
    said = dict(metadata)
    commit = _own_id(place, said.pop(_ID, None))
    for key in said:
        if not ("a" <= key[:1] <= "z" and len(key) <= _LONGEST_KEY):
            raise Problem(
                422,
                f"A key of the metadata begins with a lowercase letter and has at most {_LONGEST_KEY} characters; not "
                f"{key[:80]!r}.",
            )
    said = {"message": message, "author": place.access.user.name, **said}
    parsed = parse_commit(said)
    found = {run.id: run for run in parsed.runs}
    for run in found:
        check_run_id(run)
    return Wanted(commit, said, parsed, tuple(found.values()))


def is_ready(hub: Hub, place: Place, wanted: Wanted, waited: float) -> bool:
    """Whether the commit need not wait any longer.

    Args:
        waited: seconds so far.
    """
    if waited >= PATIENCE:
        return True

    def ask(connection: Connection) -> bool:
        if holdings.uploads_in_flight(connection, place.dot.id, hub.now()):
            return False
        if waited >= GRACE:
            return True
        sent = _sent(hub, connection, place)
        return all(match(run.outputs, sent).is_whole for run in wanted.runs)

    return hub.read(ask)


def keep(hub: Hub, place: Place, wanted: Wanted) -> str:
    """Make the commit, and take in its runs with it; the commit's id. One that was made already is not made again.

    Raises:
        Problem: as services.intake.keep; 409, one of its runs is here already.
    """

    def work(connection: Connection) -> str:
        again = _same(connection, place, wanted)
        if again is not None:
            return again.id
        number = commits.next_number(connection, place.branch.id)
        kind = commits.RUNS if wanted.runs else commits.OTHER
        commit = dots.new_commit(hub, place, number, kind, dict(wanted.metadata), commit=wanted.id)
        commits.add_commit(connection, commit)
        for run in wanted.runs:
            _keep_run(hub, connection, place, wanted, run)
        projects.touch(connection, place.project.id, hub.now())
        return commit.id

    return hub.change(work)


def _keep_run(hub: Hub, connection: Connection, place: Place, wanted: Wanted, run: RunMetadata) -> None:
    found = match(run.outputs, _sent(hub, connection, place))
    still_coming = holdings.uploads_in_flight(connection, place.dot.id, hub.now()) > 0
    record = record_of(
        wanted.commit,
        run,
        outputs=_versions(run, found),
        published=utc(hub.clock()),
        notices=_notices(found, still_coming=still_coming),
    )
    check_record(hub, record)
    raw = record.to_bytes()
    record = replace(record, seal=Record.from_bytes(raw).seal)
    intake.keep(connection, [Arrival(place.access, record, raw, hub.now(), hub.settings.limits.project)])
    commits.take(connection, found.uploads)
    commits.note_run(connection, run.id, wanted.id, last_model(run))


def _same(connection: Connection, place: Place, wanted: Wanted) -> Commit | None:
    """The commit that this one repeats, because its answer was lost. Raises Problem where another holds one of its runs."""
    for run in wanted.runs:
        there = commits.commit_of_run(connection, run.id)
        if there is not None:
            said = {key: value for key, value in there.metadata.items() if key != "timestamp"}
            asked = {key: value for key, value in wanted.metadata.items() if key != "timestamp"}
            if there.branch == place.branch.id and said == asked:
                return there
            raise Problem(
                409, f"The Hub holds a run {run.id} already. Publish again to make a new one.", "differs"
            )
    return None


def _own_id(place: Place, said: str | None) -> str:
    if said is None:
        return str(uuid.uuid4())
    if not place.access.user.is_admin:
        raise Problem(403, "Only an administrator of this Hub may choose the id of a commit.")
    try:
        return str(uuid.UUID(said))
    except ValueError:
        raise Problem(422, f"The id of a commit is a uuid, not {said[:80]!r}.") from None


def _sent(hub: Hub, connection: Connection, place: Place) -> list[Sent]:
    """What the asker has sent to the branch and no run has named, newest first."""
    user, since = place.access.user.id, hub.now() - _FRESH
    found = commits.untaken_uploads(connection, place.branch.id, user, since, _MOST_LOOKED_AT)
    return [
        Sent(commit.id, commit.path or "", commit.kind == commits.TREE, _files(connection, commit))
        for commit in found
    ]


def _files(connection: Connection, commit: Commit) -> Mapping[str, Entry]:
    return {
        entry.path: entry for entry in entries.entries_of_commit(connection, commit.branch, commit.number)
    }


def _versions(run: RunMetadata, found: Found) -> tuple[FileVersion, ...]:
    def version(path: str) -> FileVersion:
        entry = found.files.get(path)
        if entry is None:
            return FileVersion(path, unseen="named")
        return FileVersion(path, entry.digest, entry.size, kept=True)

    return tuple(map(version, sorted(set(run.outputs))))


def _notices(found: Found, *, still_coming: bool) -> Sequence[str]:
    notices = []
    if not found.is_whole:
        why = (
            "it was still coming when the run was published"
            if still_coming
            else "it never came or was refused"
        )
        notices.append(
            f"The content of {len(found.missing)} outputs is not known, such as {found.missing[0]}: {why}."
        )
    if found.is_ambiguous:
        notices.append(
            "Several uploads fit the names of the outputs, because several runs were published at once; the newest was taken."
        )
    return notices
