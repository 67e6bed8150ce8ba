"""Runs to look at on pages."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from dotscience.records.record import Record
from dotscience.records.values import stored

if TYPE_CHECKING:
    from ...hub_server import Person

__all__ = ["MARKUP", "begin_run", "go_on", "send_run", "send_study"]

MARKUP = "<script>alert(1)</script><b onmouseover=alert(2)>&amp;\"'`"
"""What must be shown as it is, wherever a text of a user stands."""

_HOUR = timedelta(hours=1)


def send_run(person: Person, project: str, run: str, **fields: Any) -> Record:
    """Send a published run."""
    started = fields.pop("started", datetime.now(timezone.utc) - _HOUR)
    for kind in ("parameters", "metrics", "labels"):
        fields[kind] = {name: stored(value) for name, value in fields.get(kind, {}).items()}
    record = Record(
        run,
        fields.pop("status", "completed"),
        published=started + timedelta(minutes=5),
        started=started,
        ended=started + timedelta(minutes=4),
        **fields,
    )
    answer = person.put(f"/api/projects/{project}/runs/{run}", data=record.to_bytes())
    assert answer.status_code == 201, answer.text
    return record


def begin_run(person: Person, project: str, run: str, *events: list[Any]) -> None:
    """Send the beginning of a run in progress."""
    now = datetime.now(timezone.utc).timestamp()
    lines: list[Any] = [{"journal": 1, "id": run}, ["started", now - 60], *events]
    _append(person, project, run, lines, 0)


def go_on(person: Person, project: str, run: str, *events: list[Any]) -> None:
    """Send more of a run in progress."""
    held = person.get(f"/api/projects/{project}/runs/{run}/journal").json()["length"]
    _append(person, project, run, list(events), held)


def _append(person: Person, project: str, run: str, lines: list[Any], offset: int) -> None:
    body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    answer = person.put(f"/api/projects/{project}/runs/{run}/journal", params={"offset": offset}, data=body)
    assert answer.status_code == 200, answer.text


def send_study(person: Person, project: str, count: int = 60, seed: int = 1) -> None:
    """Send a study of forests: parameters, metrics, labels, and a failure here and there."""
    chance = random.Random(seed)
    begin = datetime.now(timezone.utc) - count * _HOUR
    for number in range(count):
        depth, rate = chance.randint(2, 12), round(10 ** chance.uniform(-3, 0), 4)
        accuracy = 0.7 + 0.02 * depth - abs(rate - 0.1) * 0.2 + chance.gauss(0, 0.02)
        is_bad = number % 17 == 5
        send_run(
            person,
            project,
            f"{chance.getrandbits(128):032x}",
            started=begin + number * _HOUR,
            status="failed" if is_bad else "completed",
            error="no rows left after the filter on age" if is_bad else None,
            description=f"forest of depth {depth}, learning rate {rate}",
            parameters={
                "depth": depth,
                "learning_rate": rate,
                "trees": chance.choice([50, 100, 200]),
                "seed": number,
            },
            metrics={}
            if is_bad
            else {"accuracy": accuracy, "loss": 1.2 - accuracy, "val.loss": 1.3 - accuracy},
            labels={"mode": chance.choice(["train", "test"])},
        )
