"""`DotmeshRPC.Commit`: waits for the files that are still coming, then takes in the runs."""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool

from ..access import Need
from ..services import dot_runs
from ..services.dots import Place
from .methods import Call

__all__ = ["commit"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


async def commit(call: Call) -> str:
    """Make a commit; its id. No thread is held while it waits."""

    def prepare() -> tuple[Place, dot_runs.Wanted]:
        place = call.place(Need.EDIT)
        return place, dot_runs.prepare(place, call.text("Message", ""), call.texts("Metadata"))

    place, wanted = await run_in_threadpool(prepare)
    clock = asyncio.get_running_loop()
    began, pause = clock.time(), _FIRST_PAUSE
    while not await run_in_threadpool(dot_runs.is_ready, call.hub, place, wanted, clock.time() - began):
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return await run_in_threadpool(dot_runs.keep, call.hub, place, wanted)
