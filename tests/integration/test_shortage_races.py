"""The operator and the workers at once: one waits for the other, and no unit is lost or made."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from asyncpg import Pool
from asyncpg.exceptions import LockNotAvailableError

from db.connect import Connection
from db.importing import Imported
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from tests.integration.sale import LANES, Sale, admitted, paid
from tests.integration.shop import LAMP, Line, Shop, open_shop

HELD = "SELECT FROM reservations WHERE admission_id = 'ada' FOR UPDATE"
STOCK = "SELECT FROM stock_lines FOR UPDATE"


@pytest.fixture
async def shop(pool: Pool, db: Connection) -> Shop:
    """Of 10 lamps, ada and bo hold 3 each, and 4 are available."""
    shop = await open_shop(pool, db, 10)
    await shop.hold("ada", 3)
    await shop.hold("bo", 3, minute=1)
    return shop


@asynccontextmanager
async def held_up(pool: Pool, *statements: str) -> AsyncIterator[Connection]:
    """Lock rows in a transaction of its own, so that others stop where they need them."""
    async with pool.acquire() as connection, connection.transaction():
        for statement in statements:
            await connection.execute(statement)
        yield connection


async def begin(db: Connection, work: Coroutine[Any, Any, Any], waiting: int) -> asyncio.Task[Any]:
    """Start work, and come back when so many sessions wait for a lock."""
    task = asyncio.create_task(work)
    while await _sessions_waiting(db) < waiting:
        assert not task.done(), await task
        await asyncio.sleep(0.005)
    return task


async def _sessions_waiting(db: Connection) -> int:
    count: int = await db.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return count


def receive(pool: Pool, units: int) -> Coroutine[Any, Any, Imported]:
    async def work() -> Imported:
        async with pool.acquire() as connection:
            row = StockRow(2, "acme", LAMP, "", units)
            imported = await import_stock(connection, [row], allow_shortage=True)
            assert isinstance(imported, Imported)
            return imported

    return work()


async def test_a_hold_made_meanwhile_is_the_newest(db: Connection, pool: Pool, shop: Shop) -> None:
    async with held_up(pool, STOCK):
        worker = await begin(db, shop.hold("cy", 3, minute=2), waiting=1)
        operator = await begin(db, receive(pool, 4), waiting=2)
    await asyncio.gather(worker, operator)

    assert await shop.line() == Line(4, on_hand=9, reserved=9, short=5)
    assert await shop.at_risk() == {"bo": 2, "cy": 3}
    await shop.verify()


async def test_a_hold_that_comes_meanwhile_waits_and_is_refused(
    db: Connection, pool: Pool, shop: Shop
) -> None:
    async with held_up(pool, HELD):
        operator = await begin(db, receive(pool, 5), waiting=1)
        worker = await begin(db, shop.hold("cy", 1, minute=2), waiting=2)
    await asyncio.gather(worker, operator)

    assert shop.said("cy") == [("rejected", 1, "insufficient_stock")]
    assert await shop.line() == Line(5, on_hand=6, reserved=6, short=1)
    await shop.verify()


async def test_a_sale_of_a_hold_at_risk_waits_and_is_a_refund(
    db: Connection, pool: Pool, shop: Shop
) -> None:
    async with held_up(pool, HELD):
        operator = await begin(db, receive(pool, 3), waiting=1)
        worker = await begin(db, shop.pay("bo"), waiting=2)
    await asyncio.gather(worker, operator)

    assert shop.said("bo")[1:] == [("unfulfilled", 3, "stock_withdrawn")]
    assert await shop.line() == Line(3, on_hand=3, reserved=3)
    await shop.verify()


async def test_holds_are_locked_before_their_stock_line(
    db: Connection, pool: Pool, shop: Shop
) -> None:
    async with held_up(pool, HELD) as other:
        operator = await begin(db, receive(pool, 5), waiting=1)
        await other.execute(STOCK)  # would wait for ever, had the operator the line already
    await operator

    assert await shop.at_risk() == {"bo": 1}
    await shop.verify()


async def test_a_file_may_concern_holds_by_the_time_it_has_its_lines(
    db: Connection, pool: Pool, shop: Shop
) -> None:
    other = Sale(pool, await take_lanes(db, [1], ["events"], "test"))
    shop.sale.lanes.pop(1)
    async with held_up(pool, STOCK):
        first = await begin(db, shop.hold("cy", 3, minute=-1), waiting=1)
        # It looks at the lines as they are, of 4 available ones 3 go. Then it waits for them ...
        operator = await begin(db, receive(pool, 7), waiting=2)
        # ... before somebody who has the hold that it will have to mark.
        second = await begin(db, other.apply([(1, paid("bo", minute=5))]), waiting=3)
    await asyncio.gather(first, operator, second)

    assert await shop.line() == Line(7, on_hand=6, reserved=6, sold=3, short=2)
    assert await shop.at_risk() == {"ada": 2}
    await shop.verify()


async def test_a_worker_that_is_stuck_is_not_waited_for(pool: Pool, shop: Shop) -> None:
    before = await shop.line()

    async with held_up(pool, "SELECT FROM lanes FOR UPDATE"):
        with pytest.raises(LockNotAvailableError):
            await receive(pool, 5)

    assert (await shop.line(), await shop.at_risk()) == (before, {})


@pytest.mark.parametrize("seed", range(6))
async def test_everything_at_once_adds_up(db: Connection, pool: Pool, seed: int) -> None:
    random = Random(seed)
    shop = await open_shop(pool, db, 60, attic=20)
    sales = [Sale(pool, await take_lanes(db, [lane], ["events"], "test")) for lane in range(LANES)]

    async def work(lane: int) -> None:
        for number in range(25):
            shopper = f"shopper-{lane}-{number}"
            item = (LAMP, random.randint(1, 3))
            experience = random.choice(("soft", "hard", "attic"))
            await sales[lane].apply([(lane, admitted(shopper, item, to=experience, minutes=30))])
            if random.random() < 0.4:
                await sales[lane].apply([(lane, paid(shopper))])

    async def operate() -> None:
        for _ in range(12):
            await receive(pool, random.randint(0, 70))
            await shop.verify()

    await asyncio.gather(*map(work, range(LANES)), operate())

    await shop.verify()
    line = await shop.line()
    assert min(line) >= 0
    assert line.reserved <= line.on_hand
