"""One run of a peer, or of the worker: from a backlog to outcomes that others can read.

Stock is scarcer than the admissions, so that a run proves that nothing was oversold: it counts only
if every admission was answered once and the stock lines say what the reservations say.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from db.connect import connect
from db.lanes import take_lanes
from service.embedded import EmbeddedServers
from tests.benchmarks.peers.task import Task
from tests.benchmarks.traffic import records
from tests.e2e.world import World
from tests.integration.conftest import create_database, drop_database

LANES: Final = 4
SECONDS_MAX: Final = 600
OURS: Final = "worker"


@dataclass(frozen=True)
class Run:
    """What one run came to. It counts only without `problems`."""

    name: str
    events: int
    seconds: float
    problems: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Give events per second, from the first outcome's record on."""
        return self.events / self.seconds


async def measure(
    servers: EmbeddedServers,
    template: str,
    name: str,
    events: int,
    *,
    products: int = 1,
    number: int = 0,
) -> Run:
    """Let a peer, or the worker, work off a backlog of `events` admissions.

    `template` is a migrated database.
    """
    database = f"peer_{name}_{products}_{number}".replace("-", "_")
    url = await create_database(servers.database_url, database, template=template)
    stock = {f"lamp-{n}": max(1, events * 9 // 10 // products) for n in range(products)}
    with tempfile.TemporaryDirectory() as directory:
        world = World(database, url, servers.bootstrap_servers, Path(directory))
        await world.prepare(partitions=LANES, stock=stock)
        await world.send(records("admissions", events, products))
        async with _working(world, name):
            seconds, said = await _read(world, events)
    problems = await problems_of(url, said, sum(stock.values()), events)
    await drop_database(servers.database_url, database)
    return Run(name, events, seconds, tuple(problems))


@asynccontextmanager
async def _working(world: World, name: str) -> AsyncIterator[None]:
    if name == OURS:
        await world.start_worker()
        yield
        await world.close()
        return
    connection = await connect(world.database_url, application_name="bench")
    await take_lanes(connection, range(LANES), ["admitted"], name)
    await connection.close()
    task = Task(
        bootstrap_servers=world.bootstrap_servers,
        database_url=world.database_url,
        admitted_topic=world.topic("admitted"),
        outcomes_topic=world.topic("reservation-outcomes"),
        group=world.name,
        lanes=LANES,
    )
    command = (sys.executable, "-m", "tests.benchmarks.peers.serve", name)
    process = await asyncio.create_subprocess_exec(*command, env=task.environment())
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _read(world: World, events: int) -> tuple[float, list[bytes]]:
    """Read all outcomes. The clock starts at the time of the first one's record."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=world.bootstrap_servers, isolation_level="read_committed"
    )
    await reader.start()
    topic = world.topic("reservation-outcomes")
    partitions = [TopicPartition(topic, lane) for lane in range(LANES)]
    reader.assign(partitions)
    await reader.seek_to_beginning(*partitions)
    said: list[bytes] = []
    began = time.time()
    async with asyncio.timeout(SECONDS_MAX):
        while len(said) < events:
            for found in (await reader.getmany(timeout_ms=500)).values():
                began = (
                    min([began, *(record.timestamp / 1000 for record in found)])
                    if said
                    else (found[0].timestamp / 1000)
                )
                said += [record.key for record in found]
    seconds = time.time() - began
    await reader.stop()
    return seconds, said


async def problems_of(url: str, said: list[bytes], units: int, events: int) -> list[str]:
    """Tell why a run does not count."""
    connection = await connect(url, application_name="bench")
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM stock_lines WHERE reserved > on_hand) AS oversold,
               (SELECT sum(reserved)::bigint FROM stock_lines) AS reserved,
               (SELECT sum(quantity)::bigint FROM reservations WHERE status = 'active') AS held,
               (SELECT count(*) FROM reservations) AS answered,
               (SELECT count(*) FROM journal) AS journaled
        """
    )
    await connection.close()
    assert row is not None
    wanted = {
        "oversold": 0,
        "reserved": min(units, events),
        "held": min(units, events),
        "answered": events,
        "journaled": events,
    }
    problems = [f"{name} {row[name]}, not {n}" for name, n in wanted.items() if row[name] != n]
    if len(said) != events or len(set(said)) != events:
        problems.append(f"{len(said)} outcomes for {len(set(said))} of {events} admissions")
    return problems
