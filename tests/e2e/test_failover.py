"""How long an event waits where workers die or are replaced, on the settings of production."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from service.settings import Settings
from tests.e2e.events import admitted
from tests.e2e.world import WorkerProcess, World, until

WAIT_SECONDS_MAX = 15.0
LANES = 3
PAUSE_SECONDS = 0.25
AS_IN_PRODUCTION = {"SESSION_TIMEOUT": str(Settings.model_fields["session_timeout"].default)}


async def test_after_kill_9_another_worker_answers_within_15_seconds(world: World) -> None:
    world.settings |= AS_IN_PRODUCTION
    await world.prepare(partitions=LANES, stock={"lamp": 100_000})
    first = await world.start_worker()
    await first.log("lanes.taken")
    second = await world.start_worker()
    await until_shared(first, second)

    async with shoppers_coming(world) as waits:
        await first.stop(signal.SIGKILL)
        await second.log("lanes.taken", count=2)

    assert max(waits.values()) < WAIT_SECONDS_MAX
    assert await second.stop() == 0


async def test_a_rolling_restart_of_three_workers_lets_no_event_wait_15_seconds(
    world: World,
) -> None:
    world.settings |= AS_IN_PRODUCTION
    await world.prepare(partitions=LANES, stock={"lamp": 100_000})
    workers = [await world.start_worker() for _ in range(3)]
    await until_shared(*workers)

    async with shoppers_coming(world) as waits:
        for old in list(workers):
            assert await old.stop() == 0
            workers.remove(old)
            workers.append(await world.start_worker())
            await until_shared(*workers)

    assert max(waits.values()) < WAIT_SECONDS_MAX
    await world.must("verify")


async def until_shared(*workers: WorkerProcess) -> None:
    """Wait until each owns lanes, and all of them together own all."""

    async def are_shared() -> bool:
        owned = [(await one.metrics())["reservations_lanes_owned"] for one in workers]
        return min(owned) > 0 and sum(owned) == LANES

    await until(are_shared)


@asynccontextmanager
async def shoppers_coming(world: World) -> AsyncIterator[dict[str, float]]:
    """Let shoppers come meanwhile, and give in the end how long each waited for an outcome."""
    waits: dict[str, float] = {}
    sent: dict[str, float] = {}
    stop = asyncio.Event()

    async def come() -> None:
        for number in count():
            name = f"shopper-{number}"
            sent[name] = time.time()
            await world.send([admitted(name)])
            if stop.is_set():
                return
            await asyncio.sleep(PAUSE_SECONDS)

    coming = asyncio.create_task(come())
    try:
        yield waits
    finally:
        stop.set()
        await coming
    for one in await world.outcomes(lambda read: len(read) >= len(sent)):
        waits[one["consumerId"]] = one["published_at"] - sent[one["consumerId"]]
    assert waits.keys() == sent.keys()
