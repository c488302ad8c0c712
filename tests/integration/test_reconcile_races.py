"""A repair and a batch at once: one waits for the other, in the same order of locks."""

import asyncio

import pytest
from asyncpg import Pool

from db.connect import Connection
from service.reconcile.finding import find
from service.reconcile.repairing import Options, Verdict, repair
from tests.integration.shop import LAMP, Line, Shop, open_shop
from tests.integration.test_shortage_races import HELD, begin, held_up

RECEIVED = f"UPDATE stock_lines SET received = received - 6 WHERE product_id = '{LAMP}'"
LEAVE = Options("ada@till", allow_shortage=True)


@pytest.fixture
async def shop(pool: Pool, db: Connection) -> Shop:
    """Of 10 lamps 4 are there in truth, and ada and bo hold 3 each."""
    shop = await open_shop(pool, db, 10)
    await shop.hold("ada", 3)
    await shop.hold("bo", 3, minute=1)
    await db.execute(RECEIVED)
    return shop


async def repaired(pool: Pool) -> Verdict:
    """Find the one line that differs, and repair it: the newest holds are at risk."""
    async with pool.acquire() as connection:
        (line,) = (await find(connection)).lines
        return await repair(connection, line, LEAVE)


async def test_a_hold_that_ends_meanwhile_is_not_put_at_risk(
    db: Connection, pool: Pool, shop: Shop
) -> None:
    async with held_up(pool, HELD):
        worker = await begin(db, shop.leave("ada"), waiting=1)
        # It stops the workers: after this batch.
        operator = await begin(db, repaired(pool), waiting=2)
    verdict, _ = await asyncio.gather(operator, worker)

    assert verdict.state == "repaired"
    assert await shop.line() == Line(4, on_hand=4, reserved=3)
    assert await shop.at_risk() == {}
    await shop.verify()


async def test_a_batch_that_comes_meanwhile_sees_what_was_repaired(
    db: Connection, pool: Pool, shop: Shop
) -> None:
    async with held_up(pool, HELD):
        operator = await begin(db, repaired(pool), waiting=1)
        worker = await begin(db, shop.hold("cy", 1, minute=2), waiting=2)
    await asyncio.gather(operator, worker)

    assert shop.said("cy") == [("rejected", 1, "insufficient_stock")]
    assert await shop.line() == Line(4, on_hand=6, reserved=6, short=2)
    assert await shop.at_risk() == {"bo": 2}
    await shop.verify()
