"""The cells that an IPython session ran, in the order they ran.

Cells that ran before the first look come from the session's own input history. From then on IPython tells of each
cell as it starts, so that nothing is lost with a history that is cleared.
"""

from __future__ import annotations

import sys
from typing import Any

from ..records.values import Json
from .redact import redact

__all__ = ["CellLog", "current_shell", "log_of"]

_logs: dict[int, CellLog] = {}
"""By the identity of the shell: a process has one, which lives as long as itself."""


def current_shell() -> Any | None:
    """The IPython shell that this code runs in, of a kernel or of a terminal, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None


def log_of(shell: Any) -> CellLog:
    """The log of a shell's cells, which is kept from the first call on."""
    log = _logs.get(id(shell))
    if log is None:
        log = _logs[id(shell)] = CellLog(shell)
    return log


class _Cell:
    """A cell that ran. `info` is what IPython knows it by; `count` is None where its number is not known."""

    def __init__(self, source: str, count: int | None, info: Any = None) -> None:
        self.source, self.count, self.info = source, count, info
        self.shown: str | None = None


class CellLog:
    """What one shell ran.

    Args:
        shell: an IPython shell; it is asked to tell of every further cell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cells = self._from_history()
        self._open = self._cells[-1] if self._cells and self._result() is not None else None
        self._error: BaseException | None = None
        shell.events.register("pre_run_cell", self._begins)
        shell.events.register("post_run_cell", self._ended)

    def mark(self) -> int:
        """The place of the cell that runs now; it and all later ones are those of a run that begins now."""
        return len(self._cells) - (self._open is not None)

    def failure(self, mark: int) -> BaseException | None:
        """What the last cell raised, where that belongs to a run that began at `mark` and it did not just exit.

        Its traceback begins in the cell, without IPython's own frames.
        """
        error = self._error
        if error is None or len(self._cells) <= mark or isinstance(error, SystemExit):
            return None
        trace = error.__traceback__
        while trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("IPython."):
            trace = trace.tb_next
        return error.with_traceback(trace)

    def cells(self, mark: int) -> list[dict[str, Json]]:
        """The record's form of every cell so far, without secrets; from `mark` on they belong to the run."""
        result = self._result()
        if self._open is not None and result is not None:
            self._number(self._open, result)
        return [self._shown(cell) | {"in_run": place >= mark} for place, cell in enumerate(self._cells)]

    def _shown(self, cell: _Cell) -> dict[str, Json]:
        if cell.shown is None:
            cell.shown = redact(cell.source)
        return ({} if cell.count is None else {"count": cell.count}) | {"source": cell.shown}

    def _result(self) -> Any | None:
        """IPython's result, in the making, of the code that runs now."""
        return getattr(self._shell.displayhook, "exec_result", None)

    def _from_history(self) -> list[_Cell]:
        history = list(self._shell.history_manager.input_hist_raw)[1:]
        result = self._result()
        last = self._shell.execution_count - 1
        if result is not None and result.info.store_history:
            last = result.execution_count
        # An input that history left out (`exit`, %paste) shifts what follows: then the numbers are not known.
        numbered = last == len(history)
        return [_Cell(source, count if numbered else None) for count, source in enumerate(history, 1)]

    def _begins(self, info: Any) -> None:
        if self._open is not None and not info.store_history:
            return  # what a running cell has IPython run for it (%%capture) is part of that cell
        self._error = None
        self._open = _Cell(info.raw_cell, None, info)
        self._cells.append(self._open)

    def _ended(self, result: Any) -> None:
        cell = self._open
        if cell is not None and (
            result.info.store_history if cell.info is None else cell.info is result.info
        ):
            self._number(cell, result)
            self._open, self._error = None, result.error_in_exec or result.error_before_exec

    def _number(self, cell: _Cell, result: Any) -> None:
        if cell.info is not None and cell.info is result.info and cell.info.store_history:
            cell.count = result.execution_count
