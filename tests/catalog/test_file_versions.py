"""The files of a project, on each database."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from dotscience.catalog.file_versions import file_versions
from dotscience.catalog.shared import Seen
from dotscience.errors import ArgumentError

if TYPE_CHECKING:
    from conftest import Team


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_each_version_says_who_made_and_who_used_its_bytes(team: Team) -> None:
    prepare = team.run("p", outputs={"clean.csv": b"clean"})
    train = team.run("p", inputs={"copy.csv": b"clean"}, outputs={"model": b"1"})
    again = team.run("p", inputs={"clean.csv": b"clean"}, outputs={"model": b"2"})
    rows = file_versions(team.seen_by("p")).rows
    shown = {(one.path, one.digest): (one.made_by, one.used_by) for one in rows}
    assert shown == {
        ("clean.csv", sha(b"clean")): ((prepare,), (again, train)),
        ("copy.csv", sha(b"clean")): ((prepare,), (again, train)),
        ("model", sha(b"1")): ((train,), ()),
        ("model", sha(b"2")): ((again,), ()),
    }
    assert [one.path for one in rows] == ["clean.csv", "copy.csv", "model", "model"]
    assert {(one.workspace, one.truncated) for one in rows} == {("p", False)}
    assert json.loads(json.dumps(rows[0].to_json()))["used_by"] == [again, train]


def test_empty_files_are_told_apart_by_their_path(team: Team) -> None:
    one = team.run("p", outputs={"a": b"", "b": b""})
    other = team.run("p", inputs={"b": b""})
    rows = file_versions(team.seen_by("p")).rows
    assert [(row.path, row.made_by, row.used_by) for row in rows] == [
        ("a", (one,), ()),
        ("b", (one,), (other,)),
    ]


def names(place: Seen, limit: int = 1000, **given: str) -> list[tuple[str, str | None]]:
    """Paths and digests of all pages."""
    found: list[tuple[str, str | None]] = []
    cursor = None
    while True:
        page = file_versions(place, limit=limit, after=cursor, **given)
        found += [(row.path, row.digest) for row in page.rows]
        cursor = page.next
        if cursor is None:
            return found


def test_pages_of_any_size_are_the_list_as_a_whole(team: Team) -> None:
    for number in range(4):
        files = {f"{folder}/{name}\udce9": b"%d" % number for folder in ("data", "Out") for name in "ab"}
        team.run("p", inputs=files, outputs={"same": b"same", "empty": b""})
        team.run("q", inputs=files)
    for place, count in ((team.seen_by("p"), 18), (team.seen_by("p", "q"), 34)):
        whole = names(place)
        assert len(whole) == count
        assert whole == sorted(whole, key=lambda one: (one[0].replace("\udce9", "\ufdd0dce9"), one[1] or ""))
        for limit in (1, 5, count):
            assert names(place, limit) == whole


def test_files_are_found_by_path_and_by_digest(team: Team) -> None:
    team.run("p", inputs={"data/a.csv": b"1", "data/sub/b.csv": b"2", "data%": b"3"}, outputs={"a.csv": b"1"})
    place = team.seen_by("p")
    for path, found in (
        ("data/*.csv", ["data/a.csv"]),
        ("data/**", ["data/a.csv", "data/sub/b.csv"]),
        ("**/*.csv", ["a.csv", "data/a.csv", "data/sub/b.csv"]),
        ("data%", ["data%"]),
        ("nothing", []),
    ):
        assert [one[0] for one in names(place, path=path)] == found
    assert [one[0] for one in names(place, digest=sha(b"1"))] == ["a.csv", "data/a.csv"]
    assert [one[0] for one in names(place, digest=sha(b"1")[:8], path="data/*")] == ["data/a.csv"]


def test_a_version_that_all_runs_use_names_the_newest(team: Team) -> None:
    runs = [team.run("p", inputs={"data": b"data"}) for _ in range(105)]
    (row,) = file_versions(team.seen_by("p")).rows
    assert (row.used_by, row.truncated) == (tuple(runs[:4:-1]), True)


@pytest.mark.parametrize(
    "given", [{"digest": "xyz"}, {"digest": "abc"}, {"path": "[a"}, {"limit": 0}, {"after": "x"}]
)
def test_wrong_arguments(team: Team, given: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        file_versions(team.seen_by("p"), **given)  # type: ignore[arg-type]
