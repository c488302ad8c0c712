import asyncio

import asyncpg
import pytest

from db.connect import Connection
from db.importing import Imported, Refusal
from db.pool_fill import PoolRow, fill_pools
from db.pools import Drained, drain_pools, show_pools
from db.stock import show_stock
from db.stock_import import StockRow, import_stock


def row(line: int, units: int, experience_id: str = "exp_1", product_id: str = "lamp") -> PoolRow:
    return PoolRow(line, "org_1", experience_id, product_id, "", units)


async def stock(db: Connection, units: int | None, product_id: str = "lamp") -> None:
    assert isinstance(
        await import_stock(db, [StockRow(2, "org_1", product_id, "", units)]), Imported
    )


async def on_hand(db: Connection, product_id: str = "lamp") -> int:
    (line,) = await show_stock(db, product_id=product_id)
    assert line.received == line.on_hand + line.allocated + line.pooled + line.sold
    return line.on_hand


async def pools(db: Connection) -> list[tuple[str, int, int, int, int]]:
    """Give experience, filled, available, allocated, sold of each pool."""
    return [(pool.experience_id, *pool[4:]) for pool in await show_pools(db)]


async def in_mid_sale(db: Connection) -> None:
    """Of 100 lamps, 40 are set aside: 7 of those are held, 13 sold, and 20 available."""
    await stock(db, 100)
    assert isinstance(await fill_pools(db, [row(2, 40)]), Imported)
    await db.execute("UPDATE pools SET available = 20, allocated = 7")
    await db.execute("UPDATE stock_lines SET sold = 13")


def problems(result: Imported | list[Refusal]) -> list[tuple[int, str, str]]:
    assert isinstance(result, list)
    return [(refusal.line, refusal.column, refusal.problem) for refusal in result]


async def test_filling_moves_units_from_stock(db: Connection) -> None:
    await stock(db, 100)

    filled = await fill_pools(db, [row(2, 40), row(3, 10, "exp_2")])

    assert isinstance(filled, Imported)
    assert (filled.new, filled.changed, filled.unchanged, filled.units) == (2, 0, 0, 50)
    assert await pools(db) == [("exp_1", 40, 40, 0, 0), ("exp_2", 10, 10, 0, 0)]
    assert await on_hand(db) == 50


async def test_same_file_again_moves_nothing_in_mid_sale(db: Connection) -> None:
    await in_mid_sale(db)

    filled = await fill_pools(db, [row(2, 40)])

    assert filled == Imported(new=0, changed=0, unchanged=1, units=0)
    assert await pools(db) == [("exp_1", 40, 20, 7, 13)]
    assert await on_hand(db) == 60


async def test_difference_moves_both_ways(db: Connection) -> None:
    await in_mid_sale(db)

    await fill_pools(db, [row(2, 45)])
    more = await pools(db), await on_hand(db)
    await fill_pools(db, [row(2, 30)])
    less = await pools(db), await on_hand(db)

    assert more == ([("exp_1", 45, 25, 7, 13)], 55)
    assert less == ([("exp_1", 30, 10, 7, 13)], 70)


async def test_pool_cannot_fall_below_what_is_held_and_sold(db: Connection) -> None:
    await in_mid_sale(db)

    refused = await fill_pools(db, [row(9, 19)])
    emptied = await fill_pools(db, [row(9, 20)])

    assert problems(refused) == [
        (
            9,
            "units",
            "19 units, but 20 of the 40 set aside are held or sold: the least possible is 20",
        )
    ]
    assert isinstance(emptied, Imported)
    assert await pools(db) == [("exp_1", 20, 0, 7, 13)]


async def test_pool_cannot_take_what_is_reserved(db: Connection) -> None:
    await stock(db, 100)
    await db.execute("UPDATE stock_lines SET reserved = 30")

    refused = await fill_pools(db, [row(2, 71)])
    filled = await fill_pools(db, [row(2, 70)])

    assert problems(refused) == [
        (2, "units", "71 units, but too few are available: the most possible is 70")
    ]
    assert isinstance(filled, Imported)


async def test_pools_of_one_stock_line_are_summed_in_the_order_of_the_file(db: Connection) -> None:
    await stock(db, 100)

    refused = await fill_pools(db, [row(2, 60), row(3, 60, "exp_2"), row(4, 5, "exp_3")])

    assert problems(refused) == [
        (3, "units", "60 units, but too few are available: the most possible is 40"),
        (4, "units", "5 units, but too few are available: the most possible is 0"),
    ]
    assert await pools(db) == []


async def test_units_shift_between_experiences_in_one_file(db: Connection) -> None:
    await stock(db, 100)
    await fill_pools(db, [row(2, 100)])

    shifted = await fill_pools(db, [row(2, 60, "exp_0"), row(3, 40)])

    assert isinstance(shifted, Imported)
    assert shifted.units == 0
    assert await pools(db) == [("exp_0", 60, 60, 0, 0), ("exp_1", 40, 40, 0, 0)]
    assert await on_hand(db) == 0


async def test_stock_line_must_be_there_and_tracked(db: Connection) -> None:
    await stock(db, None, "ebook")

    refused = await fill_pools(db, [row(2, 0), row(3, 1, product_id="ebook")])

    assert problems(refused) == [
        (2, "product_id", "no such stock line: import its stock first"),
        (3, "product_id", "an untracked stock line has no units to set aside"),
    ]


async def test_refusal_in_the_last_line_moves_nothing(db: Connection) -> None:
    await in_mid_sale(db)
    await stock(db, 5, "chair")
    rows = [*(row(line, 1, f"exp-{line}") for line in range(2, 30)), row(30, 6, "x", "chair")]

    refused = await fill_pools(db, rows)

    assert [line for line, _, _ in problems(refused)] == [30]
    assert await pools(db) == [("exp_1", 40, 20, 7, 13)]
    assert await on_hand(db) == 60


async def test_dry_run_moves_nothing(db: Connection) -> None:
    await in_mid_sale(db)

    planned = await fill_pools(db, [row(2, 50)], dry_run=True)

    assert isinstance(planned, Imported)
    assert [(change.before, change.after) for change in planned.changes] == [("40", "50")]
    assert await pools(db) == [("exp_1", 40, 20, 7, 13)]


async def test_units_taken_out_of_a_pool_are_set_aside_again_when_there_are_some(
    db: Connection,
) -> None:
    await stock(db, 10)
    await fill_pools(db, [row(2, 8)])
    await import_stock(db, [StockRow(2, "org_1", "lamp", "", 5)], allow_shortage=True)
    taken = await pools(db), await on_hand(db)

    refused = await fill_pools(db, [row(2, 8)])
    await stock(db, 9)
    filled = await fill_pools(db, [row(2, 8)])

    assert taken == ([("exp_1", 5, 5, 0, 0)], 0)
    assert problems(refused) == [
        (2, "units", "8 units, but too few are available: the most possible is 5")
    ]
    assert isinstance(filled, Imported)
    assert (await pools(db), await on_hand(db)) == ([("exp_1", 8, 8, 0, 0)], 1)


async def test_draining_gives_back_what_is_available_once(db: Connection) -> None:
    await in_mid_sale(db)

    first = await drain_pools(db, organization_id="org_1", experience_id="exp_1")
    second = await drain_pools(db, organization_id="org_1", experience_id="exp_1")

    assert first == [Drained("lamp", "", 20)]
    assert second == []
    assert await pools(db) == [("exp_1", 20, 0, 7, 13)]
    assert await on_hand(db) == 80


async def test_draining_one_product_leaves_the_others(db: Connection) -> None:
    await stock(db, 10)
    await stock(db, 10, "chair")
    await fill_pools(db, [row(2, 4), row(3, 4, product_id="chair"), row(4, 2, "exp_2")])

    drained = await drain_pools(
        db, organization_id="org_1", experience_id="exp_1", product_id="chair"
    )

    assert drained == [Drained("chair", "", 4)]
    assert [pool.available for pool in await show_pools(db, experience_id="exp_1")] == [0, 4]
    assert (await on_hand(db), await on_hand(db, "chair")) == (4, 10)


@pytest.mark.parametrize("round_", range(5))
async def test_fills_and_drains_at_once_lose_no_unit(
    db: Connection, pool: asyncpg.Pool, round_: int
) -> None:
    await stock(db, 100)

    async def fill(units: int) -> None:
        async with pool.acquire() as connection:
            await fill_pools(connection, [row(2, units), row(3, 100 - units, "exp_2")])

    async def drain() -> None:
        async with pool.acquire() as connection:
            await drain_pools(connection, organization_id="org_1", experience_id="exp_1")

    await asyncio.gather(fill(30), drain(), fill(60), drain())

    shown = await show_pools(db)
    assert await on_hand(db) == 100 - sum(pool.available for pool in shown)
    assert all(pool.filled == pool.available for pool in shown)
