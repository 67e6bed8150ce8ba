"""What surrounds a command that is executed: its script, git, the machine and the command line.

The runner's own process says nothing of the command's, so neither its packages nor its Python are taken.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence

from ..capture import code
from ..capture.command import variables
from ..capture.gather import Gathering
from ..capture.redact import redact_command
from ..capture.sources import Git, Host
from ..capture.task import Facts, Source
from ..records.surroundings import Moment
from ..settings import Settings

__all__ = ["CommandSurroundings", "script_of"]

_SHELL = re.compile(r"(?:ba|da|k|z)?sh")
_INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*w?|Rscript|julia|node|perl|ruby")

_OF_SHELLS = (frozenset(("-c", "-s")), frozenset(("-o", "-O", "+o", "+O")))
_OF_INTERPRETERS = (frozenset(("-c", "-m", "-e", "-")), frozenset(("-W", "-X")))
"""Options after which there is no script, and options that take the next word."""


def script_of(command: Sequence[str]) -> str | None:
    """The absolute path of the script that a command executes, or None where none can be told.

    Example:
        >>> script_of(["python", "-u", "train.py", "--lr", "0.1"])
        '/study/train.py'
    """
    program, words = command[0], iter(command[1:])
    name = os.path.basename(program).removesuffix(".exe")
    if _SHELL.fullmatch(name):
        without_script, with_value = _OF_SHELLS
    elif _INTERPRETER.fullmatch(name):
        without_script, with_value = _OF_INTERPRETERS
    else:
        return os.path.abspath(program) if os.sep in program and _says_who_interprets(program) else None
    for word in words:
        if word in without_script:
            return None
        if word in with_value:
            next(words, None)
        elif not word.startswith("-"):
            return os.path.abspath(word) if os.path.isfile(word) else None
    return None


def _says_who_interprets(file: str) -> bool:
    """Whether a program is a script rather than machine code."""
    try:
        with open(file, "rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


class CommandSurroundings(Gathering):
    """The `Surroundings` of the run that stands for a command."""

    def __init__(self, settings: Settings, command: Sequence[str], script: str | None) -> None:
        super().__init__(settings)
        self._command, self._script = command, script

    def sources(self, moment: Moment) -> list[Source]:
        """The sources to gather from."""
        folders = [moment.root] if self._script is None else [os.path.dirname(self._script), moment.root]
        keep = moment.keep if self.setting("keep_code") else None
        sources: dict[str, Source] = {
            "capture_git": Git(moment, folders),
            "capture_code": _Script(self._script, moment.root, keep),
            "capture_command": _Called(self._command, self.setting("capture_variables")),
            "capture_host": _Machine(),
        }
        return [source for name, source in sources.items() if self.setting(name)]


class _Machine(Host):
    def look(self) -> Facts:
        machine = super().look()["environment"]
        of_python = ("python", "implementation")
        return {"environment": {name: fact for name, fact in machine.items() if name not in of_python}}


class _Called(Source):
    what = "The command line"

    def __init__(self, command: Sequence[str], patterns: Sequence[str]) -> None:
        self._command, self._patterns = command, patterns

    def look(self) -> Facts:
        found = {
            "argv": redact_command(self._command),
            "executable": shutil.which(self._command[0]),
            "variables": variables(self._patterns),
        }
        return {"environment": {name: fact for name, fact in found.items() if fact}}


class _Script(Source):
    what = "The code"

    def __init__(self, script: str | None, root: str, keep: code.Keep | None) -> None:
        self._script, self._root, self._keep = script, root, keep

    def look(self) -> Facts:
        if self._script is None:
            return {"code": {"workload_unknown": "the command names no script"}}
        return {"code": {"workload": code.read(self._script, self._root, self._keep).version.to_json()}}
