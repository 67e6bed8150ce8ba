"""Every test starts in an empty folder, with a home of its own and nothing of the user's environment."""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from dotscience.recorder.recorder import Recorder
from dotscience.testing import fresh_recorder

if TYPE_CHECKING:
    from .hub_server import RunningHub, Switch
    from .postgres import Postgres

_REQUIRED = os.environ.get("DOTSCIENCE_TEST_REQUIRE") == "all"

_OF_THE_USER = re.compile(
    r"(DOTSCIENCE|XDG|SLURM|OMPI|PMIX?|TORCHELASTIC|JPY|JUPYTER|IPYTHON|GIT)_.*"
    r"|(LOCAL_)?RANK|WORLD_SIZE|MASTER_(ADDR|PORT)|NO_COLOR|FORCE_COLOR|COLUMNS|LINES|PYTHONSTARTUP"
)
"""Variables that would change what a test sees."""

settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")


@pytest.fixture(autouse=True)
def _isolated(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty current directory, a home with a git identity, and no variable that changes what is recorded."""
    for name in [name for name in os.environ if _OF_THE_USER.fullmatch(name)]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    for name, folder in (
        ("HOME", home),
        ("USERPROFILE", home),
        ("XDG_STATE_HOME", home / "state"),
        ("XDG_CONFIG_HOME", home / "config"),
    ):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    if (
        sys.argv[0] == "-c"
    ):  # a worker of pytest-xdist: tests that look at the running script shall find pytest
        monkeypatch.setattr(sys, "argv", [str(Path(pytest.__file__).with_name("__main__.py")), *sys.argv[1:]])


@pytest.fixture
def require() -> Callable[..., None]:
    """`require("chromium")` skips the test where no program or module of that name is there.

    Under DOTSCIENCE_TEST_REQUIRE=all it fails it instead: there everything has been installed.
    """

    def check(*names: str) -> None:
        for name in names:
            if shutil.which(name) is None and importlib.util.find_spec(name) is None:
                (pytest.fail if _REQUIRED else pytest.skip)(f"needs {name}, which this machine lacks")

    return check


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A recorder of its own, rooted in `tmp_path`."""
    with fresh_recorder(tmp_path) as recorder:
        yield recorder


@pytest.fixture(scope="session")
def _server() -> "Iterator[tuple[Switch, str]]":
    """One server for the Hubs of all tests, and its address."""
    from .hub_server import Switch, serving

    switch = Switch()
    with serving(switch) as url:
        yield switch, url


@pytest.fixture
def hub(_server: "tuple[Switch, str]", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RunningHub]":
    """A Hub that serves on loopback, with one administrator: `hub.admin`."""
    from .hub_server import RunningHub, new_hub

    switch, url = _server
    switch.app = new_hub(tmp_path_factory.mktemp("hub"))
    running = RunningHub(url, switch.app.state.hub)
    yield running
    running.close()
    running.hub.close()


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """A PostgreSQL server, for all tests; each makes a database of its own with `postgres.new_database()`."""
    from .postgres import Postgres, find_programs

    programs = find_programs()
    if programs is None:
        (pytest.fail if _REQUIRED else pytest.skip)("needs postgres, which this machine lacks")
    server = Postgres(programs)
    yield server
    server.close()
