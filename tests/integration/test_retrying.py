"""A batch meets a conflict, on the real server: it is decided again, and applied once."""

import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from asyncpg import Pool
from structlog.testing import capture_logs

from consumers.retrying import apply_with_retries
from db.connect import Connection
from db.lanes import Lane
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from tests.integration.test_batch import TOPIC, admitted, batch_of, completed, left

# A sequence counts the attempts: it is not rolled back with them.
CONFLICTS = """
    CREATE SEQUENCE attempts;
    CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('attempts') <= {times} THEN
            RAISE 'as if' USING ERRCODE = '{sqlstate}';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER meet BEFORE INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION meet()
"""


@pytest.fixture
async def lanes(db: Connection) -> AsyncIterator[dict[int, Lane]]:
    await import_stock(db, [StockRow(1, "acme", "lamp", "", 10)])
    yield await take_lanes(db, [0], [TOPIC], "test")
    await db.execute("DROP FUNCTION IF EXISTS meet CASCADE; DROP SEQUENCE IF EXISTS attempts")


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "23505"])
async def test_conflicts_end_and_the_batch_is_applied_once(
    pool: Pool, db: Connection, lanes: dict[int, Lane], sqlstate: str
) -> None:
    await db.execute(CONFLICTS.format(times=3, sqlstate=sqlstate))

    await apply_with_retries(pool, batch_of([admitted("ada")]), lanes, expiry_batch_max=9)

    assert await db.fetchval("SELECT last_value FROM attempts") == 4
    assert await db.fetchval("SELECT count(*) FROM journal") == 1


async def test_what_is_no_conflict_is_not_tried_again(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    await db.execute(CONFLICTS.format(times=3, sqlstate="53100"))

    with pytest.raises(asyncpg.DiskFullError):
        await apply_with_retries(pool, batch_of([admitted("ada")]), lanes, expiry_batch_max=9)

    assert await db.fetchval("SELECT last_value FROM attempts") == 1


async def test_a_conflict_that_does_not_end_is_given_back_in_seconds(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    await db.execute(CONFLICTS.format(times=1000, sqlstate="40001"))
    began = time.monotonic()

    with pytest.raises(asyncpg.SerializationError):
        await apply_with_retries(pool, batch_of([admitted("ada")]), lanes, expiry_batch_max=9)

    assert await db.fetchval("SELECT last_value FROM attempts") == 11
    assert time.monotonic() - began < 10


async def test_a_migration_under_its_feet_is_one_more_attempt(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    """Statements were planned for the table as it was; a rolling upgrade changes it."""
    ada, bo = admitted("ada"), admitted("bo")
    applied = await apply_with_retries(pool, batch_of([ada]), lanes, expiry_batch_max=9)
    applied = await apply_with_retries(
        pool, batch_of([completed("ada")], start=1), applied.lanes, expiry_batch_max=9
    )
    await db.execute("ALTER TABLE reservations ALTER COLUMN order_id TYPE varchar(600)")

    with capture_logs() as logs:
        await apply_with_retries(
            pool, batch_of([bo, left("ada")], start=2), applied.lanes, expiry_batch_max=9
        )

    assert [line["attempt"] for line in logs if line["event"] == "batch.conflict"] == [1]
    assert "cached" in logs[0]["error"]
    await db.execute("ALTER TABLE reservations ALTER COLUMN order_id TYPE text")
