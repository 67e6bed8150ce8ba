"""How answers are written: in the thread that made them, so that nobody waits for a large one."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, ItemsView
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dotscience.hub.access import Need
from dotscience.hub.api.answers import written_where_made
from dotscience.hub.protocols.methods import METHODS
from dotscience.hub.routes import API, OLD_CLIENT, PAGES, Route

from ...hub_server import Person, running

LIMIT = 20.0
"""Seconds after which somebody counts as held up."""


class Large(dict[str, int]):
    """A value that takes until others were answered to be written."""

    begun, others_are_answered = threading.Event(), threading.Event()

    def items(self) -> ItemsView[str, int]:  # type: ignore[override]
        self.begun.set()
        assert self.others_are_answered.wait(LIMIT), "the event loop waits for one answer"
        return super().items()


def by_rest(person: Person) -> Any:
    return person.get("/large").json()


def by_rpc(person: Person) -> Any:
    request = {"jsonrpc": "2.0", "method": "DotmeshRPC.Large", "id": 1}
    return person.post("/v2/dotmesh/rpc", json=request).json()["result"]


@pytest.mark.parametrize("ask", [by_rest, by_rpc])
def test_others_are_answered_while_a_large_answer_is_written(
    ask: Callable[[Person], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Large, "begun", threading.Event())
    monkeypatch.setattr(Large, "others_are_answered", threading.Event())
    route = Route("GET", "/large", lambda: Large(a=1), Need.NOTHING)
    monkeypatch.setattr("dotscience.hub.app.PAGES", [*PAGES, route])
    monkeypatch.setitem(METHODS, "Large", lambda call: Large(a=1))
    with running(tmp_path) as hub, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, hub.admin)
        assert Large.begun.wait(LIMIT)
        assert hub.nobody.get("/healthz").status_code == 200
        Large.others_are_answered.set()
        assert answer.result(LIMIT) == {"a": 1}


def test_what_a_route_takes_is_said_in_types_which_every_version_of_fastapi_reads() -> None:
    """Old ones look the words of annotations up where the function stands that they are given."""
    for route in (*API, *PAGES, *OLD_CLIENT):
        if not inspect.iscoroutinefunction(route.handler):
            said = inspect.signature(written_where_made(route.handler, route.status)).parameters
            assert not [each for each in said.values() if isinstance(each.annotation, str)], route.path
