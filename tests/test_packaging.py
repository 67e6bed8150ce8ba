"""The package as it is built, released, and used on other interpreters and systems."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import dotscience

ROOT = Path(__file__).parents[1]
RELEASED_WITH = (".bumpversion.cfg", "setup.py", "dotscience/__init__.py", "CHANGELOG.md")


def versions(root: Path) -> dict[str, str]:
    """The version that each file states."""
    patterns = (
        r"^current_version = (.+)$",
        r'^VERSION = "(.+)"$',
        r'^__version__ = "(.+)"$',
        r"^## (\d+\.\d+\.\d+)",
    )
    found = {}
    for name, pattern in zip(RELEASED_WITH, patterns, strict=True):
        stated = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert stated, f"{name} states no version"
        found[name] = stated[1]
    return found


def test_there_is_one_version() -> None:
    assert set(versions(ROOT).values()) == {dotscience.__version__}


def release(folder: Path, changelog: str) -> int:
    """Make a minor release in a repository that holds the files of this one that state a version."""
    for name in RELEASED_WITH:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "CHANGELOG.md").write_text(changelog)
    for command in ("git init -q", "git add -A", "git commit -qm before"):
        subprocess.run(command.split(), check=True, cwd=folder)
    bump = [sys.executable, "-m", "bumpversion", "minor"]
    return subprocess.run(bump, cwd=folder, check=False, stderr=subprocess.DEVNULL).returncode


def test_a_release_changes_every_file_commits_and_tags(tmp_path: Path) -> None:
    assert release(tmp_path, f"## Unreleased\n\n- News.\n\n## {dotscience.__version__}\n") == 0
    major, minor, _ = dotscience.__version__.split(".")
    new = f"{major}.{int(minor) + 1}.0"
    assert set(versions(tmp_path).values()) == {new}
    assert subprocess.check_output(["git", "describe"], text=True).strip() == f"v{new}"


def test_there_is_no_release_without_news(tmp_path: Path) -> None:
    assert release(tmp_path, f"## {dotscience.__version__}\n") != 0
    assert set(versions(tmp_path).values()) == {dotscience.__version__}


def test_what_is_installed_holds_every_module_and_the_type_marker(tmp_path: Path) -> None:
    tracked = [
        path for path in (ROOT / "dotscience").rglob("*") if path.suffix == ".py" or path.name == "py.typed"
    ]
    for path in (*tracked, *(ROOT / name for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"))):
        copy = tmp_path / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build", "--build-lib", tmp_path / "built"],
        cwd=tmp_path / "source",
        check=True,
        stderr=subprocess.DEVNULL,
    )
    built = {
        path.relative_to(tmp_path / "built") for path in (tmp_path / "built").rglob("*") if path.is_file()
    }
    assert built == {path.relative_to(ROOT) for path in tracked}


def test_a_source_distribution_holds_no_part_of_the_tests(tmp_path: Path) -> None:
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("dotscience/__init__.py", "tests/test_packaging.py"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run([sys.executable, "setup.py", "-q", "sdist"], cwd=tmp_path, check=True, capture_output=True)
    (archive,) = (tmp_path / "dist").iterdir()
    with tarfile.open(archive) as packed:
        names = [name.partition("/")[2] for name in packed.getnames()]
    assert "dotscience/__init__.py" in names
    assert not [name for name in names if name.startswith("tests")]


def interpreters() -> Iterator[str]:
    """The interpreters of this machine, other than this one, that dotscience must work with."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(10, 16):
        if minor == sys.version_info.minor:
            continue
        name = f"python3.{minor}"
        candidates = [shutil.which(name), *sorted(pyenv.glob(f"3.{minor}.*/bin/{name}"))]
        yield from [str(path) for path in candidates if path and _works(path)][:1]


def _works(interpreter: str | Path) -> bool:
    return subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode == 0


STUDY = """
import os, sys
sys.path.insert(0, sys.argv[1])
import dotscience as ds
ds.script()
ds.start("elsewhere")
with open("in.csv", "w") as stream:
    stream.write("a,b")
ds.input("in.csv")
with open(ds.output("out.txt"), "w") as stream:
    stream.write("done")
ds.parameter("n", 3)
for step in range(3):
    ds.log({"loss": 1.0 / (step + 1)}, step=step)
ds.publish(stream=open(os.devnull, "w"))
"""


def check_study(interpreter: str, before: str = "") -> None:
    """Record a small study in the current directory and look at its record."""
    done = subprocess.run(
        [interpreter, "-c", before + STUDY, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    (written,) = Path(".dotscience/runs").glob("*/record.json")
    record = json.loads(written.read_text())
    assert record["status"] == "completed"
    assert record["parameters"] == {"n": 3}
    assert record["series"]["names"]["loss"]["count"] == 3
    assert [file["path"] for file in record["inputs"]] == ["in.csv"]
    assert record["outputs"][0]["kept"] is True
    assert {"python", "packages", "argv"} <= record["environment"].keys()
    assert "notices" not in record


@pytest.mark.parametrize("interpreter", list(interpreters()))
def test_it_records_on_other_interpreters(interpreter: str) -> None:
    check_study(interpreter)


WITHOUT_UNIX = """
import builtins, os, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"}:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
for name in (
    "register_at_fork", "fork", "getuid", "geteuid", "sched_getaffinity", "copy_file_range", "posix_fadvise",
    "sysconf", "getloadavg", "mkfifo", "O_DIRECTORY", "O_NONBLOCK", "O_NOCTTY", "sendfile", "pread", "fchmod",
):
    if hasattr(os, name):
        delattr(os, name)
def without_proc(wrapped):
    def opening(path, *args, **named):
        if str(path).startswith(("/proc", "/sys")):
            raise FileNotFoundError(path)
        return wrapped(path, *args, **named)
    return opening
builtins.open, os.open, os.readlink = map(without_proc, (builtins.open, os.open, os.readlink))
"""


def test_it_records_where_there_is_nothing_of_unix() -> None:
    check_study(sys.executable, WITHOUT_UNIX)
