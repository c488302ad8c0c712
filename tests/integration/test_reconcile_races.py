"""A repair and a batch at once: one waits for the other, in the same order of locks."""

import asyncio

from asyncpg import Pool

from db.connect import Connection
from service.reconcile.finding import find
from service.reconcile.repairing import Options, Verdict, repair
from tests.integration.shop import LAMP, Line, open_shop
from tests.integration.test_shortage_races import HELD, begin, held_up

RECEIVED = f"UPDATE stock_lines SET received = received - 6 WHERE product_id = '{LAMP}'"
LEAVE = Options("ada@till", allow_shortage=True)


async def test_a_hold_that_ends_meanwhile_is_not_put_at_risk(db: Connection, pool: Pool) -> None:
    """Of 10 lamps 4 are there in truth, and 6 are held. While that is repaired, ada leaves."""
    shop = await open_shop(pool, db, 10)
    await shop.hold("ada", 3)
    await shop.hold("bo", 3, minute=1)
    await db.execute(RECEIVED)
    (line,) = (await find(db)).lines

    async def operator() -> Verdict:
        async with pool.acquire() as connection:
            return await repair(connection, line, LEAVE)

    async with held_up(pool, HELD):
        worker = await begin(db, shop.leave("ada"), waiting=1)
        repairing = await begin(db, operator(), waiting=2)  # it stops the workers: after this batch
    verdict, _ = await asyncio.gather(repairing, worker)

    assert verdict.state == "repaired"
    assert await shop.line() == Line(4, on_hand=4, reserved=3)
    assert await shop.at_risk() == {}
    await shop.verify()


async def test_a_batch_that_comes_meanwhile_sees_what_was_repaired(
    db: Connection, pool: Pool
) -> None:
    shop = await open_shop(pool, db, 10)
    await shop.hold("ada", 3)
    await shop.hold("bo", 3, minute=1)
    await db.execute(RECEIVED)
    (line,) = (await find(db)).lines

    async def operator() -> Verdict:
        async with pool.acquire() as connection:
            return await repair(connection, line, LEAVE)

    async with held_up(pool, HELD):
        repairing = await begin(db, operator(), waiting=1)
        worker = await begin(db, shop.hold("cy", 1, minute=2), waiting=2)
    await asyncio.gather(repairing, worker)

    assert shop.said("cy") == [("rejected", 1, "insufficient_stock")]
    assert await shop.line() == Line(4, on_hand=6, reserved=6, short=2)
    assert await shop.at_risk() == {"bo": 2}
    await shop.verify()
