"""Which Hub, as whom, to which project: arguments before environment before profile, and no key to a strange place."""

import json
from pathlib import Path

import pytest

from dotscience.client.access import Access, find_access, key_for, project_of
from dotscience.client.profiles import Profile, Profiles
from dotscience.errors import ArgumentError, CorruptError, NotFoundError
from dotscience.records.destination import Wanted
from dotscience.settings import user_config_dir

HUB, OTHER = "https://hub.example.org", "https://other.example.org"


@pytest.fixture
def stored() -> None:
    """Two profiles."""
    Profiles().write("default", Profile(HUB, "ada", "stored-key", project="flowers"))
    Profiles().write("other", Profile(OTHER, "bob", "other-key"))


def test_arguments_are_enough() -> None:
    found = find_access(Wanted("ada", "key", "flowers", f"{HUB}/"))
    assert found == Access(HUB, "ada", "key", "flowers", None)


def test_the_environment_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("USERNAME", "ada"),
        ("APIKEY", "key"),
        ("PROJECT_NAME", "flowers"),
        ("HOSTNAME", HUB),
    ):
        monkeypatch.setenv(f"DOTSCIENCE_{name}", value)
    assert find_access(Wanted()) == Access(HUB, "ada", "key", "flowers")
    monkeypatch.setenv("DOTSCIENCE_URL", OTHER)
    assert find_access(Wanted()).url == OTHER
    assert find_access(Wanted("bob", "k", "cars", HUB)) == Access(HUB, "bob", "k", "cars")


@pytest.mark.usefixtures("stored")
def test_the_profile_fills_in_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_access(Wanted()) == Access(HUB, "ada", "stored-key", "flowers", "default")
    assert find_access(Wanted(project="cars")).project == "cars"
    assert find_access(Wanted(profile="other")).url == OTHER
    monkeypatch.setenv("DOTSCIENCE_PROFILE", "other")
    assert find_access(Wanted()) == Access(OTHER, "bob", "other-key", None, "other")


@pytest.mark.usefixtures("stored")
def test_empty_texts_say_nothing_but_an_empty_project_is_an_error() -> None:
    assert find_access(Wanted("", "", None, "")).user == "ada"
    with pytest.raises(ArgumentError, match="no project"):
        find_access(Wanted("ada", "key", "", HUB))


def test_without_an_address_there_is_no_default_and_the_cure_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"DOTSCIENCE_URL.*ds login"):
        find_access(Wanted("ada", "key", "flowers"))


def test_without_a_project_there_is_an_error_that_names_the_cure() -> None:
    with pytest.raises(ArgumentError, match="DOTSCIENCE_PROJECT_NAME"):
        project_of(find_access(Wanted("ada", "key", None, HUB)))


@pytest.mark.usefixtures("stored")
def test_a_stored_key_goes_only_to_its_own_hub() -> None:
    with pytest.raises(ArgumentError, match="no API key"):
        find_access(Wanted("ada", None, "flowers", OTHER))
    with pytest.raises(ArgumentError, match="no API key"):
        find_access(Wanted("bob", None, "flowers", HUB))


@pytest.mark.usefixtures("stored")
def test_a_workspace_can_name_a_project_but_neither_a_hub_nor_a_key(tmp_path: Path) -> None:
    """It may be somebody else's work that was downloaded."""
    (tmp_path / ".dotscience").mkdir()
    settings = {"url": OTHER, "hostname": OTHER, "apikey": "k", "username": "eve", "project_name": "cars"}
    (tmp_path / ".dotscience" / "config.json").write_text(json.dumps(settings))
    assert find_access(Wanted(), str(tmp_path)) == Access(HUB, "ada", "stored-key", "cars", "default")
    own = Path(user_config_dir())
    own.mkdir(parents=True, exist_ok=True)
    (own / "config.json").write_text(json.dumps({"url": OTHER, "apikey": "own-key", "username": "bob"}))
    assert find_access(Wanted(), str(tmp_path)) == Access(OTHER, "bob", "own-key", "cars", None)


@pytest.mark.usefixtures("stored")
def test_a_profile_that_is_not_there_is_said_to_be() -> None:
    with pytest.raises(NotFoundError, match="no profile 'team'"):
        find_access(Wanted(profile="team"))


def test_who_says_everything_needs_no_profile_that_can_be_read() -> None:
    file = Path(Profiles().file)
    file.parent.mkdir(parents=True)
    file.write_text("{")
    assert find_access(Wanted("ada", "key", "flowers", HUB)).key == "key"
    with pytest.raises(CorruptError):
        find_access(Wanted(project="flowers"))


@pytest.mark.parametrize("wanted", [Wanted(7), Wanted(url=Path("x")), Wanted(apikey=b"k")])  # type: ignore[arg-type]
def test_what_is_no_text_is_refused(wanted: Wanted) -> None:
    with pytest.raises(ArgumentError, match="must be a text"):
        find_access(wanted)


def test_access_does_not_show_its_key() -> None:
    assert "secret" not in repr(Access(HUB, "ada", "secret"))


def test_a_key_is_read_without_the_line_ends_of_the_file_that_held_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_access(Wanted(None, "ds_key\n", "flowers", HUB)).key == "ds_key"
    monkeypatch.setenv("DOTSCIENCE_APIKEY", "ds_key\r\n")
    assert find_access(Wanted("ada", None, "flowers", HUB)).key == "ds_key"
    monkeypatch.setenv("DOTSCIENCE_URL", HUB)
    found = key_for(HUB, None)
    assert found is not None and found.key == "ds_key"


@pytest.mark.parametrize("key", ["ds_secret\nds_other", "ds_\0secret", "ds_secret\udcff"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ArgumentError, match="Copy it anew") as caught:
        find_access(Wanted(None, key, "flowers", HUB))
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("stored")
def test_a_run_that_waits_is_sent_with_the_key_of_its_own_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(url: str, user: str | None) -> str | None:
        access = key_for(url, user)
        return None if access is None else access.key

    Profiles().write("second", Profile(HUB, "eve", "eves-key"))
    assert key(HUB, "ada") == "stored-key"
    assert key(HUB, "eve") == "eves-key"
    assert key(HUB, None) == "stored-key"
    assert key("https://nowhere.example.org", "ada") is None
    monkeypatch.setenv("DOTSCIENCE_APIKEY", "from-environment")
    assert key(HUB, "ada") == "stored-key"
    monkeypatch.setenv("DOTSCIENCE_URL", f"{HUB}/")
    assert key(HUB, "ada") == "from-environment"
    assert key(OTHER, "bob") == "other-key"
