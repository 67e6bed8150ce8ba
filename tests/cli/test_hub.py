"""Looking after a Hub from the command line: users, keys, projects, backup, garbage, the catalog."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import delete, update

from dotscience.catalog import tables as catalog
from dotscience.hub.access import Access, Asker
from dotscience.hub.hub import Hub
from dotscience.hub.opening import make_first_user, open_parts
from dotscience.hub.services import accounts, intake, projects
from dotscience.hub.store.tables import records
from dotscience.records.record import Record
from dotscience.settings import Settings

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=timezone.utc)
Ds = Callable[..., Result]
Hubs = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a Hub with one user, ada."""
    folder = tmp_path / "data"
    settings = Settings(environ={"DOTSCIENCE_HUB_DATA": str(folder), "DOTSCIENCE_HUB_USER": "ada"})
    hub = open_parts(settings).hub()
    make_first_user(hub, settings)
    hub.close()
    return folder


@pytest.fixture
def hub(ds: Ds, folder: Path) -> Hubs:
    """`hub("user", "list")` is what `ds hub user list` prints; with `code`, that is its exit code."""

    def call(*arguments: str, code: int = 0, input: str | None = None) -> str:
        result = ds("hub", "--data", str(folder), *arguments, input=input)
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.stderr

    return call


def opened(folder: Path) -> Hub:
    return open_parts(Settings(environ={"DOTSCIENCE_HUB_DATA": str(folder)})).hub()


def a_project(folder: Path, *run_ids: str) -> str:
    hub = opened(folder)
    access = Access(Asker(accounts.user_named(hub, "ada")))
    project = projects.add(hub, access, "flowers")
    for run in run_ids:
        record = Record(id=run, status="completed", published=NOW)
        intake.accept(hub, Access(access.asker, project), run, record.to_bytes())
    hub.close()
    return project.id


def test_users_are_added_listed_locked_out_and_let_in(hub: Hubs, folder: Path) -> None:
    key = re.findall(r"ds_\S+", hub("user", "add", "bob"))[0]
    assert [user["name"] for user in json.loads(hub("user", "list", "--json"))] == ["ada", "bob"]
    assert "administrator" in hub("user", "list")
    there = opened(folder)
    assert accounts.asker_of_key(there, key, "bob") is not None
    hub("user", "lock", "bob")
    assert accounts.asker_of_key(there, key, "bob") is None
    assert "locked out" in hub("user", "list")
    hub("user", "unlock", "bob")
    assert accounts.asker_of_key(there, key, "bob") is not None
    there.close()


def test_a_password_is_read_from_standard_input(hub: Hubs, folder: Path) -> None:
    hub("user", "passwd", "ada", input="correct horse battery\n")
    there = opened(folder)
    assert accounts.asker_of_password(there, "ada", "correct horse battery", "127.0.0.1") is not None
    hub("user", "passwd", "ada", "--none")
    assert accounts.asker_of_password(there, "ada", "correct horse battery", "127.0.0.1") is None
    there.close()
    assert "10 to 1024 characters" in hub("user", "passwd", "ada", input="short\n", code=2)


def test_keys_are_made_listed_and_revoked(hub: Hubs, folder: Path) -> None:
    project = a_project(folder)
    said = hub("key", "add", "ada", "--name", "laptop", "--days", "7", "--project", "ada/flowers")
    key, secret = re.findall(r"(?:key|API key) +(\S+)", said)
    (listed,) = [each for each in json.loads(hub("key", "list", "ada", "--json")) if each["id"] == key]
    assert (listed["name"], listed["project"], listed["expires"] > listed["created"]) == (
        "laptop",
        project,
        True,
    )
    assert secret not in hub("key", "list", "ada")
    hub("key", "revoke", "ada", key[:13])
    assert key not in hub("key", "list", "ada")
    assert "no key" in hub("key", "revoke", "ada", key, code=3)


def test_whoever_runs_the_hub_sees_who_changed_what(hub: Hubs, folder: Path) -> None:
    project = a_project(folder)
    there = opened(folder)
    ada = accounts.user_named(there, "ada")
    accounts.remove_key(there, ada, accounts.add_key(there, ada, "mine", by=ada.id)[0].id, by=ada.id)
    hub("user", "add", "bob")
    key, _ = accounts.add_key(there, accounts.user_named(there, "bob"), "for a job", project=project)
    hub("key", "revoke", "bob", key.id)
    hub("user", "lock", "bob")
    projects.remove(there, Access(Asker(ada), projects.find(there, project, Asker(ada))))
    there.close()
    said = json.loads(hub("changes", "--json"))
    assert [(each["user"], each["action"], each["subject"]) for each in reversed(said)] == [
        (None, "add user", "ada"),
        ("ada", "add project", "flowers"),
        ("ada", "add key", "mine"),
        ("ada", "revoke key", "mine"),
        (None, "add user", "bob"),
        (None, "add key", "first key"),
        (None, "add key", "for a job"),
        (None, "revoke key", "for a job"),
        (None, "lock out", "bob"),
        ("ada", "remove project", "flowers"),
    ]
    assert [(each["project"], each["detail"]) for each in said if each["subject"] == "for a job"] == 2 * [
        (project, {"of": "bob", "id": key.id})
    ]
    assert [line.split()[2:5] for line in hub("changes", "--limit", "1").splitlines()[1:]] == [
        ["ada", "remove", "project"]
    ]


def test_members_come_and_go(hub: Hubs, folder: Path) -> None:
    project = a_project(folder, "7f3c")
    hub("user", "add", "bob")
    (listed,) = json.loads(hub("project", "list", "--json"))
    assert (listed["id"], listed["owner"], listed["runs"]) == (project, "ada", 1)
    hub("project", "grant", "ada/flowers", "bob", "editor")
    assert json.loads(hub("project", "members", project[:8], "--json")) == [
        {"user": "ada", "role": "owner"},
        {"user": "bob", "role": "editor"},
    ]
    assert "needs an owner" in hub("project", "revoke", project, "ada", code=1)
    hub("project", "revoke", project, "bob")
    assert "bob" not in hub("project", "members", project)
    assert "no project" in hub("project", "members", "nothing", code=3)


def test_a_backup_comes_back_in_another_folder(hub: Hubs, ds: Ds, folder: Path, tmp_path: Path) -> None:
    a_project(folder, "7f3c")
    assert "the database and 0 blobs" in hub("backup", "hub.tar")
    result = ds("hub", "--data", str(tmp_path / "new"), "restore", "hub.tar")
    assert result.exit_code == 0, result.output
    result = ds("hub", "--data", str(tmp_path / "new"), "project", "list", "--json")
    assert [each["runs"] for each in json.loads(result.stdout)] == [1]
    assert "already" in hub("restore", "hub.tar", code=1)


def test_garbage_is_explained_before_it_is_removed(hub: Hubs, folder: Path) -> None:
    there = opened(folder)
    there.blobs.put_bytes(b"young")
    with there.blobs.upload("half") as upload:
        upload.write(b"half")
    there.close()
    assert hub("gc") == "There is nothing to remove.\n"
    document = json.loads(hub("gc", "--dry-run", "--json"))
    assert (document["blobs"], document["removed"]) == ([], False)


def test_the_catalog_is_made_anew_from_the_records(hub: Hubs, folder: Path) -> None:
    a_project(folder, "one", "two")
    there = opened(folder)
    there.change(lambda connection: connection.execute(delete(catalog.runs)))
    there.close()
    assert [each["runs"] for each in json.loads(hub("project", "list", "--json"))] == [0]
    assert hub("reindex") == "2 runs in the catalog.\n"
    assert [each["runs"] for each in json.loads(hub("project", "list", "--json"))] == [2]


def test_a_record_that_cannot_be_read_is_told_when_the_catalog_is_made_anew(ds: Ds, folder: Path) -> None:
    a_project(folder, "one", "two")
    there = opened(folder)
    there.change(
        lambda connection: connection.execute(
            update(records).where(records.c.run == "one").values(document=b"")
        )
    )
    there.close()
    result = ds("hub", "--data", str(folder), "reindex")
    assert (result.exit_code, result.stdout) == (1, "1 run in the catalog.\n")
    assert "run one: record: is damaged" in result.stderr


def test_where_there_is_no_hub_none_is_made(ds: Ds, tmp_path: Path) -> None:
    result = ds("hub", "--data", str(tmp_path / "nowhere"), "user", "list")
    assert result.exit_code == 3
    assert "There is no Hub in" in result.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["user", "add", "a b"], "1 to 64 letters"),
        (["user", "add", "ada"], "already"),
        (["user", "lock", "nobody"], "no user"),
        (["key", "add", "nobody"], "no user"),
        (["project", "grant", "ada/none", "ada", "owner"], "no project"),
    ],
)
def test_a_mistake_gets_one_line(ds: Ds, folder: Path, arguments: list[str], said: str) -> None:
    result = ds("hub", "--data", str(folder), *arguments)
    assert result.exit_code != 0
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [
        ("uvicorn", "hub", ()),
        ("argon2", "hub", ("user", "add", "bob")),
        ("psycopg", "postgres", ()),
    ],
)
def test_what_is_not_installed_is_named_with_its_cure(
    module: str, extra: str, command: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if extra == "postgres":
        monkeypatch.setenv("DOTSCIENCE_HUB_DATABASE", "postgresql://nobody@127.0.0.1:1/hub")
    without = f"import sys\nsys.modules['{module}'] = None\nfrom dotscience.cli.main import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", without, "hub", "--port", "0", "--data", str(folder), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        done.stderr
        == f"ds: A Hub needs {module}, which is not installed: pip install 'dotscience[{extra}]'\n"
    )
    assert done.returncode == 1
