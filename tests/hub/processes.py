"""`ds hub` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import requests

__all__ = ["KEY", "HubProcess"]

KEY = "ds_a-key-for-tests-only"


class HubProcess:
    """A Hub that serves; `port` 0 takes a free one.

    Attributes:
        url: its address.
        said: what it printed when it started.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, environ: Mapping[str, str] | None = None, key: str | None = KEY
    ) -> None:
        given = {} if key is None else {"DOTSCIENCE_HUB_USER": "ada", "DOTSCIENCE_HUB_APIKEY": key}
        command = [sys.executable, "-m", "dotscience", "hub", "--port", str(port), "--data", str(folder)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **given, **(environ or {})},
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self.process.stdout is not None
        self.said = ""
        while "http://" not in self.said:
            line = self.process.stdout.readline()
            if not line:
                self.close()
                raise RuntimeError("".join(self.log))
            self.said += line
        self.url = re.findall(r"http://\S+", self.said)[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ada(self) -> requests.Session:
        """The first user."""
        session = requests.Session()
        session.trust_env = False
        session.auth = ("ada", KEY)
        return session

    def kill(self) -> None:
        """As if the machine lost power."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        return self._end(signal.SIGTERM)

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def rest(self) -> str:
        """What it prints from now on until it ends."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def _end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        code = self.process.wait(60)
        self._reader.join()
        return code

    def close(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def __enter__(self) -> HubProcess:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)
