"""Runs with many active holds in the tables: what they cost, and what it is when many end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.embedded import EmbeddedServers
from tests.benchmarks.backlog import drain
from tests.benchmarks.holds import hold
from tests.benchmarks.progress import tell
from tests.benchmarks.seen import Scale, Seen
from tests.benchmarks.storm import over_time, strike
from tests.benchmarks.ticking import milliseconds_of
from tests.benchmarks.worlds import LANES, world_of
from tests.e2e.world import World

PRODUCTS: Final = 1000
FEW: Final = 1_000
PACED_SECONDS: Final = 10.0  # from the beginning of a storm on, at least


@asynccontextmanager
async def _holding(servers: EmbeddedServers, count: int) -> AsyncIterator[World]:
    async with world_of(servers, products=PRODUCTS) as world:
        if count:
            tell(f"making {count:,} active holds")
            await hold(world.database_url, count, products=PRODUCTS, lanes=LANES)
        yield world


async def holds(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Tick among few and among many active holds, and drain a backlog among many and none."""
    async with _holding(servers, scale.holds) as crowded:
        async with _holding(servers, FEW) as quiet:
            tell("ticks with nothing due")
            few_ms, many_ms = await milliseconds_of(quiet, crowded)
        tell(f"{scale.backlog:,} admissions beside {scale.holds:,} active holds")
        full = await drain(crowded, scale.backlog, products=PRODUCTS)
    tell("as many beside none")
    async with _holding(servers, 0) as empty:
        alone = await drain(empty, scale.backlog, products=PRODUCTS)
    return Seen(
        {
            f"ms of a tick with nothing due, {FEW:,} holds": few_ms,
            f"ms of a tick with nothing due, {scale.holds:,} holds": many_ms,
            "tick": many_ms / few_ms,
            "events/s, no active holds": alone,
            f"events/s, {scale.holds:,} active holds": full,
            "full": full / alone,
        }
    )


async def storm(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Let many holds fall due at one instant, while admissions come at a steady rate."""
    rest = scale.holds - scale.due
    async with _holding(servers, rest) as world:
        worker = await world.start_worker()
        await worker.log("lanes.taken")
        tell(f"{scale.due:,} more, which end at once")
        found = await strike(world, scale.due, first=rest, products=PRODUCTS, seconds=PACED_SECONDS)
    return Seen(
        {"storm": found.seconds, "storm p99": found.p99_ms},
        {"storm": {"expired and readable": found.ends}, "meanwhile": over_time(found.samples)},
    )
