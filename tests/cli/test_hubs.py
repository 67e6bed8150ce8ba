"""`ds login`, `ds logout`, `ds sync`, and what `ds list` and `ds show` say of a run's Hub, against a real Hub."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dotscience.cli.keys import KEYS
from dotscience.client.connection import connect
from dotscience.client.profiles import Profile, Profiles
from dotscience.recorder.recorder import Recorder

from ..hub_server import RunningHub

Ds = Callable[..., Result]
DsJson = Callable[..., Any]


@pytest.fixture
def published(tmp_path: Path) -> Callable[[str, str], str]:
    """`published(url, key)` publishes a run to ada's project flowers, and returns its id."""

    def publish(url: str, key: str) -> str:
        recorder = Recorder(root=tmp_path, connecting=lambda: connect)
        recorder.connect("ada", key, "flowers", url)
        recorder.start("trained")
        run = recorder.publish().id
        recorder._at_exit()
        return run

    return publish


# login and logout


def test_login_with_a_key_stores_it_and_shows_it_nowhere(ds: Ds, ds_json: DsJson, hub: RunningHub) -> None:
    key = str(hub.admin.key)
    result = ds("login", hub.url, "ada", "--project", "flowers", input=f"{key}\n")
    assert (result.exit_code, result.output) == (0, f"default: ada at {hub.url}\n")
    assert Profiles().read() == {"default": Profile(hub.url, "ada", key, None, "flowers")}
    assert ds_json("login") == [{"profile": "default", "user": "ada", "url": hub.url, "project": "flowers"}]
    assert key not in ds("login").output


def test_login_with_a_key_finds_out_whose_it_is(ds: Ds, hub: RunningHub) -> None:
    assert ds("login", hub.url, "--profile", "work", input=f"{hub.admin.key}\n").exit_code == 0
    assert Profiles().read()["work"].user == "ada"


def test_login_with_a_password_stores_a_key_that_logout_revokes(ds: Ds, hub: RunningHub) -> None:
    hub.person("bob", password="correct horse battery")
    assert ds("login", hub.url, "bob", input="correct horse battery\n").exit_code == 0
    stored = Profiles().read()["default"]
    assert stored.user == "bob" and "horse" not in Path(Profiles().file).read_text()
    bob = ("bob", stored.key)
    assert hub.nobody.get("/api/me", auth=bob).json()["user"]["name"] == "bob"
    assert ds("logout").output == "default: forgotten, and its key revoked\n"
    assert hub.nobody.get("/api/me", auth=bob).status_code == 401
    assert Profiles().read() == {}


def test_logout_leaves_a_key_good_that_was_brought(ds: Ds, ds_json: DsJson, hub: RunningHub) -> None:
    ds("login", hub.url, "ada", input=f"{hub.admin.key}\n")
    assert ds_json("logout") == {"profile": "default", "url": hub.url, "is_revoked": False}
    assert hub.admin.get("/api/me").status_code == 200
    assert ds("logout").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "secret", "words"),
    [
        (["ada"], "wrong", "does not accept"),
        ([], "wrong", "does not accept"),
        (["bob"], "KEY", "it is ada's"),
        (["ada"], "", "Nothing was given"),
    ],
)
def test_a_login_that_fails_stores_nothing(
    arguments: list[str], secret: str, words: str, ds: Ds, hub: RunningHub
) -> None:
    result = ds("login", hub.url, *arguments, input=f"{secret.replace('KEY', str(hub.admin.key))}\n")
    assert result.exit_code == (1 if secret else 2) and words in result.output
    assert Profiles().read() == {}


def test_login_to_what_is_no_address_or_away(ds: Ds, nowhere: str) -> None:
    assert ds("login", "hub.example.org", input="key\n").exit_code == 2
    assert ds("login", nowhere, input="key\n").exit_code == 5


def test_the_prompt_hides_what_is_typed(hub: RunningHub, tmp_path: Path) -> None:
    import pty
    import sys

    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "dotscience", "login", hub.url, "ada"])
    shown = b""
    while b"password" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, f"{hub.admin.key}\n".encode())
    while b" at http" not in shown:
        shown += os.read(terminal, 1000)
    os.waitpid(process, 0)
    os.close(terminal)
    assert str(hub.admin.key).encode() not in shown


# sync


def test_sync_sends_what_waits_with_the_stored_key(
    ds: Ds, ds_json: DsJson, hub: RunningHub, nowhere: str, published: Callable[[str, str], str]
) -> None:
    run = published(nowhere, "key")
    said = ds_json("sync", code=1)
    assert [(each["run"], each["outcome"], each["url"]) for each in said] == [(run, "waiting", None)]
    assert "ds login" in said[0]["reason"]
    ds("login", hub.url, "ada", input=f"{hub.admin.key}\n")
    assert ds("sync", "--to", "flowers", run[:8]).exit_code == 0
    assert ds_json("sync") == []
    (project,) = hub.admin.get("/api/projects").json()["projects"]
    assert project["runs"] == 1


def test_sync_goes_through_every_workspace(
    ds: Ds, nowhere: str, published: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published(nowhere, "key")
    Path("elsewhere").mkdir()
    monkeypatch.setenv("DOTSCIENCE_PROJECT_DOT_ROOT", str(Path("elsewhere").absolute()))
    assert ds("sync").exit_code == 0
    assert ds("sync", "--everywhere", "--apikey", "key").exit_code == 1


def test_a_run_that_went_nowhere_is_sent_when_asked(
    ds: Ds, study: Path, ids: dict[str, str], hub: RunningHub
) -> None:
    run = ids["trained 9"]
    refused = ds("sync", run)
    assert refused.exit_code == 1 and "goes to no Hub" in refused.output
    ds("login", hub.url, "ada", input=f"{hub.admin.key}\n")
    result = ds("sync", "--to", "flowers", run, ids["prepared"])
    assert result.exit_code == 0 and result.output.count("sent") == 2
    assert f"{run}  sent  {hub.url}/projects/" in result.output
    assert ds("sync", "--to", "flowers", run).exit_code == 0  # again


@pytest.mark.parametrize(
    "arguments",
    [["--to", "flowers"], ["--everywhere", "@latest"], ["--profile", "work"], ["--to", "", "@latest"]],
)
def test_sync_refuses_what_has_no_meaning(
    arguments: list[str], ds: Ds, published: Callable[[str, str], str], nowhere: str
) -> None:
    published(nowhere, "key")
    assert ds("sync", *arguments).exit_code == 2


def test_a_damaged_address_of_one_run_is_named_and_stops_no_other(
    ds: Ds, hub: RunningHub, nowhere: str, published: Callable[[str, str], str], tmp_path: Path
) -> None:
    first, second = published(hub.url, str(hub.admin.key)), published(nowhere, "key")
    (tmp_path / ".dotscience/runs" / first / "hub.json").write_text('{"url": 7}')
    result = ds("sync", "--apikey", "key")
    assert result.exit_code == 1
    assert f"{first}  refused" in result.output and "hub.json: url" in result.output
    assert f"{second}  waiting" in result.output
    assert ds("list").exit_code == 0


def test_what_they_print_as_json_has_the_keys_that_are_promised(
    ds_json: DsJson, hub: RunningHub, published: Callable[[str, str], str], nowhere: str
) -> None:
    Profiles().write("default", Profile(hub.url, "ada", str(hub.admin.key)))
    run = published(nowhere, "key")
    for name, arguments in (("login", []), ("sync", ["--to", "flowers", run]), ("logout", [])):
        document = ds_json(name, *arguments)
        for entry in document if KEYS[name].is_list else [document]:
            assert entry.keys() == set(KEYS[name].names.split())


# list and show


def test_list_and_show_say_how_far_a_run_has_come(
    ds: Ds, ds_json: DsJson, hub: RunningHub, nowhere: str, published: Callable[[str, str], str]
) -> None:
    sent, unsent = published(hub.url, str(hub.admin.key)), published(nowhere, "key")
    listed = {row["id"]: row["hub"] for row in ds_json("list")}
    assert listed[sent]["is_complete"] and listed[sent]["page"].endswith(f"/runs/{sent}")
    assert (listed[unsent]["state"], listed[unsent]["is_complete"], listed[unsent]["url"]) == (
        "waiting",
        False,
        nowhere,
    )
    table = ds("list").stdout
    assert "hub" in table.splitlines()[0] and "not sent" in table
    assert [line.split() for line in ds("list", "--columns", "hub").stdout.splitlines()] == [
        ["hub"],
        ["not", "sent"],
        ["sent"],
    ]
    assert ds_json("show", sent)["hub"] == listed[sent]
    assert f"/runs/{sent}" in ds("show", sent).stdout
    assert "`ds sync` sends it" in ds("show", unsent).stdout


def test_runs_that_go_nowhere_have_no_such_column(ds: Ds, ds_json: DsJson, study: Path) -> None:
    assert "hub" not in ds("list").stdout.splitlines()[0]
    assert {row["hub"] for row in ds_json("list")} == {None}


@pytest.mark.parametrize("name", ["url", "hostname", "username", "apikey"])
def test_a_workspace_has_no_say_in_who_somebody_is(
    name: str, ds: Ds, ds_json: DsJson, tmp_path: Path
) -> None:
    refused = ds("config", name, "value")
    assert refused.exit_code == 2 and "--user" in refused.output
    ds("config", name, "mine", "--user")
    (tmp_path / ".dotscience").mkdir(exist_ok=True)
    (tmp_path / ".dotscience/config.json").write_text(f'{{"{name}": "theirs"}}')
    assert ds_json("config", name)["from"] != str(tmp_path / ".dotscience/config.json")


def test_the_key_in_the_environment_is_not_shown(
    ds: Ds, ds_json: DsJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTSCIENCE_APIKEY", "very-secret")
    assert "very-secret" not in ds("config").output
    assert "very-secret" not in ds("config", "apikey").output
    assert ds_json("config", "apikey")["value"] == "(hidden)"
