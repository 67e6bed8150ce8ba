"""While a command is at work the runner waits, whatever signals come: they are for the command."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

__all__ = ["Signals"]

_FROM_TERMINAL = ("SIGINT", "SIGQUIT")
_FROM_OTHERS = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")


class Signals:
    """A `with` block in which signals do not end this process but go to the one that `pass_to` names.

    What a terminal sends has already reached the command, which is in the same process group. Outside the main
    thread, where signals cannot be handled, the block does nothing.
    """

    def __init__(self) -> None:
        self._pid: int | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}

    def pass_to(self, pid: int) -> None:
        """Name the process; it gets the signals that came before, too."""
        self._pid = pid
        while self._early:
            self._send(self._early.pop())

    def let_go(self) -> None:
        """The process has ended: what comes now is for nobody."""
        self._pid = None

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for name in (*_FROM_TERMINAL, *_FROM_OTHERS):
                number = getattr(signal, name, None)
                # What is ignored here (under nohup, say) is ignored by the command as well.
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *raised: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._pid is None:
            self._early.append(number)
        elif signal.Signals(number).name not in _FROM_TERMINAL or not _is_in_foreground():
            self._send(number)

    def _send(self, number: int) -> None:
        assert self._pid is not None
        try:
            os.kill(self._pid, number)
        except ProcessLookupError:  # it has just ended
            return


def _is_in_foreground() -> bool:
    """Whether the terminal's interrupt key reaches this process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
