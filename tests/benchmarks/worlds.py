"""Worlds to measure in: a database and topics of their own on the shared servers."""

import itertools
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from service.embedded import EmbeddedServers
from tests.e2e.world import World
from tests.integration.conftest import create_database, drop_database

LANES: Final = 4
UNITS: Final = 100_000_000  # of each product: nobody is refused

_NUMBERS: Final = itertools.count()


@asynccontextmanager
async def world_of(
    servers: EmbeddedServers, *, products: int = 1, **settings: str
) -> AsyncIterator[World]:
    """Give a world with stock for everybody. What was done in it has to verify in the end."""
    name = f"bench_{os.getpid()}_{next(_NUMBERS)}"
    url = await create_database(servers.database_url, name)
    with tempfile.TemporaryDirectory() as directory:
        world = World(name, url, servers.bootstrap_servers, Path(directory), settings)
        try:
            await world.prepare(
                partitions=LANES, stock={f"lamp-{n}": UNITS for n in range(products)}
            )
            yield world
            for worker in world.workers:
                await worker.stop()
            await world.must("verify")
        finally:
            await world.close()
    await drop_database(servers.database_url, name)


@asynccontextmanager
async def outcomes_of(world: World, *, new_only: bool = False) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a reader of the world's outcomes, read committed, from the beginning or from now on."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=world.bootstrap_servers, isolation_level="read_committed"
    )
    await reader.start()
    try:
        lanes = [TopicPartition(world.topic("reservation-outcomes"), n) for n in range(LANES)]
        reader.assign(lanes)
        await (reader.seek_to_end(*lanes) if new_only else reader.seek_to_beginning(*lanes))
        yield reader
    finally:
        await reader.stop()
