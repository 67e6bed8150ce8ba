"""Distributions are found by the names on the import path, as importlib.metadata finds them."""

import os
import re
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

import pytest

from dotscience.capture.packages import installed

LONG_AGO = time.time_ns() - 3600 * 10**9


def _settle(folder: Path) -> None:
    """Make a folder look as if nothing had changed in it for long."""
    os.utime(folder, ns=(LONG_AGO, LONG_AGO))


def test_this_environment_is_seen_as_importlib_metadata_sees_it() -> None:
    expected: dict[str, str] = {}
    for distribution in distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        expected.setdefault(name, distribution.version)
    assert installed() == expected


@pytest.mark.parametrize(
    ("entry", "name", "version"),
    [
        ("requests-2.31.0.dist-info", "requests", "2.31.0"),
        ("torch-2.1.0+cu118.dist-info", "torch", "2.1.0+cu118"),
        ("ruamel.yaml-0.17.21.dist-info", "ruamel-yaml", "0.17.21"),
        ("Flask_SQLAlchemy-3.0.dist-info", "flask-sqlalchemy", "3.0"),
        ("PyYAML-6.0.egg-info", "pyyaml", "6.0"),
        ("lxml-4.9-py3.11.egg-info", "lxml", "4.9"),
        ("numpy-1.26-py3.11-linux-x86_64.egg-info", "numpy", "1.26"),
        ("old-style-name-1.2.dist-info", "old-style-name", "1.2"),
        ("zope.interface-6.0rc1.dist-info", "zope-interface", "6.0rc1"),
        ("name_2d-1.dist-info", "name-2d", "1"),
    ],
)
def test_name_and_version_are_read_from_the_name_of_the_folder(
    tmp_path: Path, entry: str, name: str, version: str
) -> None:
    (tmp_path / entry).mkdir()
    assert installed([str(tmp_path)]) == {name: version}


def test_a_source_tree_installed_in_place_says_its_version_inside(tmp_path: Path) -> None:
    folder = tmp_path / "My_Study.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: My.Study\nVersion: 0.3\n\nVersion: 9\n")
    assert installed([str(tmp_path)]) == {"my-study": "0.3"}
    _settle(tmp_path)
    assert installed([str(tmp_path)]) == {"my-study": "0.3"}
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: My.Study\nVersion: 0.4\n")
    _settle(tmp_path)
    assert installed([str(tmp_path)]) == {"my-study": "0.4"}


def test_the_first_on_the_path_counts(tmp_path: Path) -> None:
    for folder, entry in (("a", "tool-2.0.dist-info"), ("b", "Tool-1.0.dist-info")):
        (tmp_path / folder / entry).mkdir(parents=True)
    assert installed([str(tmp_path / "a"), str(tmp_path / "b")]) == {"tool": "2.0"}
    assert installed([str(tmp_path / "b"), str(tmp_path / "a")]) == {"tool": "1.0"}


def test_what_is_no_distribution_is_passed_over(tmp_path: Path) -> None:
    for entry in ("~ip-23.dist-info", "nameless.egg-info", "data", "package-1.0.zip"):
        (tmp_path / entry).mkdir()
    (tmp_path / "archive.zip").write_bytes(b"")
    assert installed([str(tmp_path), str(tmp_path / "archive.zip"), str(tmp_path / "gone"), ""]) == {}


@pytest.mark.parametrize("wait", [False, True])
def test_a_later_installation_is_seen(tmp_path: Path, wait: bool) -> None:
    (tmp_path / "one-1.dist-info").mkdir()
    if wait:
        _settle(tmp_path)
    assert installed([str(tmp_path)]) == {"one": "1"}
    (tmp_path / "two-2.dist-info").mkdir()
    assert installed([str(tmp_path)]) == {"one": "1", "two": "2"}


def test_a_real_editable_installation_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "setup.py").write_text("from setuptools import setup\nsetup(name='in.place', version='3.4')\n")
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "egg_info"], cwd=source, check=True, capture_output=True
    )
    assert installed([str(source)]) == {"in-place": "3.4"}
