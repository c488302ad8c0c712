"""One run of a peer: from a backlog to outcomes that others can read.

Stock is scarcer than the admissions, so that a run proves that nothing was oversold: it counts only
if every admission was answered once and the stock lines say what the reservations say.
"""

import asyncio
import itertools
import math
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from db.connect import connect
from db.taking_lanes import take_lanes
from service.embedded import EmbeddedServers
from tests.benchmarks.peers.task import Task
from tests.benchmarks.traffic import records
from tests.benchmarks.worlds import LANES, outcomes_of
from tests.e2e.world import World
from tests.integration.conftest import create_database, drop_database

SECONDS_MAX: Final = 600

_NUMBERS: Final = itertools.count()


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
    name: str,
    events: int,
    *,
    products: int = 1,
    template: str = "template0",
) -> Run:
    """Let a peer work off a backlog of `events` admissions, in a database of its own."""
    database = f"peer_{os.getpid()}_{next(_NUMBERS)}"
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
    said: list[bytes] = []
    first_at = math.inf
    async with asyncio.timeout(SECONDS_MAX), outcomes_of(world) as reader:
        while len(said) < events:
            for found in (await reader.getmany(timeout_ms=500)).values():
                first_at = min(first_at, *(record.timestamp / 1000 for record in found))
                said += [record.key for record in found]
    return time.time() - first_at, said


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
