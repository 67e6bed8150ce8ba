"""In which mode the code runs: `interactive` or `script`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Chosen", "guess_mode", "kernel"]


class Chosen(NamedTuple):
    """How runs are recorded, as the user chose or as it is guessed.

    Attributes:
        mode: `interactive`, `script` or `remote`.
        is_script: whether the code comes from a file; remote mode says only where runs go.
        workload_file: that file where the user named it, absolute.
    """

    mode: str
    is_script: bool
    workload_file: str | None


_WORDS = {"jupyter": "interactive", "command": "script"}


def kernel() -> Any | None:
    """The IPython shell when this very process is a notebook kernel, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell if getattr(shell, "kernel", None) is not None else None


def guess_mode(word: str, environ: Mapping[str, str]) -> str:
    """The mode where the user chose none: as the setting `workload_type` says, else by what this process is.

    A script started from a notebook or a Jupyter terminal inherits the word `jupyter`; that word was about
    the kernel, not about the script, and is passed over there.
    """
    inherited = word == "jupyter" and kernel() is None and _is_below_jupyter(environ)
    if word in _WORDS and not inherited:
        return _WORDS[word]
    if kernel() is not None or _has_prompt():
        return "interactive"
    return "script"


def _is_below_jupyter(environ: Mapping[str, str]) -> bool:
    return "JPY_PARENT_PID" in environ or "JUPYTER_SERVER_ROOT" in environ


def _has_prompt() -> bool:
    """Whether somebody types at this interpreter: the plain one, or IPython in a terminal."""
    return (
        hasattr(sys, "ps1")
        or bool(sys.flags.interactive)
        or hasattr(sys.modules.get("builtins"), "__IPYTHON__")
    )
