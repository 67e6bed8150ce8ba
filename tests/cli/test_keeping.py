"""`ds verify`, `ds restore`, `ds gc`, `ds reindex`."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from click.testing import Result

Ds = Callable[..., Result]
Ids = Mapping[str, str]


def test_an_unaltered_study_is_verified(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    document = ds_json("verify")
    assert (document["ok"], document["records"], document["unpublished"]) == (True, 3, 2)
    shown = ds("verify").stdout
    assert "3 records" in shown and "all as recorded" in shown and "2 runs not published" in shown


def test_one_altered_byte_is_found(study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]) -> None:
    record = study / ".dotscience" / "runs" / ids["prepared"] / "record.json"
    record.write_bytes(record.read_bytes().replace(b'"rows":2', b'"rows":3'))
    shown = ds("verify", ids["prepared"])
    assert shown.exit_code == 1
    assert "altered" in shown.stdout and "seal" in shown.stdout
    assert [finding["problem"] for finding in ds_json("verify", code=1)["findings"]] == ["altered"]


def test_a_file_that_changed_since_is_found(study: Path, ids: Ids, ds: Ds) -> None:
    (study / "models" / "forest.joblib").write_text("forest of 8")
    shown = ds("verify", ids["trained 9"])
    assert shown.exit_code == 1
    assert "changed  file models/forest.joblib" in shown.stdout


def test_a_run_is_restored(study: Path, ids: Ids, ds: Ds, ds_json: Callable[..., Any]) -> None:
    document = ds_json("restore", ids["trained 5"], "--to", "old")
    outcomes = {file["path"]: file["outcome"] for file in document}
    assert outcomes == {
        "data/clean.csv": "fingerprint only",
        "models/forest.joblib": "restored",
        "train.py": "restored",
    }
    assert (study / "old" / "models" / "forest.joblib").read_text() == "forest of 5"
    shown = ds("restore", ids["trained 5"], "--to", "old").stdout
    assert "present  output models/forest.joblib" in shown
    assert "fingerprint only: its content was not kept" in shown


def test_one_file_is_restored_named_from_where_we_are(study: Path, ids: Ids, ds: Ds) -> None:
    os.chdir(study / "models")
    assert ds("restore", ids["trained 5"], "forest.joblib", "--to", "../old").exit_code == 0
    assert (study / "old" / "models" / "forest.joblib").read_text() == "forest of 5"
    assert not (study / "old" / "train.py").exists()


def test_a_file_that_was_not_kept_cannot_be_restored(study: Path, ids: Ids, ds: Ds) -> None:
    result = ds("restore", ids["trained 5"], "data/clean.csv", "--to", "old")
    assert result.exit_code == 1
    assert "fingerprint only" in result.stdout
    assert not (study / "old").exists()


def test_nothing_is_overwritten_unless_that_is_wanted(study: Path, ids: Ids, ds: Ds) -> None:
    refused = ds("restore", ids["trained 5"], "--to", ".")
    assert refused.exit_code == 1
    assert "nothing was written" in refused.stderr
    assert (study / "models" / "forest.joblib").read_text() == "forest of 9"
    assert ds("restore", ids["trained 5"], "--to", ".", "--force").exit_code == 0
    assert (study / "models" / "forest.joblib").read_text() == "forest of 5"


def test_a_file_that_the_run_does_not_know_is_not_found(study: Path, ids: Ids, ds: Ds) -> None:
    result = ds("restore", ids["trained 5"], "nothing.txt", "--to", "old")
    assert result.exit_code == 3
    assert "recorded no file 'nothing.txt'" in result.stderr


def test_garbage_is_shown_and_then_removed(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    blob = study / ".dotscience" / "blobs" / "ab" / ("c" * 62)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_text("nobody's")
    os.utime(blob, (0, 0))
    document = ds_json("gc", "--dry-run")
    assert ([piece["path"] for piece in document["garbage"]], document["removed"]) == ([str(blob)], False)
    assert "would be removed: 8 B" in ds("gc", "--dry-run").stdout
    assert "removed: 8 B" in ds("gc").stdout
    assert not blob.exists()
    assert ds_json("verify")["ok"]
    assert ds("gc").stdout == "There is nothing to remove.\n"


def test_the_catalog_is_built_anew(study: Path, ds: Ds, ds_json: Callable[..., Any]) -> None:
    ds("list")
    (study / ".dotscience" / "catalog.sqlite").write_bytes(b"no database")
    assert ds_json("reindex") == {"runs": 5, "problems": []}
    assert "5 runs indexed" in ds("reindex").stdout
    assert len(json.loads(ds("list", "--json").stdout)) == 5
