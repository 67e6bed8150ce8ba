"""How a script that connects by itself tells its key to the `ds run` that it runs under, so that the log can follow the run.

The way is a named pipe in a folder of the user's own: a key in it is in memory only, and gone when either end is. Where
there are no named pipes nothing is handed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Mapping
from tempfile import mkdtemp
from typing import NamedTuple

__all__ = ["VARIABLE", "HandedKey", "Handover", "hand_over"]

VARIABLE = "DOTSCIENCE_HANDOVER"
"""Names the pipe to the processes of the command."""

_LONGEST = 512
"""Bytes that are written at once or not at all, whoever else writes (POSIX)."""

_MOST = 1 << 20


class HandedKey(NamedTuple):
    """A key that a script has connected with. `user` is the name that its runs' `hub.json` says."""

    url: str
    user: str | None
    key: str


class Handover:
    """The end of the pipe at which keys arrive.

    Attributes:
        environ: what the command's environment needs.
    """

    def __init__(self) -> None:
        self.environ: Mapping[str, str] = {}
        self._folder: str | None = None
        self._descriptor = -1
        if hasattr(os, "mkfifo"):
            with contextlib.suppress(OSError):
                self._open()

    def _open(self) -> None:
        self._folder = mkdtemp(prefix="dotscience-")
        path = os.path.join(self._folder, "keys")
        os.mkfifo(path, 0o600)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.environ = {VARIABLE: path}

    def received(self) -> dict[tuple[str, str | None], str]:
        """The keys that have come since this was last asked, by Hub and user."""
        came, keys = bytearray(), {}
        with contextlib.suppress(OSError):  # nothing more now, and somebody may still write
            while self._descriptor >= 0 and len(came) < _MOST and (data := os.read(self._descriptor, 65536)):
                came += data
        for line in came.splitlines():
            with contextlib.suppress(TypeError, ValueError, RecursionError):
                url, user, key = json.loads(line)
                if isinstance(key, str):
                    keys[url, user] = key
        return keys

    def close(self) -> None:
        """Take the pipe away."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def hand_over(key: HandedKey, environ: Mapping[str, str] = os.environ) -> None:
    """Tell a key to the `ds run` that this process runs under, where it runs under one that is alive. Never waits."""
    line = json.dumps(key).encode("ascii") + b"\n"
    path = environ.get(VARIABLE)
    if not path or len(line) > _LONGEST:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            pipe = os.fstat(descriptor)
            is_private = pipe.st_uid == os.getuid() and not pipe.st_mode & 0o077
            if stat.S_ISFIFO(pipe.st_mode) and is_private:
                os.write(descriptor, line)
        finally:
            os.close(descriptor)
