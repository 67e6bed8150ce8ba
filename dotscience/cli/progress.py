"""A progress bar on standard error for work that takes over a second, where somebody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["Waiting"]

_PATIENCE = 1.0


class Waiting:
    """A `with` block around work that says how far it is, by calling this object with done and total.

    Args:
        what: what is being done, such as `reading run folders`.
        in_bytes: done and total are bytes.

    Example:
        >>> with Waiting("reading run folders") as progress:
        ...     catalog.refresh(progress)
    """

    def __init__(self, what: str, *, in_bytes: bool = False) -> None:
        self._what, self._in_bytes = what, in_bytes
        self._began = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Waiting:
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._bar is None:
            if time.monotonic() - self._began < _PATIENCE or done >= total or not sys.stderr.isatty():
                return
            self._show()
        self._bar.update(self._task, completed=done, total=total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

        amount = DownloadColumn(binary_units=True) if self._in_bytes else MofNCompleteColumn()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            amount,
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(self._what, total=None)
        self._bar.start()
