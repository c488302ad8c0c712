"""Which statements take the most of Postgres' time, by its own count."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

Statement = tuple[float, int, str]  # microseconds per event in Postgres, calls, text

_TIMES = """
    SELECT total_exec_time * 1000 / $1::float AS microseconds, calls, query
      FROM pg_stat_statements ORDER BY 1 DESC LIMIT 12
"""
SECONDS_MAX = 600


@asynccontextmanager
async def statements_of(database_url: str, count: int) -> AsyncIterator[list[Statement]]:
    """Give, at the end, which statements took the most, where Postgres counts it."""
    connection = await asyncpg.connect(database_url)
    found: list[Statement] = []
    is_counting = "pg_stat_statements" in await connection.fetchval("SHOW shared_preload_libraries")
    try:
        if is_counting:
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            await connection.execute("SELECT pg_stat_statements_reset()")
        yield found
        if is_counting:
            rows = await connection.fetch(_TIMES, count)
            found += [(row["microseconds"], row["calls"], row["query"]) for row in rows]
    finally:
        await connection.close()
