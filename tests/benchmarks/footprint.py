"""The memory of a worker that applies many events: is it flat?"""

import asyncio
from itertools import islice
from typing import Final

import psutil

from service.embedded import EmbeddedServers
from tests.benchmarks.backlog import applied
from tests.benchmarks.progress import tell
from tests.benchmarks.seen import Point
from tests.benchmarks.traffic import records
from tests.benchmarks.worlds import world_of
from tests.e2e.world import World

MB: Final = 1024 * 1024
SAMPLE_SECONDS: Final = 0.5
EVENTS_A_SECOND_MIN: Final = 200
_SENT_AT_ONCE: Final = 50_000  # each is remembered until all of them are acknowledged


async def measure(servers: EmbeddedServers, events: int) -> list[Point]:
    """Let one worker apply so many events: megabytes that are resident, by events applied."""
    async with world_of(servers, products=1000) as world:
        tell(f"sending {events:,} events")
        await _send(world, events)
        tell("a worker applies them")
        worker = await world.start_worker()
        process = psutil.Process(worker.process.pid)
        seen: list[Point] = []
        count = 0.0
        async with asyncio.timeout(60 + events / EVENTS_A_SECOND_MIN):
            while count < events:
                await asyncio.sleep(SAMPLE_SECONDS)
                count = await applied(world)
                seen.append((count, process.memory_info().rss / MB))
        return seen


async def _send(world: World, events: int) -> None:
    rest = records("mixed", events, 1000)
    for begin in range(0, events, _SENT_AT_ONCE):
        await world.send(islice(rest, min(_SENT_AT_ONCE, events - begin)))
