"""Which notebook the code of this kernel comes from.

A kernel is not told. The ways to find out are tried from the surest to the least: the Jupyter server that
started the kernel, the name it gave the session, what VS Code and papermill leave in the namespace, and the
command line of the program that started the kernel. Where none of them knows, the reason is given and nothing is guessed.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

__all__ = ["Found", "find_notebook", "kernel_connection"]

_PATIENCE = 2.0
"""Seconds that a Jupyter server may take to answer."""

_GENERATIONS = 4
"""How many parents of the kernel are looked at: a launcher may stand between it and its server."""


_EXECUTORS = {"execute", "nbclient", "nbconvert", "papermill"}
"""Programs that execute the notebooks on their command line, by what `jupyter NAME` or `python -m NAME` calls them."""


class Found(NamedTuple):
    """A notebook's absolute path and how it was found out; or no path, and the reason."""

    path: str | None
    found_by: str | None = None
    reason: str | None = None


class _Unknown(Exception):
    """This way of finding out ends the search; the message says why."""


def kernel_connection() -> str | None:
    """The connection file of the kernel that this process is, or None."""
    kernel = sys.modules.get("ipykernel")
    if kernel is None:
        return None
    try:
        return os.path.abspath(str(kernel.get_connection_file()))
    except (AttributeError, RuntimeError):  # ipykernel is loaded, but this is no kernel of it
        return None


def find_notebook(
    namespace: Mapping[str, Any],
    connection: str | None,
    environ: Mapping[str, str] = os.environ,
    proc: str = "/proc",
) -> Found:
    """The notebook of a kernel.

    Args:
        namespace: the global names of the notebook's code.
        connection: the kernel's connection file.
        environ: the kernel's environment.
        proc: where the system tells of processes.
    """
    ways: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("server", lambda: _from_server(connection, proc)),
        ("session", lambda: _from_session(environ, proc)),
        ("vscode", lambda: _from_namespace(namespace, "__vsc_ipynb_file__", proc)),
        ("papermill", lambda: _from_namespace(namespace, "PAPERMILL_INPUT_PATH", proc)),
        ("parent", lambda: _from_parents(proc)),
    )
    for found_by, way in ways:
        try:
            path = way()
        except _Unknown as reason:
            return Found(None, reason=str(reason))
        if path is not None:
            return Found(path, found_by)
    return Found(None, reason="the program that started this kernel does not tell which notebook it runs")


# The server


def _from_server(connection: str | None, proc: str) -> str | None:
    identity = re.fullmatch(r"kernel-(.+)\.json", os.path.basename(connection or ""))
    if connection is None or identity is None:
        return None
    for server in _servers(os.path.dirname(connection), proc):
        sessions = [
            session
            for session in _sessions(server)
            if isinstance(session, dict) and _get(session, "kernel", "id") == identity[1]
        ]
        found = [_on_disk(server, session) for session in sessions if session.get("type") == "notebook"]
        paths = {path for path in found if path is not None}
        if len(paths) > 1:
            raise _Unknown("several notebooks share this kernel")
        if paths:
            return paths.pop()
    return None


def _servers(runtime: str, proc: str) -> Iterator[dict[str, Any]]:
    """What the Jupyter servers that started this kernel wrote of themselves, the nearest first."""
    for parent in _parents(proc):
        for name in (f"jpserver-{parent}.json", f"nbserver-{parent}.json"):
            try:
                with open(os.path.join(runtime, name), encoding="utf-8") as stream:
                    server = json.load(stream)
            except (OSError, ValueError):
                continue
            if isinstance(server, dict) and isinstance(server.get("url"), str):
                yield server


def _sessions(server: Mapping[str, Any]) -> list[Any]:
    """What the server answers when asked for its sessions; nothing where it does not answer or wants a password."""
    token = server.get("token")
    try:
        url = urlsplit(server["url"])
        call = _connection(url.scheme, url.hostname, url.port)
    except (ValueError, http.client.HTTPException):
        return []
    try:
        call.request(
            "GET",
            f"{url.path.rstrip('/')}/api/sessions",
            headers={"Authorization": f"token {token}"} if token else {},
        )
        answer = call.getresponse()
        sessions = json.loads(answer.read()) if answer.status == 200 else []
    except (OSError, http.client.HTTPException, ValueError):
        return []
    finally:
        call.close()
    return sessions if isinstance(sessions, list) else []


def _connection(scheme: str, host: str | None, port: int | None) -> http.client.HTTPConnection:
    if host in (None, "", "0.0.0.0", "::"):
        host = "127.0.0.1"
    if scheme == "https":  # its certificate is usually its own; it is the user's server on this machine
        return http.client.HTTPSConnection(
            host, port, timeout=_PATIENCE, context=ssl._create_unverified_context()
        )
    return http.client.HTTPConnection(host, port, timeout=_PATIENCE)


def _on_disk(server: Mapping[str, Any], session: Mapping[str, Any]) -> str | None:
    """Where the notebook of a session lies, or None where the server keeps it elsewhere than in files."""
    top = server.get("root_dir") or server.get("notebook_dir")
    name = session.get("path") or _get(session, "notebook", "path")
    if not isinstance(top, str) or not isinstance(name, str):
        return None
    # VS Code names its sessions on a server after the notebook, with a mark of its own before the ending.
    return _existing(os.path.join(top, re.sub(r"-jvsc-[0-9a-f-]+(?=\.ipynb$|$)", "", name)))


# What others leave behind


def _from_session(environ: Mapping[str, str], proc: str) -> str | None:
    name = environ.get("JPY_SESSION_NAME")
    if not name or not os.path.isabs(name):
        return None
    # A kernel that was started from a notebook's own code inherits the name of that notebook.
    inherited = any(
        f"JPY_SESSION_NAME={name}" in _words(proc, parent, "environ") for parent in _parents(proc)
    )
    return None if inherited else _existing(name)


def _from_namespace(namespace: Mapping[str, Any], name: str, proc: str) -> str | None:
    path = namespace.get(name)
    return _existing(os.path.join(_directory(proc, os.getppid()), path)) if isinstance(path, str) else None


def _from_parents(proc: str) -> str | None:
    """The notebook that a program which executes notebooks, and started this kernel, has on its command line."""
    for parent in _parents(proc):
        words = _words(proc, parent, "cmdline")
        called = {os.path.basename(word).removeprefix("jupyter-") for word in words[:4]}
        if called & {"ipykernel", "ipykernel_launcher"}:
            return None  # another notebook's code started this kernel, and its own parents speak of that one
        if not called & _EXECUTORS:
            continue
        given = [
            _existing(os.path.join(_directory(proc, parent), word))
            for before, word in zip(["", *words], words, strict=False)
            if not word.startswith("-") and before not in ("-o", "--output")
        ]
        paths = list(dict.fromkeys(path for path in given if path is not None))
        if len(paths) > 1 and "papermill" not in called:  # which reads the first and writes the second
            raise _Unknown("the program that started this kernel was given several notebooks")
        return paths[0] if paths else None
    return None


def _existing(path: str) -> str | None:
    return os.path.normpath(path) if path.endswith(".ipynb") and os.path.isfile(path) else None


def _get(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


# Processes


def _parents(proc: str) -> list[int]:
    """The ids of this process's parents, the nearest first."""
    parents = [os.getppid()]
    while len(parents) < _GENERATIONS:
        try:
            with open(os.path.join(proc, str(parents[-1]), "stat"), "rb") as stream:
                parent = int(stream.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
        if parent <= 1:
            break
        parents.append(parent)
    return parents


def _words(proc: str, pid: int, file: str) -> list[str]:
    try:
        with open(os.path.join(proc, str(pid), file), "rb") as stream:
            return os.fsdecode(stream.read()).split("\0")
    except OSError:
        return []


def _directory(proc: str, pid: int) -> str:
    try:
        return os.readlink(os.path.join(proc, str(pid), "cwd"))
    except OSError:
        return os.getcwd()
