"""Real scripts in real processes, and what they left in the workspace."""

import contextlib
import hashlib
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dotscience.recorder import notices
from dotscience.recorder.recorder import Recorder
from dotscience.records.files import FileVersion
from dotscience.records.record import Record
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _nothing_was_said() -> None:
    """Notices are said once in a process; each test is to hear its own."""
    notices._said.clear()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """`script(source, *arguments)` runs a script in the workspace to its end."""

    def run(source: str, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "script.py").write_text(source)
        return subprocess.run(
            [sys.executable, "script.py", *arguments],
            env={**os.environ, **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def run_folders(tmp_path: Path) -> Callable[[], list[RunFolder]]:
    """Every run that the workspace holds."""
    return lambda: sorted(
        Workspace(str(tmp_path)).run_folders(), key=lambda folder: os.stat(folder.path).st_ctime_ns
    )


@pytest.fixture
def only_run(run_folders: Callable[[], list[RunFolder]]) -> Callable[[], RunFolder]:
    """The one run that the workspace holds."""

    def only() -> RunFolder:
        (folder,) = run_folders()
        return folder

    return only


class Files:
    """How tests look at the file versions of a record."""

    def sha(self, content: bytes) -> str:
        """The digest of some content."""
        return hashlib.sha256(content).hexdigest()

    def by_path(self, versions: tuple[FileVersion, ...]) -> dict[str, FileVersion]:
        """Versions by their path, of which each has one only."""
        assert len({version.path for version in versions}) == len(versions)
        return {version.path: version for version in versions}

    def published(self, recorder: Recorder) -> Record:
        """Publish; the record as it is on disk."""
        done = recorder.publish()
        assert done.folder is not None
        again = Record.from_bytes(Path(done.folder, "record.json").read_bytes())
        assert again.inputs == done.record.inputs and again.outputs == done.record.outputs
        return again


@pytest.fixture
def files() -> Files:
    """Looks at what was recorded of files."""
    return Files()


@pytest.fixture
def on_terminal() -> Callable[..., tuple[str, str]]:
    """What a program shows on a terminal: its standard output and its standard error, each on one of its own."""

    def show(source: str, **environ: str) -> tuple[str, str]:
        out, out_end = pty.openpty()
        err, err_end = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", source], stdout=out_end, stderr=err_end, env={**os.environ, **environ}
        )
        os.close(out_end)
        os.close(err_end)
        shown = [b"", b""]
        for place, end in enumerate((out, err)):
            with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
                while part := os.read(end, 65536):
                    shown[place] += part
            os.close(end)
        assert process.wait() == 0, shown
        return shown[0].decode(), shown[1].decode().replace("\r\n", "\n")

    return show


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace in which file permissions count, also where the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:  # which others may enter, unlike tmp_path
        os.chmod(folder, 0o777)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_STATE_HOME", f"{folder}/state")
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield Path(folder)
        if root:
            os.seteuid(0)
