"""Runs that come at once are taken in together, with the answers that each would get by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotscience.catalog.listing import find_runs
from dotscience.hub.access import Access, Asker
from dotscience.hub.problems import Problem
from dotscience.hub.services import accounts, projects, runs
from dotscience.hub.services.intake import Arrival, accept, keep
from dotscience.hub.store.changes import _attempt, _Change
from dotscience.hub.store.transactions import changing
from dotscience.records.files import FileVersion
from dotscience.records.record import Record

from ...hub_server import new_hub
from ..sending import record

if TYPE_CHECKING:
    from dotscience.hub.hub import Hub


class Sent(NamedTuple):
    """A record that is sent: variants of one run differ."""

    run: str
    variant: int
    project: int
    needs: str | None


SENT = st.builds(
    Sent,
    st.sampled_from(("a", "b", "c", "deleted", "elsewhere")),
    st.integers(0, 1),
    st.sampled_from((0, 0, 0, 1)),
    st.sampled_from((None, None, None, "ab" * 32)),
)


def made(sent: Sent) -> Record:
    outputs = [] if sent.needs is None else [FileVersion("model.pkl", sent.needs, 3, kept=True)]
    return record(sent.run, metrics={"variant": sent.variant}, outputs=outputs)


class Study:
    """A Hub with two projects, a run that was deleted and one that is in the other project."""

    def __init__(self, folder: Path) -> None:
        self.hub: Hub = new_hub(folder).state.hub
        user = accounts.add_user(self.hub, "ada")
        asked = Access(Asker(user))
        self.access = [Access(asked.asker, projects.add(self.hub, asked, name)) for name in ("one", "two")]
        for run, access in zip(("deleted", "elsewhere"), self.access, strict=True):
            accept(self.hub, access, run, record(run, metrics={"variant": 0}).to_bytes())
        runs.remove(self.hub, self.access[0], "deleted")

    def arrival(self, sent: Sent) -> Arrival:
        raw = made(sent).to_bytes()
        return Arrival(self.access[sent.project], Record.from_bytes(raw), raw, self.hub.now(), 0)

    def found(self) -> list[Any]:
        """The runs that the catalog shows of each project."""
        places = [self.hub.catalog.seen_by([access.here.id]) for access in self.access]
        return [sorted((row.id, row.metrics["variant"]) for row in find_runs(place).rows) for place in places]


def outcome(work: Callable[[], bool]) -> object:
    try:
        return work()
    except Problem as problem:
        return problem.reason


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SENT, min_size=1, max_size=6))
def test_together_they_get_the_answers_that_each_would_get_by_itself(sent: Sequence[Sent]) -> None:
    with TemporaryDirectory() as folder:
        together, alone = Study(Path(folder, "together")), Study(Path(folder, "alone"))
        changes = [_Change(keep, together.arrival(one)) for one in sent]
        with changing(together.hub.catalog.engine) as connection:
            _attempt(connection, changes)
        for change in changes:
            change.settle()
        answers = [outcome(change.done.result) for change in changes]
        one_by_one = [
            outcome(
                lambda one=one: accept(alone.hub, alone.access[one.project], one.run, made(one).to_bytes())
            )
            for one in sent
        ]
        assert answers == one_by_one
        assert together.found() == alone.found()
        for study in (together, alone):
            study.hub.close()
