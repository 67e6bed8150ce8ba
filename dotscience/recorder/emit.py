"""Where the run block of a published run goes; the first rule that fits wins."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from .mode import kernel
from .notices import contained
from .published import Published

__all__ = ["emit"]


def emit(published: Published, stream: TextIO | None, wanted: str, environ: Mapping[str, str]) -> None:
    """Write the run block.

    1. To `stream`, when one was given.
    2. As the setting `publish_to` says, when it is not `auto`.
    3. In a notebook kernel, into the cell's output, with a card for people.
    4. To standard output as it is now, when `DOTSCIENCE_WORKLOAD_TYPE` is set or it is not a terminal.
    5. On a terminal, and in remote mode, a summary of a few lines on standard error instead.

    A fault of the given stream is the caller's to see; of the others it is contained, the record being safe.
    """
    if stream is not None:
        stream.write(published.block + "\n")
        return
    with contained("writing the run block"):
        where = _place(environ, wanted == "remote") if wanted in ("auto", "remote") else wanted
        shell = kernel()
        if where == "notebook" and shell is not None:
            published.show_in(shell)
        elif where in ("stdout", "notebook") and sys.stdout is not None:
            print(published.block)
        elif where == "stderr" and sys.stderr is not None:
            print(published.block, file=sys.stderr)
        elif where == "summary" and sys.stderr is not None:
            print(published, file=sys.stderr)


def _place(environ: Mapping[str, str], is_remote: bool) -> str:
    if kernel() is not None:
        return "notebook"
    if environ.get("DOTSCIENCE_WORKLOAD_TYPE") or not (is_remote or _is_terminal(sys.stdout)):
        return "stdout"
    return "summary"


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and os.isatty(stream.fileno())
    except Exception:  # closed, without a file descriptor, or somebody's own object that can only write
        return False
