"""From a backlog to outcomes that others can read: events per second.

Real Kafka, real Postgres and the workers, all on this machine, with durable settings: fsync and
synchronous_commit on, acks=all, one transaction and one publish a batch. For one worker time runs
from the moment it owns its lanes, with all events there already; for several from the moment they
may go on. It ends when the last outcome can be read (read committed).
"""

import asyncio
import signal
import time
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer

from service.embedded import EmbeddedServers
from tests.benchmarks.traffic import Kind, records
from tests.benchmarks.worlds import LANES, outcomes_of, world_of
from tests.e2e.world import World, until

SECONDS_MAX = 600
_LOOK_SECONDS: Final = 0.025
_QUIET_SECONDS: Final = 0.3


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
        return events / (await _readable_at(world, events, reader) - began)


async def measure_workers(
    servers: EmbeddedServers, events: int, *, workers: int, products: int
) -> float:
    """Give the events per second of several workers that share the lanes of a backlog.

    They stand still while it is sent, for less than their sessions last: else the first of them
    would have all lanes, and the sender would take its part of the processors.
    """
    async with world_of(servers, products=products, SESSION_TIMEOUT="60") as world:
        for _ in range(workers):
            await world.start_worker()
        await until(lambda: _share_lanes(world))
        async with asyncio.timeout(SECONDS_MAX), outcomes_of(world) as reader:
            _signal(world, signal.SIGSTOP)
            await world.send(records("admissions", events, products))
            began = time.time()
            _signal(world, signal.SIGCONT)
            return events / (await _readable_at(world, events, reader) - began)


def _signal(world: World, number: signal.Signals) -> None:
    for worker in world.workers:
        worker.process.send_signal(number)


async def applied(world: World) -> float:
    """Give how many events the workers of a world say that they have applied."""
    return await _sum(world, "events_total", but="ticks")


async def _readable_at(world: World, events: int, reader: AIOKafkaConsumer) -> float:
    """Give the time at which the last could be read of all that came of so many events.

    It is asked how far the outcomes can be read, and nothing is read: whoever does that is seldom
    on the worker's machine, and would take a fifth of the processors. That all is there is verified
    in the end.
    """
    lanes = list(reader.assignment())
    ends, changed_at = await reader.end_offsets(lanes), time.time()
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        # To be asked takes the worker's time, too: not before all has been quiet for a while.
        is_done = time.time() - changed_at > _QUIET_SECONDS and await _is_done(world, events)
        if (found := await reader.end_offsets(lanes)) != ends:
            ends, changed_at = found, time.time()
        elif is_done:
            return changed_at


async def _is_done(world: World, events: int) -> bool:
    """Tell whether all events are applied, and all that was said of them is published."""
    return await applied(world) >= events and await _sum(world, "unpublished_outcomes") == 0


async def _sum(world: World, name: str, *, but: str = "\0") -> float:
    begin = f"reservations_{name}"
    metrics = [(await worker.metrics()).items() for worker in world.workers]
    return sum(
        value
        for samples in metrics
        for sample, value in samples
        if sample.partition("{")[0] == begin and but not in sample
    )


async def _share_lanes(world: World) -> bool:
    owned = [(await one.metrics())["reservations_lanes_owned"] for one in world.workers]
    return sum(owned) == LANES and min(owned) > 0
