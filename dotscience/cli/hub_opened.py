"""The Hub of the settings, for commands that look after it without a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from ..errors import ArgumentError, DotscienceError, NotFoundError, StateError

if TYPE_CHECKING:
    from ..hub.hub import Hub
    from ..hub.problems import Problem

__all__ = ["moment", "opened"]


@contextmanager
def opened(context: click.Context) -> Iterator[Hub]:
    """The Hub, which must be there.

    Raises:
        NotFoundError: there is none.
        DotscienceError: what its services refuse.
    """
    from ..hub.opening import Places, open_parts
    from ..hub.problems import Problem

    settings = context.obj
    database = Places.of(settings).database
    if "://" not in database and not os.path.exists(database):
        raise NotFoundError(
            f"There is no Hub in {database}. `ds hub` makes one; --data DIR says where else one is."
        )
    hub = open_parts(settings).hub()
    try:
        yield hub
    except Problem as problem:
        raise _error_of(problem) from None
    finally:
        hub.close()


def moment(micros: int | None) -> str:
    """A time of the Hub's tables, as people read it here."""
    from ..hub.times import iso_of
    from .words import local

    return "" if micros is None else local(datetime.fromisoformat(iso_of(micros).replace("Z", "+00:00")))


def _error_of(problem: Problem) -> DotscienceError:
    kinds: dict[int, type[DotscienceError]] = {404: NotFoundError, 409: StateError}
    return kinds.get(problem.status, ArgumentError)(problem.detail)
