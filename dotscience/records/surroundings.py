"""The seam between recorder and capture: what surrounds a run is gathered by an object of this protocol.

The recorder is given a factory, `Factory`, and asks it for one object per run. With none it records no surroundings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from .values import Json

if TYPE_CHECKING:
    from ..settings import Settings

__all__ = ["PATIENCE", "Factory", "Moment", "Surroundings"]


PATIENCE = 15.0
"""Seconds that a publish waits at most for what is still being gathered."""


class Moment(NamedTuple):
    """What the recorder knows of a run when it asks for its surroundings.

    Attributes:
        root: the workspace root, absolute.
        keep: stores bytes as a blob and returns `{"sha256", "size"}`, or None where it could not;
            called from any thread.
        mode: `interactive`, `script`, `remote`, or None while it is not known.
        workload_file: the script or notebook that the user named, absolute, or None.
        tell: given what has been gathered so far, whole each time and in the shape that `finish` returns, so
            that it is not lost with the process; called from another thread, a few times at most; does not raise.
    """

    root: str
    keep: Callable[[bytes], Mapping[str, Json] | None]
    mode: str | None = None
    workload_file: str | None = None
    tell: Callable[[Mapping[str, Json]], None] | None = None


class Surroundings(Protocol):
    """What surrounds one run. None of its methods raises or waits for long, and all may be called after a fork."""

    def begin(self, moment: Moment) -> None:
        """Start gathering in the background: the run begins now."""

    def finish(self, moment: Moment, patience: float = PATIENCE) -> Mapping[str, Json]:
        """What was found: the record fields `code`, `git`, `environment`, `notices` and `workload_file`.

        What is not found out after `patience` seconds becomes a notice.
        A field that says nothing is absent. Works without `begin`, and describes the present then.
        """

    def failure(self) -> BaseException | None:
        """The exception that ended the notebook cell which was the last to run in the run; else None."""

    def redact(self, text: str) -> str:
        """The text with everything that looks like a secret replaced, for what the recorder writes itself."""


Factory: TypeAlias = "Callable[[Settings], Surroundings]"
