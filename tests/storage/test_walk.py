"""Walking a directory: every file below it, whatever kinds of things lie in the way."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.storage.walk import Located, walk


def write(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def listed(directory: Path | str) -> dict[str, str | None]:
    return {found.path: found.unseen for found in walk(str(directory), ".")}


def test_every_file_is_found_with_its_stat_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a/b/c", "c/d", "A"):
        write(tmp_path / name, name)
    assert list(walk(str(tmp_path), ".")) == [
        Located(name, str(tmp_path / name), (tmp_path / name).stat())
        for name in ("A", "a/b/c", "a/z", "b", "c/d")
    ]


def test_files_are_named_after_what_records_call_the_directory(tmp_path: Path) -> None:
    write(tmp_path / "data" / "x" / "y")
    (found,) = walk("data", "../data")
    assert (found.path, found.absolute) == ("../data/x/y", os.path.join("data", "x", "y"))


def test_an_empty_directory_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert list(walk(str(tmp_path), ".")) == []


def test_links_to_files_and_directories_are_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "real", "content")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "file").symlink_to(outside)
    (inside / "folder").symlink_to(outside.parent)
    assert listed(inside) == {"file": None, "folder/real": None}
    assert all(found.stat is not None and found.stat.st_size == 7 for found in walk(str(inside), "."))


def test_a_directory_reached_in_two_ways_is_listed_twice(tmp_path: Path) -> None:
    write(tmp_path / "one" / "x")
    (tmp_path / "two").symlink_to("one")
    assert listed(tmp_path) == {"one/x": None, "two/x": None}


@pytest.mark.parametrize("target", [".", "..", "../..", "../../a"])
def test_a_link_to_a_directory_further_up_is_not_entered(tmp_path: Path, target: str, no_hang: None) -> None:
    write(tmp_path / "a" / "b" / "x")
    (tmp_path / "a" / "b" / "loop").symlink_to(target)
    assert listed(tmp_path) == {"a/b/x": None}


def test_two_directories_that_link_to_each_other_end(tmp_path: Path, no_hang: None) -> None:
    write(tmp_path / "a" / "x")
    write(tmp_path / "b" / "y")
    (tmp_path / "a" / "to-b").symlink_to("../b")
    (tmp_path / "b" / "to-a").symlink_to("../a")
    assert listed(tmp_path) == {"a/x": None, "a/to-b/y": None, "b/y": None, "b/to-a/x": None}


def test_a_dangling_link_is_missing_and_a_link_to_itself_unreadable(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "through-a-file").symlink_to(write(tmp_path / "file") / "below")
    (tmp_path / "self").symlink_to("self")
    assert listed(tmp_path) == {
        "dangling": "missing",
        "file": None,
        "self": "unreadable",
        "through-a-file": "missing",
    }


def test_sockets_and_pipes_are_special_and_never_opened(tmp_path: Path, no_hang: None) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        (tmp_path / "device").symlink_to("/dev/null")
        assert listed(tmp_path) == {"device": "special", "pipe": "special", "socket": "special"}


def test_a_directory_without_permission_is_listed_as_unreadable(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    write(tmp_path / "data" / "closed" / "x")
    write(tmp_path / "data" / "open")
    (tmp_path / "data" / "closed").chmod(0o300)
    with unprivileged():
        found = listed("data")
    (tmp_path / "data" / "closed").chmod(0o700)
    assert found == {"closed": "unreadable", "open": None}


def test_files_that_can_be_listed_but_not_statted_are_unreadable(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    write(tmp_path / "data" / "x")
    (tmp_path / "data").chmod(0o744 if os.geteuid() == 0 else 0o400)
    with unprivileged():
        found = listed("data")
    (tmp_path / "data").chmod(0o700)
    assert found == {"x": "unreadable"}


@pytest.mark.parametrize(
    ("name", "problem"), [("nowhere", "missing"), ("nul\0", "missing"), ("file", "missing")]
)
def test_what_is_no_directory_is_said_to_be_missing(tmp_path: Path, name: str, problem: str) -> None:
    write(tmp_path / "file")
    assert list(walk(name, "path")) == [Located("path", name, None, problem)]


def test_names_that_are_not_utf_8_are_found(tmp_path: Path) -> None:
    name = b"caf\xe9\n\xff"
    (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    (found,) = walk(str(tmp_path), ".")
    assert os.fsencode(found.path) == name
    assert found.unseen is None


def test_what_is_deleted_during_the_walk_is_left_out(tmp_path: Path) -> None:
    for name in ("a/x", "b/y", "c", "d"):
        write(tmp_path / name)
    walking = walk(str(tmp_path), ".")
    first = next(walking)
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "c").unlink()
    assert [found.path for found in (first, *walking)] == ["a/x", "d"]


def test_a_directory_that_becomes_a_file_during_the_walk_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b/x/y", "c"):
        write(tmp_path / name)
    walking = walk(str(tmp_path), ".")
    found = [next(walking)]
    shutil.rmtree(tmp_path / "b")
    write(tmp_path / "b")
    found += walking
    assert [each.path for each in found] == ["a", "b", "c"]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[str]:
    """A directory of 2,500 levels, with a file on every hundredth: deeper than a path can be long."""
    level = os.open(tmp_path, os.O_RDONLY)
    for number in range(2500):
        if number % 100 == 0:
            os.close(os.open("x", os.O_CREAT, dir_fd=level))
        os.mkdir("d", dir_fd=level)
        below = os.open("d", os.O_RDONLY, dir_fd=level)
        os.close(level)
        level = below
    os.close(level)
    yield str(tmp_path)
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)  # shutil.rmtree is not up to it


def test_a_tree_deeper_than_any_path_can_be_is_walked_as_far_as_paths_reach(
    tmp_path: Path, deep: str
) -> None:
    found = list(walk(deep, "."))
    assert len(found) > 19
    assert {each.unseen for each in found} == {None, "unreadable"}
    assert found[-1] == Located("x", str(tmp_path / "x"), (tmp_path / "x").stat())


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
trees = st.recursive(
    st.just(None), lambda below: st.dictionaries(names, below, max_size=4), max_leaves=12
).filter(lambda tree: tree is not None)


@given(trees)
def test_a_walk_finds_what_was_made(tree: dict[str, object]) -> None:
    def build(directory: str, tree: dict[str, object]) -> Iterator[str]:
        for name, below in tree.items():
            path = os.path.join(directory, name)
            if name in (".", "..") or len(name.encode()) > 255:
                continue
            if isinstance(below, dict):
                os.mkdir(path)
                yield from build(path, below)
            else:
                os.close(os.open(path, os.O_CREAT))
                yield path

    with tempfile.TemporaryDirectory() as directory:
        made = set(build(directory, tree))
        found = list(walk(directory, "."))
        assert {each.absolute for each in found} == made
        assert all(each.unseen is None for each in found)
        assert [each.path for each in found] == [each.path for each in walk(directory, ".")]
