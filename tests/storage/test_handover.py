"""A key on its way from a script to the `ds run` that it runs under."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dotscience.storage.handover import VARIABLE, HandedKey, Handover, hand_over

KEY = HandedKey("https://hub.example.org", "ada", "ds_secret1")


@pytest.fixture
def handover() -> Iterator[Handover]:
    with closing(Handover()) as opened:
        yield opened


def test_keys_arrive_once(handover: Handover) -> None:
    other = HandedKey("http://localhost:8000", None, "ds_secret2")
    for key in (KEY, other, KEY):
        hand_over(key, handover.environ)
    assert handover.received() == {
        ("https://hub.example.org", "ada"): "ds_secret1",
        ("http://localhost:8000", None): "ds_secret2",
    }
    assert handover.received() == {}


def test_the_way_is_a_pipe_of_the_user_alone_and_goes_away(handover: Handover) -> None:
    path = handover.environ[VARIABLE]
    status = os.stat(path)
    assert stat.S_ISFIFO(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    handover.close()
    assert not os.path.exists(os.path.dirname(path))
    hand_over(KEY, handover.environ)  # whoever goes on does not wait for anybody


def test_a_pipe_that_nobody_reads_holds_nobody_up(handover: Handover) -> None:
    for _ in range(10_000):
        hand_over(KEY, handover.environ)
    assert handover.received() == {("https://hub.example.org", "ada"): "ds_secret1"}


def test_a_key_is_not_written_to_what_is_no_pipe(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    hand_over(KEY, {VARIABLE: str(path)})
    hand_over(KEY, {})
    assert path.read_text() == ""


@pytest.mark.parametrize("mode", [0o606, 0o660, 0o604, 0o620])
def test_a_key_is_not_written_to_a_pipe_that_others_may_open(handover: Handover, mode: int) -> None:
    os.chmod(handover.environ[VARIABLE], mode)
    hand_over(KEY, handover.environ)
    assert handover.received() == {}


def test_a_key_does_not_follow_a_link(handover: Handover, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(handover.environ[VARIABLE])
    hand_over(KEY, {VARIABLE: str(link)})
    assert handover.received() == {}


def test_what_is_no_key_is_passed_over(handover: Handover) -> None:
    descriptor = os.open(handover.environ[VARIABLE], os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, b'{\n[1, 2]\n[[], "a", "b"]\n["u", null, 5]\n' + b"[" * 3000 + b"\n\xff\n")
    os.close(descriptor)
    hand_over(KEY, handover.environ)
    assert handover.received() == {("https://hub.example.org", "ada"): "ds_secret1"}
    hand_over(KEY._replace(key="x" * 1000), handover.environ)
    assert handover.received() == {}
