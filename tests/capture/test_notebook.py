"""The notebook's own path, as each way of running a notebook lets it be known; and no path rather than a wrong one."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from dotscience.capture.notebook import Found, find_notebook, kernel_connection

WriteNotebook = Callable[..., Path]
Require = Callable[..., None]


def _facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "facts.json").read_text())
    return facts


def _run(*command: str, at: Path) -> None:
    subprocess.run([sys.executable, *command], cwd=at, check=True, capture_output=True)


def test_a_notebook_run_by_nbclient_from_a_program_says_that_its_path_is_unknown(
    run_cells: Callable[..., dict[str, Any]],
) -> None:
    facts = run_cells("begin()", "finish()")
    assert "notebook" not in facts["code"]
    assert "workload_file" not in facts
    assert "argv" not in facts["environment"]  # it is the kernel's, and another one each time
    assert facts["code"]["workload_unknown"] == (
        "the program that started this kernel does not tell which notebook it runs"
    )


@pytest.mark.parametrize(
    "executor",
    [
        "jupyter execute notes/study.ipynb",
        "jupyter nbconvert --execute --to notebook --output done.ipynb notes/study.ipynb",
        "papermill notes/study.ipynb out.ipynb",
    ],
)
def test_a_notebook_on_the_command_line_of_its_executor_is_found(
    tmp_path: Path, write_notebook: WriteNotebook, require: Require, executor: str
) -> None:
    require("nbclient", "nbconvert", "papermill")
    (tmp_path / "notes").mkdir()
    root = repr(str(tmp_path))
    write_notebook(f"begin({root})", f"finish({root} + '/facts.json')", name="notes/study.ipynb")
    shutil.copy("report.py", "notes/report.py")
    _run("-m", *executor.split(), at=tmp_path)
    facts = _facts(tmp_path)
    assert facts["code"]["notebook"] == {"path": "notes/study.ipynb", "found_by": "parent"}
    assert facts["workload_file"] == "notes/study.ipynb"
    assert [cell["source"] for cell in facts["code"]["cells"]][-2] == f"begin({root})"


def test_several_notebooks_on_one_command_line_are_not_guessed_among(
    tmp_path: Path, write_notebook: WriteNotebook
) -> None:
    write_notebook("begin()", "finish()", name="a.ipynb")
    write_notebook("begin()", "finish()", name="b.ipynb")
    _run("-m", "jupyter", "execute", "a.ipynb", "b.ipynb", at=tmp_path)
    assert _facts(tmp_path)["code"]["workload_unknown"] == (
        "the program that started this kernel was given several notebooks"
    )


def test_the_notebook_that_started_another_one_is_not_taken_for_it(
    tmp_path: Path, write_notebook: WriteNotebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "outer.ipynb"))  # the outer kernel's, and inherited
    write_notebook("begin()", "finish()", name="inner.ipynb")
    write_notebook(
        "import nbformat, nbclient",
        "await nbclient.NotebookClient(nbformat.read('inner.ipynb', 4)).async_execute();",
        name="outer.ipynb",
    )
    _run("-m", "jupyter", "execute", "outer.ipynb", at=tmp_path)
    facts = _facts(tmp_path)
    assert "notebook" not in facts["code"]
    assert [cell["source"] for cell in facts["code"]["cells"]][1:] == ["begin()", "finish()"]


def test_vs_code_tells_the_path_in_the_namespace(
    tmp_path: Path, run_cells: Callable[..., dict[str, Any]]
) -> None:
    path = tmp_path / "from code.ipynb"
    path.write_text("{}")
    facts = run_cells(f"__vsc_ipynb_file__ = {str(path)!r}", "begin()", "finish()")
    assert facts["code"]["notebook"] == {"path": "from code.ipynb", "found_by": "vscode"}


def test_a_path_that_papermill_injected_is_found(
    tmp_path: Path, run_cells: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / "in.ipynb").write_text("{}")
    facts = run_cells(f"PAPERMILL_INPUT_PATH = {str(tmp_path / 'in.ipynb')!r}", "begin()", "finish()")
    assert facts["code"]["notebook"] == {"path": "in.ipynb", "found_by": "papermill"}


def test_a_notebook_that_the_user_names_is_believed(
    tmp_path: Path, run_cells: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTSCIENCE_WORKLOAD_FILE", str(tmp_path / "named.ipynb"))
    facts = run_cells("begin()", "finish()")
    assert facts["code"]["notebook"] == {"path": "named.ipynb", "found_by": "setting"}


def test_this_process_is_no_kernel() -> None:
    assert kernel_connection() is None


# A Jupyter server


class Server:
    """A Jupyter server on a port of its own, asked as JupyterLab asks it."""

    def __init__(self, root: Path, runtime: Path) -> None:
        self._runtime = runtime
        self._process = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "jupyter_server",
                    "--no-browser",
                    "--allow-root",
                    "--ServerApp.port=0",
                ),
                *(f"--ServerApp.root_dir={root}", "--ServerApp.base_url=/behind/proxy/"),
            ],
            env=os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                info = json.loads((self._runtime / f"jpserver-{self._process.pid}.json").read_text())
                self._port, self._token = info["port"], info["token"]
                self.ask("GET", "status")
                return
            except (OSError, ValueError):
                assert time.monotonic() < deadline
                assert self._process.poll() is None
                time.sleep(0.1)

    def ask(self, method: str, what: str, body: object = None) -> Any:
        call = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"Authorization": f"token {self._token}"}
        call.request(method, f"/behind/proxy/api/{what}", body and json.dumps(body), headers)
        answer = call.getresponse().read()
        call.close()
        return json.loads(answer) if answer else None

    @contextmanager
    def kernel(self, session: dict[str, Any]) -> Iterator[Callable[[str], None]]:
        """Runs code in the kernel of a session."""
        connection = self._runtime / f"kernel-{session['kernel']['id']}.json"
        client = BlockingKernelClient(connection_file=str(connection))
        client.load_connection_file()
        client.start_channels()
        deadline = time.monotonic() + 60
        while True:
            try:
                client.wait_for_ready(timeout=60)
                break
            except RuntimeError:  # it takes a kernel that is slow to start for a dead one
                assert time.monotonic() < deadline

        def execute(source: str) -> None:
            answer = client.execute_interactive(source, timeout=60, output_hook=lambda message: None)
            assert answer["content"]["status"] == "ok", answer["content"]

        yield execute
        client.stop_channels()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=120)


@pytest.fixture
def server(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, require: Require) -> Iterator[Server]:
    require("jupyter_server")
    server = Server(tmp_path, tmp_path_factory.mktemp("runtime"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def test_a_server_tells_the_path_also_after_the_notebook_was_renamed(
    tmp_path: Path, write_notebook: WriteNotebook, server: Server
) -> None:
    (tmp_path / "notes").mkdir()
    write_notebook(name="notes/draft.ipynb")
    session = server.ask(
        "POST",
        "sessions",
        {
            "path": "notes/draft.ipynb",
            "name": "draft.ipynb",
            "type": "notebook",
            "kernel": {"name": "python3"},
        },
    )
    root = repr(str(tmp_path))
    with server.kernel(session) as execute:
        execute(f"import sys, os; sys.path.insert(0, {root}); from report import begin, finish")
        execute(f"begin({root}); finish()")
        assert _facts(tmp_path / "notes")["code"]["notebook"] == {
            "path": "notes/draft.ipynb",
            "found_by": "server",
        }

        (tmp_path / "notes" / "draft.ipynb").rename(tmp_path / "notes" / "final.ipynb")
        server.ask("PATCH", f"sessions/{session['id']}", {"path": "notes/final.ipynb", "name": "final.ipynb"})
        execute(f"begin({root}); finish()")
        assert _facts(tmp_path / "notes")["code"]["notebook"] == {
            "path": "notes/final.ipynb",
            "found_by": "server",
        }


def test_the_name_of_the_session_serves_where_the_server_does_not_answer(
    tmp_path: Path, write_notebook: WriteNotebook, server: Server
) -> None:
    path = write_notebook(name="study.ipynb")
    session = server.ask(
        "POST",
        "sessions",
        {"path": "study.ipynb", "name": "study.ipynb", "type": "notebook", "kernel": {"name": "python3"}},
    )
    with server.kernel(session) as execute:
        # As in a session that VS Code holds, whose own files are elsewhere.
        execute("from report import begin, finish; import ipykernel")
        execute("ipykernel.get_connection_file = lambda: '/nowhere/kernel-1.json'")
        execute("begin(); finish()")
        assert _facts(tmp_path)["code"]["notebook"] == {"path": "study.ipynb", "found_by": "session"}
        path.unlink()
        execute("begin(); finish()")
        assert "notebook" not in _facts(tmp_path)["code"]


def test_two_notebooks_that_share_a_kernel_are_not_guessed_between(
    tmp_path: Path, write_notebook: WriteNotebook, server: Server
) -> None:
    write_notebook(name="one.ipynb")
    write_notebook(name="two.ipynb")
    first = server.ask(
        "POST",
        "sessions",
        {"path": "one.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}},
    )
    server.ask(
        "POST",
        "sessions",
        {"path": "two.ipynb", "name": "", "type": "notebook", "kernel": {"id": first["kernel"]["id"]}},
    )
    with server.kernel(first) as execute:
        execute("from report import begin, finish; begin(); finish()")
    assert _facts(tmp_path)["code"]["workload_unknown"] == "several notebooks share this kernel"


# Where the system tells nothing of processes


def test_where_nothing_is_known_the_reason_is_given(tmp_path: Path) -> None:
    found = find_notebook({}, None, {}, proc=str(tmp_path))
    assert found == Found(
        None, reason="the program that started this kernel does not tell which notebook it runs"
    )


def test_a_session_name_is_believed_only_as_an_absolute_path_to_a_notebook_that_is_there(
    tmp_path: Path,
) -> None:
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    (tmp_path / "a.py").write_text("")
    for name, path in (
        (str(tmp_path / "a.ipynb"), str(tmp_path / "a.ipynb")),
        (str(tmp_path / "b.ipynb"), None),
        (str(tmp_path / "a.py"), None),
        ("a.ipynb", None),
        ("", None),
    ):
        assert find_notebook({}, None, {"JPY_SESSION_NAME": name}, proc=str(tmp_path)).path == path


def test_a_server_that_wrote_nonsense_of_itself_is_passed_over(tmp_path: Path) -> None:
    connection = str(tmp_path / "kernel-abc.json")
    described = tmp_path / f"jpserver-{os.getppid()}.json"
    for text in (
        "",
        "[]",
        "{}",
        '{"url": 3}',
        '{"url": "http://127.0.0.1:9/", "root_dir": "/"}',
        '{"url": "x"}',
        '{"url": "http://h:99999"}',
    ):
        described.write_text(text)
        assert find_notebook({}, connection, {}, proc=str(tmp_path)).path is None
