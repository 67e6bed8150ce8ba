"""Talks to a Hub as dotscience 0.8.7 does."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from requests import Response

from ...hub_server import Person

__all__ = ["Dot", "RpcError", "call", "digest", "half_sent", "packed", "raw_put", "run_metadata"]


class RpcError(Exception):
    """An error of JSON-RPC; `code` is its number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def call(person: Person, method: str, **params: Any) -> Any:
    """Call a method, as strict about the envelope as 0.8.7's own library is."""
    request = {"jsonrpc": "2.0", "method": f"DotmeshRPC.{method}", "id": 7}
    answer = person.post("/v2/dotmesh/rpc", json={**request, "params": params} if params else request)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["jsonrpc"] == "2.0" and body["id"] == 7
    if "error" in body:
        assert body.keys() == {"jsonrpc", "id", "error"}
        raise RpcError(body["error"]["code"], body["error"]["message"])
    assert body.keys() == {"jsonrpc", "id", "result"}
    return body["result"]


class Dot:
    """A project's workspace dot, as one person sees it."""

    def __init__(self, person: Person, project: str) -> None:
        assert person.user is not None
        self.person, self.project = person, project
        self.name = f"project-{project[:8]}-default-workspace"
        self.path = f"/v2/dotmesh/s3/{person.user.name}:{self.name}"

    def call(self, method: str, **params: Any) -> Any:
        """Call a method about the dot."""
        assert self.person.user is not None
        return call(
            self.person, method, Namespace=self.person.user.name, Name=self.name, **{"Branch": "", **params}
        )

    def put(self, key: str, data: Any, **headers: str) -> Response:
        """Send a file, or with `Extract="true"` an archive."""
        return self.person.put(f"{self.path}/{key}", data=data, headers=headers)

    def get(self, key: str = "", **query: Any) -> Response:
        """Fetch a file, or list what there is."""
        return self.person.get(f"{self.path}/{key}" if key else self.path, params=query)

    def keys(self, commit: str = "latest", **query: Any) -> list[str]:
        """The paths that there are."""
        found = self.get(f"snapshot/{commit}", Format="json", **query).json()
        return [item["key"] for item in found["contents"]]

    def commit(self, run: str, **fields: str) -> str:
        """Commit a run."""
        commit: str = self.call(
            "Commit", Message="Remote dotscience run", Metadata=run_metadata(run, **fields)
        )
        return commit

    def run(self, run: str) -> dict[str, Any]:
        """The run as the Hub shows it."""
        found: dict[str, Any] = self.person.get(f"/api/projects/{self.project}/runs/{run}").json()
        return found


def run_metadata(run: str, **fields: str) -> dict[str, str]:
    """What 0.8.7 sends of a run; `output_files='["a"]'` and the like are added."""
    named = {f"run.{run}.{name.replace('_', '-')}": value for name, value in fields.items()}
    return {
        "type": "dotscience.run.v1",
        "workload.type": "remote",
        "runs": json.dumps([run]),
        "exec.start": "20240102T030405.000006",
        "exec.end": "20240102T030406.000006",
        f"run.{run}.authority": "remote",
        **named,
    }


def packed(**files: bytes) -> bytes:
    """A tar archive; names are given with `__` for a slash."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return written.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def half_sent(dot: Dot, key: str, *pieces: bytes, absolute: bool = True) -> Iterator[socket.socket]:
    """A chunked PUT in absolute form of which these pieces are sent; the socket, to go on with."""
    assert dot.person.user is not None and dot.person.key is not None
    where = urlsplit(dot.person.url)
    user = b64encode(f"{dot.person.user.name}:{dot.person.key}".encode()).decode()
    target = f"{dot.person.url if absolute else ''}{dot.path}/{key}"
    head = (
        f"PUT {target} HTTP/1.1\r\nHost: {where.netloc}\r\nAccept-Encoding: identity\r\n"
        f"Authorization: Basic {user}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with closing(
        socket.create_connection((where.hostname or "", where.port or 80), timeout=120)
    ) as connection:
        connection.sendall(head.encode())
        for piece in pieces:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        yield connection


def raw_put(dot: Dot, key: str, *pieces: bytes) -> None:
    """A PUT as 0.8.7 makes it: absolute form, chunked, and the answer is not waited for."""
    with half_sent(dot, key, *pieces) as connection:
        connection.sendall(b"0\r\n\r\n")
