"""From a backlog to outcomes that others can read: events per second.

Real Kafka, real Postgres and the workers, all on this machine, with durable settings: fsync and
synchronous_commit on, acks=all, one transaction and one publish a batch. For one worker time runs
from the moment it owns its lanes, with all events there already; for several from the first event
sent, with the workers there already. It ends with the last outcome read (read committed).
"""

import asyncio
import time
from datetime import datetime

from service.embedded import EmbeddedServers
from tests.benchmarks.traffic import Kind, records
from tests.benchmarks.worlds import LANES, outcomes_of, world_of
from tests.e2e.world import World, until

SECONDS_MAX = 600


async def measure(
    servers: EmbeddedServers, events: int, *, kind: Kind = "admissions", products: int = 1
) -> float:
    """Give the events per second of one worker, in a world of its own that has to verify."""
    async with world_of(servers, products=products) as world:
        return await drain(world, events, kind=kind, products=products)


async def drain(
    world: World, events: int, *, kind: Kind = "admissions", products: int = 1
) -> float:
    """Give the events per second of one worker in a world."""
    await world.send(records(kind, events, products))
    async with asyncio.timeout(SECONDS_MAX), outcomes_of(world, new_only=True) as reader:
        worker = await world.start_worker()
        began = datetime.fromisoformat((await worker.log("lanes.taken"))["timestamp"]).timestamp()
        read, read_at = 0, began
        while not await _is_done(world, events, read):
            for found in (await reader.getmany(timeout_ms=200)).values():
                read, read_at = read + len(found), time.time()
    return events / (read_at - began)


async def measure_workers(servers: EmbeddedServers, events: int, *, workers: int) -> float:
    """Give the events per second of several workers that share the lanes while events come."""
    async with world_of(servers, products=1000) as world:
        for _ in range(workers):
            await world.start_worker()
        await until(lambda: _share_lanes(world))
        async with asyncio.timeout(SECONDS_MAX), outcomes_of(world) as reader:
            began = read_at = time.time()
            sending = asyncio.create_task(world.send(records("admissions", events, 1000)))
            read = 0
            while not await _is_done(world, events, read):
                for found in (await reader.getmany(timeout_ms=200)).values():
                    read, read_at = read + len(found), time.time()
            await sending
    return events / (read_at - began)


async def applied(world: World) -> float:
    """Give how many events the workers of a world say that they have applied."""
    return await _sum(world, "events_total", but="ticks")


async def _is_done(world: World, events: int, read: int) -> bool:
    """Tell whether all events are applied, and all that was said of them has been read."""
    if read == 0 or await applied(world) < events:
        return False
    return read >= await _sum(world, "outcomes_total")


async def _sum(world: World, name: str, *, but: str = "\0") -> float:
    begin = f"reservations_{name}{{"
    metrics = [(await worker.metrics()).items() for worker in world.workers]
    return sum(
        value
        for samples in metrics
        for sample, value in samples
        if sample.startswith(begin) and but not in sample
    )


async def _share_lanes(world: World) -> bool:
    owned = [(await one.metrics())["reservations_lanes_owned"] for one in world.workers]
    return sum(owned) == LANES and min(owned) > 0
