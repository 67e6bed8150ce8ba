"""Which script this process runs: for the recorder, which names it, and for what captures its code."""

from __future__ import annotations

import os
import sys

from .workspace import current_directory

__all__ = ["is_installed", "named_script", "running_script"]


def named_script() -> str:
    """What the command line names as the script, as a program sees it: it may have been changed or removed."""
    argv = getattr(sys, "argv", None)
    return argv[0] if argv and isinstance(argv[0], str) else ""


def running_script() -> str | None:
    """The absolute path of the script, or of the folder or archive that is run as one; None where code has no file.

    The main module tells, wherever the current directory is by now and whatever a program wrote into `sys.argv`.
    """
    main, named = sys.modules.get("__main__"), named_script()
    given = getattr(main, "__file__", None)
    file = given if isinstance(given, str) and given and not given.startswith("<") else None  # "<stdin>"
    # A script under a profiler or debugger: that tool is the main module, and it names the script in sys.argv.
    if (file is None or is_installed(file)) and os.path.isfile(named):
        file = named
    elif file is not None and getattr(getattr(main, "__spec__", None), "name", None) == "__main__":
        file = os.path.dirname(file)  # `python folder`
    return None if file is None else os.path.abspath(os.path.join(current_directory(), file))


def is_installed(file: str) -> bool:
    """Whether a file belongs to an installed distribution or to Python itself, and not to the user's own work."""
    parts = file.split(os.sep)
    return (
        "site-packages" in parts
        or "dist-packages" in parts
        or file.startswith(os.path.join(os.path.dirname(os.__file__), ""))
        or os.path.dirname(file) == os.path.dirname(sys.executable)
    )
