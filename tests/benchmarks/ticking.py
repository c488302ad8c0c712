"""A tick with nothing due: what it takes where many holds are active, beside where few are."""

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from statistics import median
from typing import Final

from asyncpg import Pool

from consumers.records import Batch
from consumers.transaction import apply_batch
from db.connect import connect, create_pool
from db.lanes import Lane
from db.taking_lanes import take_lanes
from schemas.events import Arrival, Cause, ExpiryTick
from tests.benchmarks.worlds import LANES
from tests.e2e.world import World

TICKS: Final = 500
WARM_UP: Final = 20  # connections, plans and caches are cold


class Ticker:
    """The owner of a world's lanes, for as long as no worker takes them."""

    def __init__(self, pool: Pool, lanes: dict[int, Lane]) -> None:
        self.took: list[float] = []  # milliseconds
        self._pool = pool
        self._lanes = lanes

    async def tick(self) -> None:
        """Apply a batch as a worker does that polled a tick for each of its lanes."""
        event = ExpiryTick(at=datetime.now(UTC))
        ticks = {lane: Arrival(event, lane, Cause("ticks", lane, 0)) for lane in self._lanes}
        began = time.perf_counter()
        batch = Batch(size=len(ticks), ticks=ticks)
        applied = await apply_batch(self._pool, batch, self._lanes, expiry_batch_max=2_000)
        self.took.append((time.perf_counter() - began) * 1000)
        if applied.outcomes:
            raise RuntimeError(f"nothing was to be due, and {len(applied.outcomes)} holds ended")
        self._lanes = applied.lanes


async def milliseconds_of(*worlds: World, ticks: int = TICKS) -> list[float]:
    """Give the median of so many ticks of each world, one of each in turn."""
    async with AsyncExitStack() as stack:
        tickers = [await _ticker_of(world, stack) for world in worlds]
        for _ in range(WARM_UP + ticks):
            for ticker in tickers:
                await ticker.tick()
    return [median(ticker.took[WARM_UP:]) for ticker in tickers]


async def _ticker_of(world: World, stack: AsyncExitStack) -> Ticker:
    pool = await create_pool(world.database_url, application_name="bench", connections_max=2)
    stack.push_async_callback(pool.close)
    topics = list(world.own_settings().input_topics.values())
    connection = await connect(world.database_url, application_name="bench")
    lanes = await take_lanes(connection, range(LANES), topics, "bench")
    await connection.close()
    return Ticker(pool, lanes)
