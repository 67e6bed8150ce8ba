"""Every setting, once: name, variable, type, default, meaning.

A setting is looked up when it is used, never at import: environment variable first, then the
workspace's `.dotscience/config.json`, then the user's `$XDG_CONFIG_HOME/dotscience/config.json`,
then the default. `ds config` and docs/settings.md are made from `SETTINGS`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ArgumentError, CorruptError, NotFoundError

__all__ = ["PERSONAL", "SETTINGS", "Setting", "Settings", "user_config_dir", "user_state_dir"]


@dataclass(frozen=True)
class Setting:
    """One setting. `kind` is `text`, `secret`, `path`, `flag`, `count`, `number` (above zero), `size` (bytes), `list` or a tuple of
    allowed words.
    """

    name: str
    kind: str | tuple[str, ...]
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "DOTSCIENCE_" + self.name.upper()

    def parse(self, raw: Any, source: str) -> Any:
        """Turn a raw value (text, or JSON from a config file) into the setting's type.

        Raises:
            ArgumentError: the value does not fit; names the source and what fits.
        """
        try:
            return _PARSERS[self.kind](raw) if isinstance(self.kind, str) else _word(raw, self.kind)
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"{source}: {self.name} = {raw!r}: {error}") from None


def _flag(raw: Any) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    word = str(raw).strip().lower()
    if word not in words:
        raise ValueError("say true or false")
    return words[word]


def _count(raw: Any) -> int:
    if not re.fullmatch(r"\s*\d+\s*", str(raw), re.ASCII):
        raise ValueError("say a whole number, not below zero")
    return int(raw)


def _number(raw: Any) -> int:
    if not re.fullmatch(r"\s*0*[1-9]\d*\s*", str(raw), re.ASCII):
        raise ValueError("say a whole number above zero")
    return int(raw)


def _size(raw: Any) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", str(raw), re.IGNORECASE)
    if not match:
        raise ValueError("say a size such as 500MB, 2GiB or a number of bytes")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def _list(raw: Any) -> tuple[str, ...]:
    parts = raw if isinstance(raw, list | tuple) else str(raw).split(",")
    return tuple(text for text in (str(part).strip() for part in parts) if text)


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise TypeError("say a text")
    return raw


def _word(raw: Any, allowed: tuple[str, ...]) -> str:
    word = str(raw).strip().lower()
    if word not in allowed:
        raise ValueError(f"say one of {', '.join(allowed)}")
    return word


_PARSERS = {
    "text": _text,
    "secret": _text,
    "path": _text,
    "flag": _flag,
    "count": _count,
    "number": _number,
    "size": _size,
    "list": _list,
}

SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("project_dot_root", "path", "", "the workspace root; else the nearest parent holding .dotscience/, else the current directory"),
        Setting("workload_type", ("", "jupyter", "command"), "", "how the code was started: jupyter means interactive mode, command means script mode"),
        Setting("workload_file", "path", "", "the script or notebook that runs, where it cannot be found out"),
        Setting("publish_to", ("auto", "stdout", "stderr", "notebook", "none"), "auto", "where publish() writes the run block; auto chooses by where the code runs"),
        Setting("keep_outputs", "flag", True, "keep the content of outputs, so that they can be restored"),
        Setting("keep_inputs", "flag", False, "keep the content of inputs too"),
        Setting("keep_code", "flag", True, "keep the source of the workload and of the local modules it imported"),
        Setting("keep_file_limit", "size", 1024**3, "a larger file is recorded by its digest only"),
        Setting("keep_run_limit", "size", 8 * 1024**3, "once a run has kept this much, further files are recorded by their digest only"),
        Setting("capture_code", "flag", True, "record the script and local modules, or the notebook cells that ran"),
        Setting("capture_git", "flag", True, "record commit, branch, remote and uncommitted changes"),
        Setting("capture_packages", "flag", True, "record the installed distributions and their versions"),
        Setting("capture_host", "flag", True, "record Python, platform, host, CPU, RAM and GPUs"),
        Setting("capture_command", "flag", True, "record the command line"),
        Setting("capture_variables", "list", ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PYTHONHASHSEED", "SLURM_*"), "environment variables to record; * matches anything; values of secret-looking names are redacted"),
        Setting("limit_value", "size", 1024**2, "the longest text of a label, parameter, metric, description or error that a Hub takes; 0 for no limit"),
        Setting("limit_names", "count", 10_000, "how many labels, parameters, metrics and series, each, a Hub takes of one run; 0 for no limit"),
        Setting("limit_record", "size", 64 * 1024**2, "the largest record that a Hub takes; 0 for no limit"),
        Setting("limit_file", "size", 64 * 1024**3, "the largest file that a Hub takes; 0 for no limit"),
        Setting("limit_project", "size", 0, "how many bytes of content one project may hold on a Hub; 0 for no limit"),
        Setting("hub_host", "text", "127.0.0.1", "the address that `ds hub` listens on"),
        Setting("hub_port", "count", 8000, "the port that `ds hub` listens on"),
        Setting("hub_data", "path", "", "the folder of a Hub's database and blobs; by default dotscience/hub in the user's data folder (XDG_DATA_HOME)"),
        Setting("hub_database", "secret", "", "a Hub's database, such as postgresql://user:password@host/name; by default a SQLite file in its folder"),
        Setting("hub_blobs", "text", "", "where a Hub keeps content, such as s3://bucket/prefix; by default in its folder"),
        Setting("hub_url", "text", "", "the address under which people reach the Hub, such as https://hub.example.org; by default as each request says"),
        Setting("hub_user", "text", "", "name of the first user of a new Hub; by default the account that starts it"),
        Setting("hub_apikey", "secret", "", "API key of the first user of a new Hub; by default one is made and printed once"),
        Setting("hub_proxies", "list", (), "addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed"),
        Setting("hub_log", ("requests", "problems"), "requests", "what `ds hub` writes to standard error: a line for each request, or for what went wrong only"),
        Setting("hub_session_hours", "count", 14 * 24, "how long a sign-in on the web pages lasts"),
        Setting("hub_trash_days", "count", 30, "how long a deleted run can be restored before `ds hub gc` removes it"),
        Setting("hub_patience", "count", 30, "seconds in which the head of a request to a Hub must have come; each 16 KiB of a body has ten times as long; 0 for any time"),
        Setting("username", "text", "", "your name on the Hub that `ds.connect()` publishes to"),
        Setting("apikey", "secret", "", "your API key on that Hub; better stored once by `ds login`"),
        Setting("project_name", "text", "", "the project on that Hub"),
        Setting("url", "text", "", "the address of that Hub, such as https://hub.example.org"),
        Setting("hostname", "text", "", "the same as url, which decides where both are set"),
        Setting("timeout", "number", 10, "seconds that a Hub may take to answer; at least 60 where it stores a file or a record"),
        Setting("profile", "text", "default", "the profile, stored by `ds login`, that fills in what is not said otherwise"),
    )
}  # fmt: skip


PERSONAL = frozenset(("username", "apikey", "url", "hostname"))
"""Settings that say who somebody is, and whom keys are sent to. A workspace may be somebody else's work, so its file
has no say in them."""


def user_config_dir(environ: Mapping[str, str] = os.environ) -> str:
    """The folder of the user's own configuration (XDG Base Directory Specification)."""
    return os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "dotscience")


def user_state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """The folder of what must outlive a session but is no configuration (XDG Base Directory Specification)."""
    return os.path.join(environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "dotscience")


class Settings:
    """The settings as they stand now, for one workspace.

    Example:
        >>> Settings(environ={"DOTSCIENCE_KEEP_FILE_LIMIT": "2 MiB"})["keep_file_limit"]
        2097152
    """

    def __init__(self, root: str | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._files = [os.path.join(user_config_dir(environ), "config.json")]
        if root is not None:
            self._files.insert(0, os.path.join(root, ".dotscience", "config.json"))
        self._loaded: list[tuple[str, Mapping[str, Any]]] | None = None

    def __getitem__(self, name: str) -> Any:
        return self.lookup(name)[0]

    def lookup(self, name: str) -> tuple[Any, str]:
        """The value of a setting and where it came from (a variable, a file, or `default`).

        Raises:
            NotFoundError: there is no such setting.
            ArgumentError: the value does not fit the setting's type.
            CorruptError: a configuration file cannot be read.
        """
        setting = SETTINGS.get(name)
        if setting is None:
            raise NotFoundError(f"There is no setting {name!r}. `ds config` lists all of them.")
        raw = self._environ.get(setting.variable)
        if raw is not None and raw != "":
            return setting.parse(raw, setting.variable), setting.variable
        if self._loaded is None:
            self._loaded = [(file, _read_config(file)) for file in self._files]
        for file, values in self._loaded:
            if name in values and (name not in PERSONAL or file == self._files[-1]):
                return setting.parse(values[name], file), file
        return setting.default, "default"


def _read_config(file: str) -> Mapping[str, Any]:
    try:
        with open(file, encoding="utf-8") as stream:
            values = json.load(stream)
    except OSError:
        return {}
    except (ValueError, RecursionError) as error:
        raise CorruptError(file, "", f"not JSON ({error}); mend or delete it") from None
    if not isinstance(values, dict):
        raise CorruptError(file, "", "must be a JSON object of settings; mend or delete it")
    return values
