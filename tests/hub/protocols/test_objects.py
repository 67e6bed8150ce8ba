"""The S3-like API: files of a dot, each change a commit that stays readable."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from dotscience.hub.access import Asker, Need
from dotscience.hub.problems import Problem
from dotscience.hub.protocols.receiving import Archive
from dotscience.hub.services import dots
from dotscience.hub.settings import HubSettings, Limits
from dotscience.hub.store import holdings

from ...hub_server import RunningHub, running
from .talking import Dot, digest, half_sent, packed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def dot(hub: RunningHub) -> Dot:
    return Dot(hub.admin, hub.project(hub.admin).id)


def test_a_file_is_put_and_fetched(dot: Dot) -> None:
    answer = dot.put("data/raw.csv", b"a,b\n")
    assert (answer.status_code, answer.content) == (200, b"")
    assert dot.get("data/raw.csv").content == b"a,b\n"
    assert dot.get(f"snapshot/{answer.headers['Snapshot']}/data/raw.csv").content == b"a,b\n"
    head = dot.person.head(f"{dot.path}/data/raw.csv")
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "4", b"")
    assert dot.person.get(f"{dot.path}/data/raw.csv", headers={"Range": "bytes=1-2"}).content == b",b"


def test_every_put_is_a_commit_that_stays_readable(dot: Dot) -> None:
    first = dot.put("a", b"one").headers["Snapshot"]
    second = dot.put("a", b"two").headers["Snapshot"]
    third = dot.person.delete(f"{dot.path}/a").headers["Snapshot"]
    assert [dot.get(f"snapshot/{commit}/a").text for commit in (first, second)] == ["one", "two"]
    assert dot.get("a").status_code == dot.get(f"snapshot/{third}/a").status_code == 404
    commits = dot.call("Commits")
    assert [commit["Id"] for commit in commits[1:]] == [first, second, third]
    said = commits[1]["Metadata"]
    assert int(said.pop("timestamp")) > 10**18
    assert said == {
        "author": "ada",
        "message": "Uploaded a (3 bytes in 1 files)",
        "type": "upload",
        "upload.type": "S3",
        "upload.file": "a",
        "upload.bytes": "3",
    }
    assert [commit["Metadata"].get("type") for commit in commits] == [None, "upload", "upload", "delete"]


def test_an_archive_is_unpacked_in_place_of_what_was_there(dot: Dot) -> None:
    dot.put("model/old", b"old")
    dot.put("other", b"other")
    answer = dot.put("model", packed(new=b"new", deep__er=b"deep"), Extract="true")
    assert answer.status_code == 200
    assert dot.keys() == ["model/deep/er", "model/new", "other"]
    assert dot.get("model/deep/er").content == b"deep"
    assert dot.call("Commits")[-1]["Metadata"]["upload.bytes"] == "0"


def test_a_file_and_a_directory_cannot_share_a_path(dot: Dot) -> None:
    dot.put("model/a", b"1")
    dot.put("model", b"2")
    assert dot.keys() == ["model"]
    dot.put("model/a/b", b"3")
    assert dot.keys() == ["model/a/b"]


def test_a_directory_comes_back_as_an_archive(dot: Dot) -> None:
    dot.put("x/model", packed(a=b"1" * 700, deep__b=b""), Extract="true")
    answer = dot.get("x/model")
    assert answer.headers["Content-Type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        assert {info.name: info.size for info in tar} == {"model/a": 700, "model/deep/b": 0}
        assert tar.extractfile("model/a").read() == b"1" * 700  # type: ignore[union-attr]
    assert dot.person.head(f"{dot.path}/x/model").status_code == 200


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (packed(**{"..__x": b"1"}), "leads out"),
        (packed(a=b"1", a__b=b"2"), "needs a directory"),
        (packed(a=b"1" * 5000)[:3000], "breaks off"),
        (b"no archive at all" * 100, "a header cannot be read"),
    ],
)
def test_an_archive_is_taken_whole_or_not_at_all(dot: Dot, data: bytes, why: str) -> None:
    dot.put("model/kept", b"kept")
    answer = dot.put("model", data, Extract="true")
    assert answer.status_code == 422 and why in answer.json()["detail"]
    assert dot.keys() == ["model/kept"]
    assert len(dot.call("Commits")) == 2


@pytest.mark.parametrize("key", ["..%2f..%2fetc", "a/%2e%2e/%2e%2e/b", ".", "%2e%2e", "a" * 1001, "a%00b"])
def test_a_path_that_leads_out_is_refused(dot: Dot, key: str) -> None:
    assert dot.put(key, b"x").status_code in (400, 404, 405)
    assert dot.keys() == []


def test_slashes_and_dots_in_a_path_say_nothing(dot: Dot) -> None:
    dot.put("/data//./raw%20caf%C3%A9.csv", b"x")
    assert dot.keys() == ["data/raw café.csv"]


def test_the_list_is_paged_and_flat_where_that_is_asked(dot: Dot) -> None:
    for key in ("a", "data/b", "data/deep/c", "data/deep/d"):
        dot.put(key, b"12")
    assert dot.keys() == ["a", "data/b", "data/deep/c", "data/deep/d"]
    assert dot.keys(Prefix="data/") == ["data/b", "data/deep/c", "data/deep/d"]
    assert dot.keys(MaxKeys=3, Page=1) == ["data/deep/d"]
    assert dot.keys(NonRecursive="true") == ["a"]
    assert dot.keys(NonRecursive="true", IncludeDirectories="true") == ["a", "data"]
    assert dot.keys(Prefix="data/", NonRecursive="true", IncludeDirectories="true") == ["data/b", "data/deep"]
    assert dot.keys(IncludeDirectories="true") == [
        "a", "data", "data/b", "data/deep", "data/deep/c", "data/deep/d",
    ]  # fmt: skip
    found = dot.get(Format="json", MaxKeys=1).json()
    assert (found["name"], found["prefix"], found["total_results"]) == (dot.name, "", 4)
    assert {**found["contents"][0], "last_modified": 0} == {
        "key": "a", "size": 2, "directory": False, "last_modified": 0,
    }  # fmt: skip


def test_the_list_is_xml_by_default_whatever_the_names_are(dot: Dot) -> None:
    dot.put("%3Ca%20%26%20b%3E", b"12")
    dot.put("%EF%BF%BF", b"1")  # U+FFFF, which XML cannot hold
    answer = dot.get()
    assert answer.headers["Content-Type"] == "application/xml"
    root = ElementTree.fromstring(answer.content)
    assert [each.text for each in root.iter("Key")] == ["<a & b>", "\ufffd"]
    assert [each.text for each in root.iter("Size")] == ["2", "1"]
    assert root.findtext("IsTruncated") == "false"


def test_an_unknown_bucket_and_an_unknown_snapshot(dot: Dot) -> None:
    answer = dot.person.put("/v2/dotmesh/s3/ada:project-00000000-default-workspace/a", data=b"x")
    assert answer.status_code == 404
    assert "Bucket ada-project-00000000-default-workspace does not exist" in answer.json()["detail"]
    assert dot.person.put("/v2/dotmesh/s3/nothing/a", data=b"x").status_code == 404
    assert dot.get("snapshot/none/a").status_code == 404
    other = Dot(dot.person, dot.person.post("/v2/projects", json={"name": "other"}).json()["id"])
    commit = other.put("a", b"secret").headers["Snapshot"]
    assert dot.get(f"snapshot/{commit}/a").status_code == 404


def test_a_branch_has_files_of_its_own(dot: Dot) -> None:
    first = dot.put("a", b"one").headers["Snapshot"]
    dot.put("a", b"two")
    dot.call("Branch", SourceBranch="master", NewBranchName="side", SourceCommitId=first)
    side = f"{dot.path}@side"
    assert dot.person.get(f"{side}/a").text == "one"
    dot.person.put(f"{side}/b", data=b"three")
    assert dot.keys() == ["a"]
    assert dot.get("a").text == "two"
    assert dot.person.get(f"{dot.path}@none/a").status_code == 404
    assert dot.call("Branches") == ["side"]


def test_a_rollback_is_a_commit_and_loses_none(dot: Dot) -> None:
    first = dot.put("a", b"one").headers["Snapshot"]
    second = dot.put("b", b"two").headers["Snapshot"]
    assert dot.call("Rollback", CommitId=first) is True
    assert dot.keys() == ["a"]
    assert dot.keys(second) == ["a", "b"]
    assert dot.put("b", b"three").status_code == 200
    assert dot.keys() == ["a", "b"]


@pytest.fixture
def small_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A Hub that takes little."""
    limits = replace(Limits(), file=1000, project=2500)
    with running(tmp_path_factory.mktemp("hub"), settings=HubSettings(limits=limits)) as served:
        yield served


def test_files_and_projects_have_limits(small_hub: RunningHub) -> None:
    dot = Dot(small_hub.admin, small_hub.project(small_hub.admin).id)
    assert dot.put("a", b"1" * 1001).json()["reason"] == "limit"
    assert dot.put("a", iter([b"1" * 600, b"1" * 600])).status_code == 413
    assert dot.put("t", packed(a=b"1" * 1001), Extract="true").status_code == 413
    assert dot.put("a", b"1" * 1000).status_code == 200
    assert dot.put("t", packed(a=b"2" * 900, b=b"3" * 900), Extract="true").json()["reason"] == "quota"
    assert dot.put("t", packed(a=b"2" * 900), Extract="true").status_code == 200
    assert dot.keys() == ["a", "t/a"]


def test_what_came_of_archives_that_break_off_counts(small_hub: RunningHub) -> None:
    dot = Dot(small_hub.admin, small_hub.project(small_hub.admin).id)
    broken = [packed(a=filling * 900)[:1536] for filling in (b"1", b"2", b"3")]  # a whole file, and no end

    def reasons() -> list[str]:
        return [dot.put("t", archive, Extract="true").json()["reason"] for archive in broken]

    assert reasons() == ["archive"] * 3
    assert list(small_hub.hub.blobs) == []
    with half_sent(
        dot, "other", b"x" * 10
    ):  # who sends too may have stored the same content and not hold it yet
        while not small_hub.hub.read(
            lambda found: holdings.are_others_sending(found, "", small_hub.hub.now())
        ):
            pass
        assert reasons() == ["archive", "archive", "quota"]
    assert dot.keys() == []


def test_what_came_of_an_archive_for_which_others_left_no_room_is_removed(small_hub: RunningHub) -> None:
    dot = Dot(small_hub.admin, small_hub.project(small_hub.admin).id)
    place = dots.find(small_hub.hub, Asker(small_hub.admin.user), Need.EDIT, dots.Address("ada", dot.name))
    archive = Archive(small_hub.hub, place, "t")
    archive.write(packed(a=b"1" * 900))
    others = [b"2" * 900, b"3" * 900]
    assert [dot.put("a", content).status_code for content in others] == [200, 200]
    with pytest.raises(Problem, match="more than is left"):
        archive.finish()
    archive.discard("upload")
    assert sorted(small_hub.hub.blobs) == sorted(map(digest, others))


def test_the_files_of_an_archive_are_held_a_few_at_a_time(
    dot: Dot, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change keeps off all others, and looks whether the new content is there: in an object store that takes its time."""
    monkeypatch.setattr("dotscience.hub.protocols.receiving._LOOSE", 3)
    looks: list[int] = []
    change, has = hub.hub.changes.make, hub.hub.blobs.has

    def counting_change(work: Any) -> Any:
        looks.append(0)
        return change(work)

    def counting_look(digest: str) -> bool:
        looks[-1] += 1
        return has(digest)

    monkeypatch.setattr(hub.hub.changes, "make", counting_change)
    monkeypatch.setattr(hub.hub.blobs, "has", counting_look)
    files = {f"f{number}": f"content {number}".encode() for number in range(10)}
    assert dot.put("t", packed(**files), Extract="true").status_code == 200
    assert sum(looks) == 10 and max(looks) == 3
    assert len(dot.keys()) == 10


def test_content_is_a_blob_of_the_project(dot: Dot) -> None:
    dot.put("a", b"one")
    blob = f"/api/projects/{dot.project}/blobs/{digest(b'one')}"
    assert dot.person.get(blob).content == b"one"


def test_a_list_of_nothing(dot: Dot) -> None:
    assert json.loads(dot.get(Format="json").text)["contents"] == []
    assert dot.get("missing").status_code == 404
    assert dot.person.delete(f"{dot.path}/missing").status_code == 404


def test_nothing_redirects(dot: Dot) -> None:
    for path in ("/v2/projects/", "/v2/dotmesh/rpc/", "//v2/projects", f"{dot.path}/"):
        assert dot.person.get(dot.person.url + path).status_code not in range(300, 400)
    assert dot.person.get(f"{dot.person.url}//v2/projects").status_code == 200
