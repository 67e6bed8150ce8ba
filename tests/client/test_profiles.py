"""Profiles: kept for their owner only, never damaged, and nothing of them is shown that must not be."""

import json
import os
import stat
from pathlib import Path

import pytest

from dotscience.client.profiles import Profile, Profiles
from dotscience.errors import CorruptError

ADA = Profile("https://hub.example.org", "ada", "ds_secret", project="flowers")
BOB = Profile("http://localhost:8000", "bob", "ds_other", key_id="7")


def test_several_are_stored_under_their_names() -> None:
    profiles = Profiles()
    assert profiles.read() == {}
    profiles.write("default", ADA)
    profiles.write("local", BOB)
    assert Profiles().read() == {"default": ADA, "local": BOB}
    assert profiles.remove("default") == ADA
    assert profiles.remove("default") is None
    assert Profiles().read() == {"local": BOB}


def test_only_their_owner_may_read_them() -> None:
    old = os.umask(0)
    try:
        Profiles().write("default", ADA)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(Profiles().file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(Profiles().file)).st_mode) == 0o700


def test_a_profile_does_not_show_its_key() -> None:
    assert "ds_secret" not in repr(ADA) and "ada" in repr(ADA)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("{", ""),
        ("[]", "profiles"),
        ('{"profiles": []}', "profiles"),
        ('{"profiles": {"default": 7}}', "default"),
        ('{"profiles": {"default": {"url": "u", "user": "a"}}}', "default.key"),
        ('{"profiles": {"default": {"url": "u", "user": 7, "key": "k"}}}', "default.user"),
        (
            '{"profiles": {"default": {"url": "u", "user": "a", "key": "k", "project": []}}}',
            "default.project",
        ),
        ("[" * 100_000, ""),
    ],
)
def test_a_damaged_file_is_named_with_its_field_and_left_as_it_is(content: str, field: str) -> None:
    Profiles().write("default", ADA)
    file = Profiles().file
    with open(file, "w") as stream:
        stream.write(content)
    with pytest.raises(CorruptError) as caught:
        Profiles().write("other", BOB)
    assert (caught.value.file, caught.value.field) == (file, field)
    assert Path(file).read_text() == content


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    os.makedirs(os.path.dirname(Profiles().file))
    wire = {"url": ADA.url, "user": "ada", "key": "ds_secret", "project": "flowers", "colour": "red"}
    with open(Profiles().file, "w") as stream:
        json.dump({"profiles": {"default": wire}}, stream)
    assert Profiles().read() == {"default": ADA}
