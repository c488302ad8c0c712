"""Drift as numbers, by stock line. `test_verify` looks for it after each kind of damage."""

import pytest
from asyncpg import Pool

from db.connect import Connection
from db.drift import list_drift, next_stock_keys
from schemas.drift import LineCounts, PoolCounts
from schemas.stock import StockKey
from tests.integration.sale import Sale, hold_sale

MOON, STAR, SUN, BOOK = (
    StockKey("acme", name, "") for name in ("moon-lamp", "star-lamp", "sun-lamp", "e-book")
)
IN_ORDER = [BOOK, MOON, STAR, SUN]


@pytest.fixture
async def sale(pool: Pool) -> Sale:
    return await hold_sale(pool)


async def test_a_sale_that_has_everything_has_no_drift(db: Connection, sale: Sale) -> None:
    assert await list_drift(db) == []


async def test_a_line_is_given_with_its_pools_and_what_its_rows_make(
    db: Connection, sale: Sale
) -> None:
    await db.execute("UPDATE pools SET allocated = 2, available = 0")

    (line,) = await list_drift(db)

    assert line == LineCounts(
        *(STAR, True, 4, 1, 0, 0, 1, 0),
        *(0, 0, 1),
        (PoolCounts("salon", 3, available=0, allocated=2, made_allocated=1, made_sold=1),),
    )
    assert (line.unexplained, line.pools[0].unexplained, line.units) == (1, 1, 3)


async def test_only_the_lines_asked_for_are_given(db: Connection, sale: Sale) -> None:
    await db.execute("UPDATE stock_lines SET received = received + 1")

    assert [line.key for line in await list_drift(db)] == IN_ORDER
    assert [line.key for line in await list_drift(db, [SUN, BOOK])] == [BOOK, SUN]
    assert await list_drift(db, [StockKey("acme", "no-lamp", "")]) == []


async def test_lines_can_be_gone_through_some_at_a_time(db: Connection, sale: Sale) -> None:
    first = await next_stock_keys(db, None, 3)
    rest = await next_stock_keys(db, first[-1], 3)
    after = await next_stock_keys(db, rest[-1], 3)

    assert [*first, *rest] == IN_ORDER
    assert after == []


async def test_who_has_rows_locked_is_not_waited_for(
    db: Connection, pool: Pool, sale: Sale
) -> None:
    async with pool.acquire() as other, other.transaction():
        await other.execute("UPDATE stock_lines SET reserved = 0, received = 9")

        assert await list_drift(db) == []
