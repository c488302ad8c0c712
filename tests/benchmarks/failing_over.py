"""A worker is killed: how long until an event of a lane that it had is applied by another."""

import asyncio
import os
import signal
import time
from itertools import count
from typing import Final

from aiokafka import AIOKafkaProducer

from service.embedded import EmbeddedServers
from tests.benchmarks.worlds import outcomes_of, world_of
from tests.e2e.events import admitted
from tests.e2e.world import World

EVENTS_A_SECOND: Final = 50
SECONDS_MAX: Final = 120


async def measure(servers: EmbeddedServers) -> float:
    """Give the seconds from kill -9 to the first outcome, in a lost lane, of an event sent since.

    Settings are those that a worker has by default: Kafka misses it after SESSION_TIMEOUT.
    """
    async with world_of(servers, SESSION_TIMEOUT="10") as world:
        staying = await world.start_worker()
        await staying.log("lanes.taken")
        going = await world.start_worker()
        lost = set((await going.log("lanes.taken"))["lanes"])
        sending = asyncio.create_task(_send_for_ever(world))
        try:
            return await _seconds_without(world, going.process.pid, lost)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _seconds_without(world: World, pid: int, lost: set[int]) -> float:
    async with asyncio.timeout(SECONDS_MAX), outcomes_of(world, new_only=True) as reader:
        waiting = set(lost)  # until each of its lanes is seen to be served
        while waiting:
            waiting -= {at.partition for at in await reader.getmany(timeout_ms=200)}
        os.kill(pid, signal.SIGKILL)
        killed_at = time.time()
        while True:
            for at, records in (await reader.getmany(timeout_ms=50)).items():
                for record in records:
                    if at.partition in lost and _sent_at(record.key) > killed_at:
                        return time.time() - killed_at


def _sent_at(key: bytes) -> float:
    return float(key.decode().rpartition("@")[2])


async def _send_for_ever(world: World) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap_servers, acks="all")
    await producer.start()
    try:
        for number in count():
            topic, key, value = admitted(f"shopper-{number}@{time.time()}", "lamp-0")
            assert key is not None
            await producer.send(world.topic(topic), value, key=key.encode())
            await asyncio.sleep(1 / EVENTS_A_SECOND)
    finally:
        await producer.stop()
