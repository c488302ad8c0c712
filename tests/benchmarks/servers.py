"""The servers that are measured on, as an installation has them that has run for a while."""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from service.embedded import EmbeddedServers, start_kafka, start_postgres

# A new Postgres has no old segments of its log to write over: every 16 MiB, which is every three
# seconds of 2,000 events each, a commit waits until a new one is filled with zeros. Source:
# Postgres' manual, "WAL Configuration" and wal_init_zero.
_SETTINGS: Final = {"min_wal_size": "320MB", "max_wal_size": "4GB"}
_WAL_MB: Final = 300

# While Java collects garbage Kafka answers nobody: of a small young generation, on both cores, in
# 5 ms in the median; in 40 to 72 ms every seven seconds as the embedded Kafka has it, at 50 events
# a second. Java takes one collector only, so that one is put off.
_JAVA: Final = ("-Xmn16m", "-XX:-UseSerialGC", "-XX:+UseParallelGC")

_ROUNDS: Final = 1_000_000


@asynccontextmanager
async def servers_in_use() -> AsyncIterator[EmbeddedServers]:
    """Run both servers, durable as in production, and stop them at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
        postgres = await start_postgres(Path(directory) / "postgres", settings=_SETTINGS)
        try:
            await _use(postgres.dsn)
            kafka = await start_kafka(Path(directory) / "kafka", java_options=_JAVA)
            try:
                yield EmbeddedServers(postgres, kafka)
            finally:
                await kafka.stop()
        finally:
            await postgres.stop()


async def _use(dsn: str) -> None:
    """Have the log written once, so that its segments are there to be written over."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_logical_emit_message(false, 'bench', repeat('x', 1000000))"
        f" FROM generate_series(1, {_WAL_MB})"
    )
    await connection.execute("CHECKPOINT")
    await connection.close()


def pace_ms() -> float:
    """Give the processor time, in milliseconds, that the same piece of Python takes just now.

    What one machine measures is of one pace only where this is: a shared one may be nearly twice as
    slow an hour later.
    """
    began, total = time.process_time(), 0
    for number in range(_ROUNDS):
        total += number * number % 7
    return (time.process_time() - began) * 1000
