"""What the points of a run in progress come to so far: kept beside them, so that a further piece costs what it holds."""

from __future__ import annotations

import io
import json
from dataclasses import astuple, dataclass, field
from operator import attrgetter

from ...records.values import Json, Stored, stored
from ...storage.points import Frames, Layout
from ...storage.series import Summary, columns_of
from ..problems import Problem
from .limits import LONGEST_NAME

__all__ = ["Logged"]

LARGEST_FRAME = 64 << 20
"""Bytes; a recorder writes frames of about 4 MiB, or of one row where that is larger."""

_MOST_PROBLEMS = 10
_LAYOUTS_PER_NAME = 20
"""How often a name may occur among the layouts, on average over the names that a run may have."""


@dataclass
class Logged:
    """Layouts, last values and extremes, as far as the points were read.

    Attributes:
        parsed: bytes of the points that this tells of.
        wanted: how many bytes must follow before there is more to tell.
    """

    layouts: dict[int, Layout] = field(default_factory=dict)
    series: dict[str, Summary] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    parsed: int = 0
    wanted: int = 0

    @classmethod
    def from_text(cls, parsed: int, document: str) -> Logged:
        """As `to_text` wrote it; "" for nothing yet."""
        if not document:
            return cls(parsed=parsed)
        said = json.loads(document)
        return cls(
            {
                int(number): Layout(tuple(names), has_epoch)
                for number, (names, has_epoch) in said["layouts"].items()
            },
            {name: Summary(*parts) for name, parts in said["series"].items()},
            said["problems"],
            parsed,
            said["wanted"],
        )

    def to_text(self) -> str:
        """JSON, in which numbers may be NaN and infinite."""
        layouts = {number: [layout.names, layout.has_epoch] for number, layout in self.layouts.items()}
        series = {name: astuple(summary) for name, summary in self.series.items()}
        return json.dumps(
            {"layouts": layouts, "series": series, "problems": self.problems, "wanted": self.wanted}
        )

    def take(self, data: bytes, most_names: int) -> None:
        """Read what follows on `parsed`.

        Args:
            most_names: series that a run may have; 0 for any number.

        Raises:
            Problem: 422, there are more, their names are too long, or a frame is longer than any recorder writes.
        """
        problems: list[str] = []
        frames = Frames(io.BytesIO(data), "points", problems, self.layouts)
        for rows in frames:
            if not rows.payload:
                continue
            for name, column in columns_of(rows).items():
                self.series.setdefault(name, Summary()).add(column, rows.sequence)
        self.parsed += frames.end
        self.wanted = frames.wanted
        self.problems = (self.problems + problems)[:_MOST_PROBLEMS]
        self._check(most_names)

    def last_values(self) -> dict[str, Stored]:
        """The value of each series that was logged last; the series that was logged last stands last."""
        ordered = sorted(self.series.items(), key=lambda item: attrgetter("sequence")(item[1]))
        return {name: stored(summary.last) for name, summary in ordered}

    def names(self) -> dict[str, Json]:
        """The `names` of a record's `series`."""
        return {name: summary.to_json() for name, summary in sorted(self.series.items())}

    def _check(self, most_names: int) -> None:
        if self.wanted > LARGEST_FRAME:
            raise Problem(422, f"A frame of points has at most {LARGEST_FRAME} bytes.", "limit")
        longest = max((len(name) for layout in self.layouts.values() for name in layout.names), default=0)
        if longest > LONGEST_NAME:
            raise Problem(422, f"The name of a series has at most {LONGEST_NAME} characters here.", "limit")
        declared = sum(1 + len(layout.names) for layout in self.layouts.values())
        is_above = len(self.series) > most_names or declared > _LAYOUTS_PER_NAME * most_names
        if most_names and is_above:
            raise Problem(
                422,
                f"This Hub takes at most {most_names} series of a run. Whoever runs the Hub can raise the setting limit_names.",
                "limit",
            )
