"""A project with one of everything, and one person of every kind who may or may not touch it."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from dotscience.hub.services import accounts
from dotscience.hub.store.projects import Project
from dotscience.recorder.recorder import Recorder
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.runner.execution import Execution
from dotscience.storage.workspace import Workspace

from ..hub_server import Person, RunningHub

__all__ = ["ROLES", "People", "Scene", "a_journal", "a_record", "an_execution"]

ROLES = (
    "anonymous", "outsider", "viewer", "editor", "owner", "administrator", "other key", "expired key", "revoked key",
    "locked user", "session",
)  # fmt: skip
"""Who calls. `other key` is the owner's for another project; `session` an owner's cookie without the token of a page."""

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
_NUMBERS = itertools.count(1)


def a_record(run: str, **fields: Any) -> bytes:
    """A published run as it is sent."""
    return Record(id=run, status="completed", published=NOW, started=NOW, **fields).to_bytes()


def an_execution(execution: str, run: str, digest: str, size: int = 1) -> bytes:
    """What `ds run` executed as it is sent: it held that run, and printed that content."""
    ended = NOW + timedelta(seconds=60)
    said = Execution(execution, ("python", "train.py"), "/home/ada/study", NOW, ended, 0, runs=(run,))
    return json.dumps(replace(said, stdout={"sha256": digest, "size": size}).to_json()).encode()


def a_journal() -> bytes:
    """The journal of a run in progress, as the real recorder writes it."""
    root = Path(mkdtemp(prefix="dotscience-scene-"))
    recorder = Recorder(root=root)
    recorder.start("in progress")
    recorder.parameter("trees", 5)
    (folder,) = Workspace(str(root)).run_folders()
    data = Path(folder.journal_path).read_bytes()
    recorder.publish()
    return data


class People:
    """Somebody for each of `ROLES`, and `bob`, a viewer who can be taken out of a project."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        names = ("outsider", "viewer", "editor", "owner", "locked", "signed", "bob")
        users = {name: hub.person(name) for name in names}
        owner = users["owner"]
        self.elsewhere = hub.project(owner, "elsewhere")
        self.members = [
            (users["viewer"], "viewer"),
            (users["bob"], "viewer"),
            (users["editor"], "editor"),
            (users["signed"], "owner"),
            (users["locked"], "owner"),
        ]
        self.expired = hub.with_key(owner, expires=1)
        revoked = hub.with_key(owner)
        assert revoked.user is not None
        for key in accounts.keys_of(hub.hub, revoked.user):
            if key.name == "other" and key.expires is None:
                accounts.remove_key(hub.hub, revoked.user, key.id)
        self.by_role: dict[str, Person] = {
            "anonymous": hub.nobody,
            "outsider": users["outsider"],
            "viewer": users["viewer"],
            "editor": users["editor"],
            "owner": owner,
            "administrator": hub.admin,
            "other key": hub.with_key(owner, project=self.elsewhere.id),
            "expired key": self.expired,
            "revoked key": revoked,
            "locked user": users["locked"],
            "session": self._session(users["signed"]),
        }
        locked = users["locked"].user
        assert locked is not None
        accounts.set_active(hub.hub, locked, False, by=None)

    def _session(self, person: Person) -> Person:
        assert person.user is not None and person.key is not None
        cookie, _ = accounts.sign_in(self.hub.hub, person.user.name, person.key, "127.0.0.1")
        asking = self.hub._asking(None, None)
        asking.cookies.set("ds_session", cookie)
        return asking


@dataclass
class Scene:
    """A private project of `owner`, with what routes name in it."""

    people: People
    project: Project
    values: dict[str, str]

    @classmethod
    def make(cls, people: People, journal: bytes) -> Scene:
        hub, number = people.hub, f"{next(_NUMBERS):06}"  # none is the beginning of another
        owner = people.by_role["owner"]
        project = hub.project(owner, f"study {number}")
        for person, role in people.members:
            assert person.user is not None
            owner.put(f"/api/projects/{project.id}/members/{person.user.name}", json={"role": role})
        here = f"/api/projects/{project.id}"
        data = f"secret content {number}".encode()
        digest = hashlib.sha256(data).hexdigest()
        assert owner.put(f"{here}/blobs/{digest}", data=data).status_code == 201
        kept = FileVersion("out.csv", digest=digest, size=len(data), kept=True)
        for run in (f"run-{number}", f"gone-{number}"):
            record = a_record(run, metrics={"secret-metric": 1.0}, outputs=(kept,))
            assert owner.put(f"{here}/runs/{run}", data=record).status_code == 201
        assert owner.delete(f"{here}/runs/gone-{number}").status_code == 204
        live = f"{here}/runs/live-{number}/journal"
        assert owner.put(live, params={"offset": 0}, data=journal).status_code == 200
        execution = an_execution(f"execution-{number}", f"run-{number}", digest)
        assert owner.put(f"{here}/executions/execution-{number}", data=execution).status_code == 201
        view = owner.post(f"{here}/views", json={"name": "best", "settings": {}}).json()["id"]
        values = {
            "project": project.id,
            "run": f"run-{number}",
            "gone": f"gone-{number}",
            "live": f"live-{number}",
            "new": f"new-{number}",
            "digest": digest,
            "execution": f"execution-{number}",
            "view": view,
            "user": "bob",
            "number": number,
            "annotation": f"00000000-0000-4000-8000-{number:0>12}",
        }
        return cls(people, project, values)

    def fill(self, said: Any) -> Any:
        """With the names of this scene in place of `{run}` and the like, wherever they stand."""
        if isinstance(said, str):
            return re.sub(r"{(\w+)}", lambda found: self.values[found[1]], said)
        if isinstance(said, dict):
            return {key: self.fill(value) for key, value in said.items()}
        return [self.fill(item) for item in said] if isinstance(said, list) else said
