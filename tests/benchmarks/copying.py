"""The limit of this database: the rows that a worker wrote, written by COPY and nothing else."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from asyncpg import Connection

from db.connect import connect
from db.migrate import upgrade
from tests.integration.conftest import create_database, drop_database

TABLES: Final = ("admissions", "reservations", "journal")
ROWS_AT_ONCE: Final = 1_000

Rows = dict[str, list[tuple[Any, ...]]]


async def rows_of(database_url: str) -> Rows:
    """Read all that a worker wrote for its events."""
    connection = await connect(database_url, application_name="bench")
    try:
        return {
            table: [tuple(row.values()) for row in await connection.fetch(f"SELECT * FROM {table}")]
            for table in TABLES
        }
    finally:
        await connection.close()


async def copy(postgres_url: str, name: str, rows: Rows) -> float:
    """Write the rows into an empty database with the same indexes: admissions per second.

    A thousand rows of each table a transaction, on one connection.
    """
    url = await create_database(postgres_url, name)
    await asyncio.to_thread(upgrade, url)
    connection = await connect(url, application_name="bench")
    try:
        began = time.perf_counter()
        for part in _parts(rows):
            await _copy(connection, part)
        return len(rows["admissions"]) / (time.perf_counter() - began)
    finally:
        await connection.close()
        await drop_database(postgres_url, name)


async def _copy(connection: Connection, part: Rows) -> None:
    async with connection.transaction():
        for table, records in part.items():
            await connection.copy_records_to_table(table, records=records)


def _parts(rows: Rows) -> Iterator[Rows]:
    most = max(map(len, rows.values()))
    for begin in range(0, most, ROWS_AT_ONCE):
        yield {table: _slice(records, begin) for table, records in rows.items()}


def _slice(records: Sequence[tuple[Any, ...]], begin: int) -> list[tuple[Any, ...]]:
    return list(records[begin : begin + ROWS_AT_ONCE])
