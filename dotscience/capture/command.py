"""How the process was called: its command line and the environment variables that matter."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from fnmatch import translate
from typing import Any

from ..records.values import Json
from .redact import REDACTED, is_secret_name, redact, redact_command

__all__ = ["command", "redacted", "variables"]


def command() -> dict[str, Json]:
    """`argv`, without its secrets, and `executable`."""
    return {"argv": redact_command(sys.argv), **({"executable": sys.executable} if sys.executable else {})}


def variables(patterns: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables whose names fit one of the patterns, without the values of those that look secret.

    Example:
        >>> variables(["SLURM_*", "*_TOKEN"], {"SLURM_JOB_ID": "7", "HF_TOKEN": "hf_x", "HOME": "/"})
        {'HF_TOKEN': '[redacted]', 'SLURM_JOB_ID': '7'}
    """
    chosen = re.compile("|".join(map(translate, patterns)) or r"(?!)")
    return {
        name: REDACTED if is_secret_name(name) else redact(environ[name])
        for name in sorted(environ)
        if chosen.match(name)
    }


def redacted(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is known to be secret by now."""
    found = dict(environment)
    if "argv" in found:
        found["argv"] = redact_command(found["argv"])
    if "variables" in found:
        found["variables"] = {name: redact(value) for name, value in found["variables"].items()}
    return found
