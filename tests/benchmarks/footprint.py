"""The memory of a worker that has applied many events: is it flat?"""

from typing import Final, NamedTuple

import psutil

from service.embedded import EmbeddedServers
from tests.benchmarks.backlog import applied
from tests.benchmarks.traffic import records
from tests.benchmarks.worlds import world_of
from tests.e2e.world import until

MB: Final = 1024 * 1024


class Footprint(NamedTuple):
    """Megabytes that are resident: after a tenth of the events, after all, and the most seen."""

    early: float
    late: float
    most: float


async def measure(servers: EmbeddedServers, events: int) -> Footprint:
    """Let one worker apply so many events, and look at it every second."""
    async with world_of(servers, products=1000) as world:
        await world.send(records("mixed", events, 1000))
        worker = await world.start_worker()
        process = psutil.Process(worker.process.pid)
        seen: list[tuple[float, float]] = []

        async def is_done() -> bool:
            seen.append((await applied(world), process.memory_info().rss / MB))
            return seen[-1][0] >= events

        await until(is_done, seconds=events / 200)
        early = next(megabytes for count, megabytes in seen if count >= events / 10)
        return Footprint(early, seen[-1][1], max(megabytes for _, megabytes in seen))
