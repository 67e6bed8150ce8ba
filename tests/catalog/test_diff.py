"""What differs between two runs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dotscience.catalog.diff import FileDifference, Side, diff
from dotscience.errors import CorruptError
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.records.times import utc
from dotscience.records.values import stored
from dotscience.storage.workspace import Workspace

BARE = Record("a", "completed", utc(0))
A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(str(tmp_path))
    workspace.prepare()
    return workspace


def differ(workspace: Workspace, one: dict[str, Any], other: dict[str, Any]) -> Any:
    sides = [Side(replace(BARE, **fields), workspace.open) for fields in (one, {"id": "b", **other})]
    return diff(*sides)


def kept(workspace: Workspace, path: str, content: str) -> dict[str, Any]:
    digest = workspace.blobs().put_bytes(content.encode())
    return {"path": path, "sha256": digest, "size": len(content), "kept": True}


def test_the_same_gives_nothing(workspace: Workspace) -> None:
    fields = {"parameters": {"n": 1}, "inputs": (FileVersion("raw.csv", A, 1),)}
    found = differ(workspace, fields, fields)
    assert found.is_empty
    assert json.loads(json.dumps(found.to_json()))["a"] == "a"


def test_values_are_shown_side_by_side(workspace: Workspace) -> None:
    found = differ(
        workspace,
        {"parameters": {"n": 1, "same": "x", "gone": 0}, "metrics": {"loss": stored(float("nan"))}},
        {"parameters": {"n": 2, "same": "x", "new": True}, "labels": {"mode": "test"}},
    )
    assert found.parameters == {"gone": (0, None), "n": (1, 2), "new": (None, True)}
    assert found.metrics == {"loss": ("nan", None)}
    assert found.labels == {"mode": (None, "test")}


def test_values_of_other_types_differ(workspace: Workspace) -> None:
    found = differ(workspace, {"parameters": {"n": 1}}, {"parameters": {"n": True}})
    assert found.parameters == {"n": (1, True)}


def test_files_are_compared_by_their_content(workspace: Workspace) -> None:
    found = differ(
        workspace,
        {"inputs": (FileVersion("raw.csv", A), FileVersion("same.csv", C), FileVersion("old.csv", B))},
        {"inputs": (FileVersion("raw.csv", C), FileVersion("same.csv", C), FileVersion("new.csv", B))},
    )
    assert found.inputs == (
        FileDifference("new.csv", None, B, elsewhere="old.csv"),
        FileDifference("old.csv", B, None, elsewhere="new.csv"),
        FileDifference("raw.csv", A, C),
    )


def test_a_file_that_was_not_seen_is_named_so(workspace: Workspace) -> None:
    found = differ(
        workspace,
        {"outputs": (FileVersion("model", A),)},
        {"outputs": (FileVersion("model", unseen="missing"),)},
    )
    assert found.outputs == (FileDifference("model", A, "missing"),)


def test_code_is_shown_line_by_line(workspace: Workspace) -> None:
    found = differ(
        workspace,
        {"code": {"workload": kept(workspace, "train.py", "import x\nn = 1\n")}},
        {"code": {"workload": kept(workspace, "train.py", "import x\nn = 2\n")}},
    )
    (source,) = found.sources
    assert source.what == "train.py"
    assert source.diff[2:] == ("@@ -1,2 +1,2 @@", " import x", "-n = 1", "+n = 2")


def test_code_that_was_not_kept_is_said_to_differ(workspace: Workspace) -> None:
    not_kept = {"path": "train.py", "sha256": B, "size": 1}
    found = differ(
        workspace,
        {"code": {"workload": kept(workspace, "train.py", "n = 1\n")}},
        {"code": {"workload": not_kept}},
    )
    assert found.sources[0].diff == ()
    assert "not both contents are kept" in found.sources[0].note


def test_cells_that_ran_are_compared_without_their_numbers(workspace: Workspace) -> None:
    def cells(*sources: str, first: int) -> dict[str, Any]:
        ran = [{"count": n, "source": source, "in_run": True} for n, source in enumerate(sources, first)]
        return {"code": {"cells": [{"count": 0, "source": "earlier", "in_run": False}, *ran]}}

    assert differ(workspace, cells("n = 1", first=1), cells("n = 1", first=7)).is_empty
    (source,) = differ(workspace, cells("n = 1", first=1), cells("n = 2", first=1)).sources
    assert (source.what, source.diff[-2:]) == ("cells", ("-n = 1", "+n = 2"))


def test_git_and_its_uncommitted_changes_are_compared(workspace: Workspace) -> None:
    changes = {"sha256": workspace.blobs().put_bytes(b"-n = 1\n+n = 2\n")}
    found = differ(
        workspace,
        {"git": {"commit": "1" * 40, "dirty": False, "branch": "main"}},
        {"git": {"commit": "2" * 40, "dirty": True, "branch": "main", "diff": changes}},
    )
    assert found.git == {"commit": ("1" * 40, "2" * 40), "dirty": (False, True)}
    (source,) = found.sources
    assert source.what == "uncommitted changes"
    assert source.diff[-2:] == ("+-n = 1", "++n = 2")


def test_code_and_changes_that_were_not_recorded_are_not_taken_for_removed(workspace: Workspace) -> None:
    changes = {"sha256": workspace.blobs().put_bytes(b"-n = 1\n+n = 2\n")}
    known = {
        "code": {"workload": kept(workspace, "train.py", "n = 1\n")},
        "git": {"commit": "1" * 40, "dirty": True, "diff": changes},
    }
    for one, other in ((known, {}), ({}, known)):
        found = differ(workspace, one, other)
        assert found.sources == ()
        assert found.notes == ("The code cannot be compared: that of one of the runs is not known.",)


def test_changes_that_git_did_not_tell_or_that_were_not_kept_are_not_taken_for_none(
    workspace: Workspace,
) -> None:
    changes = {"sha256": workspace.blobs().put_bytes(b"-n = 1\n+n = 2\n")}
    known = {"git": {"commit": "1" * 40, "dirty": True, "diff": changes}}
    slow, large = {"git": {"commit": "1" * 40}}, {"git": {"commit": "1" * 40, "dirty": True}}
    for one, other in ((known, slow), (slow, known), (large, slow), (large, large)):
        assert differ(workspace, one, other).sources == ()
    for one, other in ((known, large), (large, {"git": {"commit": "1" * 40, "dirty": False}})):
        (source,) = differ(workspace, one, other).sources
        assert source.diff == () and "not both contents are kept" in source.note


def packages(workspace: Workspace, content: bytes) -> dict[str, Any]:
    return {"environment": {"packages": {"sha256": workspace.blobs().put_bytes(content), "count": 1}}}


def test_packages_are_compared_by_version(workspace: Workspace) -> None:
    found = differ(
        workspace,
        packages(workspace, b'{"numpy": "1.26", "pandas": "2.0", "same": "1"}'),
        packages(workspace, b'{"numpy": "2.0", "scipy": "1.0", "same": "1"}'),
    )
    assert found.packages == {"numpy": ("1.26", "2.0"), "pandas": ("2.0", None), "scipy": (None, "1.0")}


def test_packages_that_are_not_known_are_said_to_be(workspace: Workspace) -> None:
    found = differ(workspace, packages(workspace, b"{}"), {})
    assert found.packages == {}
    assert "cannot be compared" in found.notes[0]


def test_packages_that_cannot_be_read_are_named(workspace: Workspace) -> None:
    with pytest.raises(CorruptError, match="packages: not JSON"):
        differ(workspace, packages(workspace, b"{"), packages(workspace, b"{}"))


def test_the_environment_is_compared_with_its_variables(workspace: Workspace) -> None:
    found = differ(
        workspace,
        {"environment": {"python": "3.10", "variables": {"OMP_NUM_THREADS": "1"}}},
        {"environment": {"python": "3.12", "variables": {"OMP_NUM_THREADS": "2"}}},
    )
    assert found.environment == {"$OMP_NUM_THREADS": ("1", "2"), "python": ("3.10", "3.12")}


def test_of_the_host_only_the_parts_that_differ_are_named(workspace: Workspace) -> None:
    found = differ(
        workspace,
        {"environment": {"cpu": {"count": 2, "model": "Xeon"}, "argv": ["train.py", "--name", "a b"]}},
        {"environment": {"cpu": {"count": 4, "model": "Xeon"}, "argv": ["train.py"]}},
    )
    assert found.environment == {"command": ("train.py --name 'a b'", "train.py"), "cpu.count": (2, 4)}
