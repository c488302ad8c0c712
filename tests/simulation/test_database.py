"""The same sequences through the real database: what is saved, what is loaded, and the model."""

import asyncpg

from tests.integration.conftest import database_url, db, pool
from tests.simulation.database import Run, compare_loaded, play, prepare
from tests.simulation.generate import scenario

__all__ = ["database_url", "db", "pool"]  # fixtures

SEQUENCES = 520


async def test_saved_rows_loaded_book_and_model_agree(pool: asyncpg.Pool) -> None:
    runs = [Run(seed, scenario(seed, "database", f"org-{seed}")) for seed in range(SEQUENCES)]
    async with pool.acquire() as connection:
        await prepare(connection, runs)

    await play(pool, runs)

    await compare_loaded(pool, runs)
    differences = [run.difference for run in runs if run.difference]
    assert not differences, "\n".join(differences)
