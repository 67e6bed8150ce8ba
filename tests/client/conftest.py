"""A real Hub, a faulty way to it, servers that are no Hub, and recorders that connect."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dotscience.client.connection import connect
from dotscience.recorder import notices
from dotscience.recorder.recorder import Recorder
from dotscience.storage.runs import RunFolder
from dotscience.storage.workspace import Workspace

from ..hub_server import RunningHub, running
from .proxy import Proxy, proxied

Connecting = Callable[[], Recorder]


@pytest.fixture(autouse=True)
def _nothing_was_said() -> None:
    """Notices are said once in a process; each test is to hear its own."""
    notices._said.clear()


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A Hub of one's own; `hub.admin` is its user ada."""
    with running(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def proxy(hub: RunningHub) -> Iterator[Proxy]:
    """A way to the Hub that can be made faulty."""
    with proxied(hub.url) as proxy:
        yield proxy


@pytest.fixture
def new_recorder(tmp_path: Path) -> Iterator[Connecting]:
    """Makes recorders that can connect, in the workspace `tmp_path`."""
    made = []

    def make() -> Recorder:
        made.append(Recorder(root=tmp_path, connecting=lambda: connect))
        return made[-1]

    yield make
    for recorder in made:
        recorder._at_exit()


@pytest.fixture
def connected(new_recorder: Connecting, hub: RunningHub) -> Recorder:
    """A recorder that publishes to ada's project `flowers`."""
    recorder = new_recorder()
    recorder.connect("ada", hub.admin.key, "flowers", hub.url)
    return recorder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The workspace that the recorders record into."""
    return Workspace(str(tmp_path))


@pytest.fixture
def only_run(workspace: Workspace) -> Callable[[], RunFolder]:
    """The one run that the workspace holds."""

    def only() -> RunFolder:
        (folder,) = workspace.run_folders()
        return folder

    return only


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """`answering(b"HTTP/1.1 200 OK …")` is the address of a server that says that to every request, then closes.

    Said nothing, it keeps the connection open and silent.
    """
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(_Answering(answer))


class _Answering:
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.05)
        self._over = threading.Event()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._open:
            connection.close()
        self._listening.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            if not self._answer:
                self._open.append(connection)
                continue
            with connection, contextlib.suppress(OSError):  # whoever asked may have had enough
                connection.settimeout(1)
                connection.recv(65536)
                connection.sendall(self._answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # so that the answer is not lost with what was not read
                    continue
