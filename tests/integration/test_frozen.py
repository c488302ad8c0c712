"""A process that stands still in mid-COPY keeps its locks: whoever needs them ends its session."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asyncpg import Pool

from consumers.retrying import apply_with_retries
from db.connect import WORKER, Connection, connect
from db.frozen import FROZEN_SECONDS, end_frozen_sessions
from db.lanes import Lane
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from tests.integration.test_batch import TOPIC, admitted, batch_of

# Locks what a batch locks, begins to send rows, says so, and has no more to say.
IN_MID_COPY = """
import asyncio, sys
from db.connect import connect

async def rows():
    yield b"half a row"
    print("sending", flush=True)
    await asyncio.Event().wait()

async def main(url, name):
    connection = await connect(url, application_name=name)
    async with connection.transaction():
        await connection.execute("SELECT FROM lanes, stock_lines FOR UPDATE")
        await connection.copy_to_table("journal", source=rows())

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def lane(db: Connection) -> Lane:
    await import_stock(db, [StockRow(1, "acme", "lamp", "", 10)])
    return (await take_lanes(db, [0], [TOPIC], "ada"))[0]


@asynccontextmanager
async def frozen(url: str, name: str) -> AsyncIterator[None]:
    """Freeze a process in mid-COPY, as a machine that is suspended does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IN_MID_COPY, url, name, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"sending\n"
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_whoever_meets_its_locks_ends_it(database_url: str, pool: Pool, lane: Lane) -> None:
    """Nothing of the server's own does: it waits for the rest of the rows without a limit."""
    async with frozen(database_url, f"{WORKER} frozen"):
        began = time.monotonic()

        applied = await apply_with_retries(
            pool, batch_of([admitted("ada")]), {0: lane}, expiry_batch_max=100
        )

        assert len(applied.entries) == 1
        assert time.monotonic() - began < 20  # lock_timeout, and what a busy machine adds


async def test_only_workers_that_stand_still_for_long_are_ended(
    database_url: str, db: Connection
) -> None:
    async with frozen(database_url, "reservations import"), frozen(database_url, f"{WORKER} ada"):
        idle = await connect(database_url, application_name=f"{WORKER} idle")
        at_once = await end_frozen_sessions(db)
        async with asyncio.timeout(FROZEN_SECONDS + 10):
            while not (later := await end_frozen_sessions(db)):
                await asyncio.sleep(0.1)

        assert (at_once, later) == ([], [f"{WORKER} ada"])
        assert await idle.fetchval("SELECT 1") == 1
        await idle.close()


async def test_a_worker_that_dies_while_it_waits_for_a_lock_holds_none(
    database_url: str, db: Connection, lane: Lane
) -> None:
    """Else the server would only notice when the wait is over."""
    dying = await connect(database_url, application_name=f"{WORKER} dying")
    async with db.transaction():
        await db.execute("SELECT FROM stock_lines FOR UPDATE")
        await dying.execute("BEGIN; SELECT FROM lanes FOR UPDATE")
        waiting = asyncio.create_task(dying.execute("SELECT FROM stock_lines FOR UPDATE"))
        other = await connect(database_url, application_name="test")
        while not await other.fetchval("SELECT 1 FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        began = time.monotonic()
        dying.terminate()

        await other.execute("SELECT FROM lanes FOR UPDATE")

        assert time.monotonic() - began < 8  # less than lock_timeout
        await other.close()
    await asyncio.gather(waiting, return_exceptions=True)
