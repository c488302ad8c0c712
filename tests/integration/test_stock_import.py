import asyncio

import asyncpg
import pytest

from db.connect import Connection
from db.importing import Change, Imported, Refusal
from db.stock import show_stock
from db.stock_import import StockRow, import_stock

KEY = ("org_1", "moon-lamp", "red")


def row(line: int, on_hand: int | None, product_id: str = "moon-lamp") -> StockRow:
    return StockRow(line, "org_1", product_id, "red", on_hand)


async def counters(db: Connection, product_id: str = "moon-lamp") -> tuple[int, int, int, int]:
    """Give received, on_hand, reserved, sold."""
    (line,) = await show_stock(db, product_id=product_id)
    return line.received, line.on_hand, line.reserved, line.sold


async def in_mid_sale(db: Connection) -> None:
    """Of 10 units received, 3 are sold, 2 more are held, and 5 are available."""
    await import_stock(db, [row(2, 10)])
    await db.execute("UPDATE stock_lines SET on_hand = 7, reserved = 2, sold = 3")


async def everything(db: Connection) -> list[asyncpg.Record]:
    return await db.fetch("SELECT *, xmin::text FROM stock_lines ORDER BY 1, 2, 3")


async def test_first_import_brings_all_units_on_hand(db: Connection) -> None:
    imported = await import_stock(db, [row(2, 10), row(3, 4, "sun-chair")])

    changes = (
        Change(("org_1", "moon-lamp", "red"), None, "10"),
        Change(("org_1", "sun-chair", "red"), None, "4"),
    )
    assert imported == Imported(new=2, changed=0, unchanged=0, units=14, changes=changes)
    assert await counters(db) == (10, 10, 0, 0)


async def test_same_file_again_touches_nothing_in_mid_sale(db: Connection) -> None:
    await in_mid_sale(db)
    before = await everything(db)

    imported = await import_stock(db, [row(2, 10)])

    assert imported == Imported(new=0, changed=0, unchanged=1, units=0)
    assert await everything(db) == before
    assert await counters(db) == (10, 7, 2, 3)


async def test_larger_number_adds_the_difference(db: Connection) -> None:
    await in_mid_sale(db)

    imported = await import_stock(db, [row(2, 14)])

    assert isinstance(imported, Imported)
    assert (imported.changed, imported.units) == (1, 4)
    assert await counters(db) == (14, 11, 2, 3)


async def test_smaller_number_takes_what_is_available_and_no_more(db: Connection) -> None:
    await in_mid_sale(db)

    refused = await import_stock(db, [row(7, 4)])
    taken = await import_stock(db, [row(7, 5)])

    assert refused == [
        Refusal(
            7,
            "on_hand",
            "4 units, but 5 of the 10 received are held, sold or set aside: "
            "the least possible is 5; with --allow-shortage 1 unit would be short, and "
            "0 holds at risk",  # the counters of this test have no holds
        )
    ]
    assert isinstance(taken, Imported)
    assert await counters(db) == (5, 2, 2, 3)


async def test_units_in_pools_and_allocated_are_not_available(db: Connection) -> None:
    await import_stock(db, [row(2, 10)])
    await db.execute("UPDATE stock_lines SET on_hand = 4, allocated = 2")
    await db.execute("INSERT INTO pools VALUES ('org_1', 'exp_1', 'moon-lamp', 'red', 4, 3, 1)")

    refused = await import_stock(db, [row(2, 5)])

    assert isinstance(refused, list)
    assert "the least possible is 6" in refused[0].problem


async def test_refusal_in_the_last_line_leaves_all_lines_as_they_were(db: Connection) -> None:
    await in_mid_sale(db)
    before = await everything(db)
    rows = [*(row(line, 5, f"chair-{line}") for line in range(2, 500)), row(500, 1)]

    refused = await import_stock(db, rows)

    assert isinstance(refused, list)
    assert [refusal.line for refusal in refused] == [500]
    assert await everything(db) == before


async def test_dry_run_says_what_would_change_and_changes_nothing(db: Connection) -> None:
    await in_mid_sale(db)
    before = await everything(db)

    imported = await import_stock(db, [row(2, 12), row(3, None, "sun-chair")], dry_run=True)

    assert isinstance(imported, Imported)
    assert (imported.new, imported.changed, imported.units) == (1, 1, 2)
    assert [(change.before, change.after) for change in imported.changes] == [
        ("10", "12"),
        (None, "untracked"),
    ]
    assert await everything(db) == before


async def test_unused_line_changes_between_tracked_and_untracked(db: Connection) -> None:
    await import_stock(db, [row(2, 10)])

    await import_stock(db, [row(2, None)])
    (untracked,) = await show_stock(db)
    await import_stock(db, [row(2, 3)])
    (tracked,) = await show_stock(db)

    assert (untracked.tracked, untracked.received, untracked.on_hand) == (False, 0, 0)
    assert (tracked.tracked, tracked.received, tracked.on_hand) == (True, 3, 3)


@pytest.mark.parametrize(
    "used",
    ["on_hand = 9, sold = 1", "reserved = 1", "on_hand = 9, allocated = 1", "on_hand = 9"],
)
async def test_used_line_stays_tracked(db: Connection, used: str) -> None:
    await import_stock(db, [row(2, 10)])
    await db.execute(f"UPDATE stock_lines SET {used}")

    assert await import_stock(db, [row(2, None)]) == [
        Refusal(
            2, "on_hand", "untracked, but 1 units are held, sold or set aside: it stays tracked"
        )
    ]


@pytest.mark.parametrize("used", ["sold = 2", "reserved = 2", "allocated = 2"])
async def test_used_line_stays_untracked(db: Connection, used: str) -> None:
    await import_stock(db, [row(2, None)])
    await db.execute(f"UPDATE stock_lines SET {used}")

    again = await import_stock(db, [row(2, None)])
    refused = await import_stock(db, [row(2, 0)])

    assert isinstance(again, Imported)
    assert refused == [
        Refusal(
            2,
            "on_hand",
            "0 units, but 2 untracked units are held or sold: it stays untracked",
        )
    ]


async def test_two_imports_at_once_end_as_one_after_the_other(
    db: Connection, pool: asyncpg.Pool
) -> None:
    products = [f"lamp-{number:03}" for number in range(200)]

    async def one(units: int, *, backwards: bool) -> Imported | list[Refusal]:
        names = reversed(products) if backwards else products
        async with pool.acquire() as connection:
            return await import_stock(
                connection, [row(line, units, name) for line, name in enumerate(names, start=2)]
            )

    for _ in range(5):
        await db.execute("TRUNCATE stock_lines CASCADE")
        both = await asyncio.gather(one(10, backwards=False), one(25, backwards=True))
        lines = await show_stock(db, limit=1000)

        assert all(isinstance(imported, Imported) for imported in both)
        assert len({line.received for line in lines}) == 1
        assert [line.on_hand for line in lines] == [line.received for line in lines]
        assert sorted(getattr(imported, "new", -1) for imported in both) == [0, 200]


async def test_import_beside_holds_loses_no_unit(db: Connection, pool: asyncpg.Pool) -> None:
    await import_stock(db, [row(2, 1000)])

    async def sell() -> None:
        for _ in range(50):
            async with pool.acquire() as connection:
                await connection.execute(
                    "UPDATE stock_lines SET on_hand = on_hand - 1, sold = sold + 1"
                )

    async def grow() -> None:
        for units in range(1001, 1021):
            async with pool.acquire() as connection:
                assert isinstance(await import_stock(connection, [row(2, units)]), Imported)

    await asyncio.gather(sell(), sell(), grow())

    assert await counters(db) == (1020, 920, 0, 100)


async def test_lines_are_shown_page_by_page_and_of_one_product(db: Connection) -> None:
    await import_stock(db, [row(line, line, f"lamp-{line}") for line in range(2, 7)])

    page = await show_stock(db, limit=2, offset=2)
    one = await show_stock(db, organization_id="org_1", product_id="lamp-6")

    assert [line.product_id for line in page] == ["lamp-4", "lamp-5"]
    assert [line.received for line in one] == [6]
    assert await show_stock(db, organization_id="org_2") == []
