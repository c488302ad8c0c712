"""The limit of this database: COPY of the rows that the worker writes, and nothing else.

The rows come from the worker's own transactions, are read back in binary, and go into an empty
database with the same indexes, in the same batches, over one connection, each batch one commit.
"""

import io
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg

from consumers.records import Batch
from consumers.transaction import apply_batch
from db.connect import connect, create_pool
from db.lanes import take_lanes
from db.stock_import import StockRow, import_stock
from schemas.decode import decode
from schemas.events import Arrival, Cause
from service.embedded import EmbeddedServers
from tests.benchmarks.traffic import records
from tests.integration.conftest import create_database, drop_database

TABLES: Final = ("admissions", "reservations", "journal")
BATCH: Final = 2_000
LANES: Final = 4


async def seconds_to_copy(servers: EmbeddedServers, template: str, count: int, run: int) -> float:
    """Give the seconds for the rows of so many admissions of one product."""
    names = [f"copy_{what}_{run}" for what in ("source", "target")]
    source, target = [
        await create_database(servers.database_url, name, template=template) for name in names
    ]
    await _fill(source, count)
    seconds = await _copy(target, [batch async for batch in _rows(source, count)])
    for name in names:
        await drop_database(servers.database_url, name)
    return seconds


async def _fill(url: str, count: int) -> None:
    pool = await create_pool(url, application_name="bench", connections_max=1)
    async with pool.acquire() as connection:
        await import_stock(connection, [StockRow(1, "acme", "lamp-0", "", count)])
        lanes = await take_lanes(connection, range(LANES), ["admitted"], "bench")
    now, events = datetime.now(UTC), list(records("admissions", count, 1))
    for begin in range(0, count, BATCH):
        batch = Batch()
        for offset, (_, _, value) in enumerate(events[begin : begin + BATCH], start=begin):
            decoded = decode(value, now)
            assert isinstance(decoded, list)
            lane = offset % LANES
            batch.arrivals.append(Arrival(decoded[0], lane, Cause("admitted", lane, offset)))
        lanes = (await apply_batch(pool, batch, lanes, expiry_batch_max=1)).lanes
    await pool.close()


async def _rows(url: str, count: int) -> AsyncIterator[list[bytes]]:
    """Give the rows of each batch in binary, table by table, in the order they were written."""
    connection = await connect(url, application_name="bench")
    for begin in range(0, count, BATCH):
        batch = []
        for table in TABLES:
            copied = io.BytesIO()
            query = f"SELECT * FROM {table} ORDER BY ctid OFFSET {begin} LIMIT {BATCH}"
            await connection.copy_from_query(query, output=copied, format="binary")
            batch.append(copied.getvalue())
        yield batch
    await connection.close()


async def _copy(url: str, batches: Sequence[Sequence[bytes]]) -> float:
    connection: asyncpg.Connection = await connect(url, application_name="bench")
    began = time.perf_counter()
    for batch in batches:
        async with connection.transaction():
            for table, rows in zip(TABLES, batch, strict=True):
                await connection.copy_to_table(table, source=io.BytesIO(rows), format="binary")
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds
