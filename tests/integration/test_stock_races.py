"""Workers that sell one stock line at once: none waits while another decides, none oversells."""

import asyncio
from collections import Counter
from collections.abc import MutableMapping, Sequence
from random import Random
from typing import Any

import pytest
from asyncpg import Pool
from structlog.testing import capture_logs

from consumers import retrying
from consumers.records import Batch
from consumers.retrying import apply_with_retries
from consumers.transaction import apply_batch
from db.connect import Connection
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from schemas.events import AnyEvent
from schemas.stock import StockMoved
from tests.integration.sale import Sale, admitted, paid
from tests.integration.shop import LAMP, add_up, bodies_of, left, open_shop
from tests.integration.test_batch import batch_of
from tests.integration.test_retrying import CONFLICTS
from tests.integration.test_shortage_races import begin, held_up

STOCK = "SELECT FROM stock_lines FOR UPDATE"
STOCK_OF = "SELECT FROM stock_lines WHERE product_id ="


class Door:
    """A lane with a worker of its own."""

    def __init__(self, sale: Sale, lane: int) -> None:
        self.sale, self.lane = sale, lane

    async def admit(self, shopper: str, quantity: int = 1) -> None:
        await self.apply(admitted(shopper, (LAMP, quantity), to="soft", minutes=30))

    async def pay(self, shopper: str) -> None:
        await self.apply(paid(shopper))

    async def leave(self, shopper: str) -> None:
        await self.apply(left(shopper))

    async def apply(self, event: AnyEvent) -> None:
        await self.sale.apply([(self.lane, event)])

    def said(self) -> list[tuple[str, str, str | None]]:
        """Give of all outcomes who, what and why."""
        said = bodies_of(self.sale)
        return [(body["consumerId"], type_, body.get("reason")) for type_, body in said]


async def open_doors(pool: Pool, db: Connection, units: int | None, doors: int = 2) -> list[Door]:
    await import_stock(db, [StockRow(2, "acme", LAMP, "", units)])
    return [
        Door(Sale(pool, await take_lanes(db, [lane], ["events"], "test")), lane)
        for lane in range(doors)
    ]


async def stock_of(db: Connection, product: str = LAMP) -> tuple[int, int, int]:
    """Give what is on hand, reserved and sold."""
    asked = "SELECT on_hand, reserved, sold FROM stock_lines WHERE product_id = $1"
    (row,) = await db.fetch(asked, product)
    return tuple(row)


def conflicts(logs: Sequence[MutableMapping[str, Any]]) -> int:
    return [one["event"] for one in logs].count("batch.conflict")


async def _apply(
    pool: Pool, door: Door, batch: Batch, decided: list[int], *, locks_stock: bool = False
) -> None:
    """Apply a batch once, and note of how many outcomes when it has been decided."""
    await apply_batch(
        pool,
        batch,
        door.sale.lanes,
        expiry_batch_max=9,
        locks_stock=locks_stock,
        on_decided=lambda outcomes: decided.append(len(outcomes)),
    )


# Enough for all


async def test_it_decides_before_it_locks_the_line(pool: Pool, db: Connection) -> None:
    first, second = await open_doors(pool, db, 100)
    await import_stock(db, [StockRow(2, "acme", "amber-lamp", "", 5)])
    both = batch_of([admitted("ada", ("amber-lamp", 1), (LAMP, 3), to="soft", minutes=30)])
    decided: list[int] = []
    async with held_up(pool, f"{STOCK_OF} 'amber-lamp' FOR UPDATE"):
        saving = await begin(db, _apply(pool, first, both, decided), waiting=1)
        assert decided == [2]
        await second.admit("bo")  # it waits for nobody
    await saving
    assert await stock_of(db) == (100, 4, 0)
    await add_up(db)


async def test_what_others_took_meanwhile_is_no_conflict_while_enough_is_left(
    pool: Pool, db: Connection
) -> None:
    doors = await open_doors(pool, db, 12, doors=4)
    with capture_logs() as logs:
        async with held_up(pool, STOCK):
            work = [
                await begin(db, door.admit(f"shopper-{door.lane}", 3), waiting=door.lane + 1)
                for door in doors
            ]
        await asyncio.gather(*work)
    assert (await stock_of(db), conflicts(logs)) == ((12, 12, 0), 0)
    await add_up(db)


async def test_units_that_come_back_meanwhile_are_no_conflict(pool: Pool, db: Connection) -> None:
    first, second = await open_doors(pool, db, 10)
    await second.admit("bo", 4)
    with capture_logs() as logs:
        async with held_up(pool, STOCK):
            leaving = await begin(db, second.leave("bo"), waiting=1)
            taking = await begin(db, first.admit("ada", 6), waiting=2)
        await asyncio.gather(leaving, taking)
    assert (await stock_of(db), conflicts(logs)) == ((10, 6, 0), 0)


# Not enough for all


async def test_only_one_gets_the_last_unit(pool: Pool, db: Connection) -> None:
    doors = await open_doors(pool, db, 1, doors=3)
    with capture_logs() as logs:
        async with held_up(pool, STOCK):
            work = [
                await begin(db, door.admit(f"shopper-{door.lane}"), waiting=door.lane + 1)
                for door in doors
            ]
        await asyncio.gather(*work)
    said = [one for door in doors for one in door.said()]
    assert Counter((type_, reason) for _, type_, reason in said) == Counter(
        {("reserved", None): 1, ("rejected", "insufficient_stock"): 2}
    )
    assert (await stock_of(db), conflicts(logs)) == ((1, 1, 0), 2)  # each decides anew once
    await add_up(db)


async def test_what_was_refused_is_granted_when_it_came_back_meanwhile(
    pool: Pool, db: Connection
) -> None:
    first, second = await open_doors(pool, db, 2)
    await second.admit("bo", 2)
    with capture_logs() as logs:
        async with held_up(pool, STOCK):
            leaving = await begin(db, second.leave("bo"), waiting=1)
            refused = await begin(db, first.admit("ada", 2), waiting=2)
        await asyncio.gather(leaving, refused)
    assert first.said() == [("ada", "reserved", None)]
    assert (await stock_of(db), conflicts(logs)) == ((2, 2, 0), 1)
    await add_up(db)


async def test_a_batch_tells_how_often_it_was_decided_in_vain(pool: Pool, db: Connection) -> None:
    first, second = await open_doors(pool, db, 1)
    ada = batch_of([admitted("ada", (LAMP, 1), to="soft", minutes=30)])
    async with held_up(pool, STOCK):
        winning = await begin(db, second.admit("bo"), waiting=1)
        losing = await begin(
            db, apply_with_retries(pool, ada, first.sale.lanes, expiry_batch_max=9), waiting=2
        )
    await winning
    assert (await losing).conflicts == 1


async def test_nothing_of_a_batch_stands_that_was_decided_on_other_stock(
    pool: Pool, db: Connection
) -> None:
    """Not the other line's hold, not the row of a shopper, not an outcome, not an offset."""
    first, second = await open_doors(pool, db, 1)
    await import_stock(db, [StockRow(2, "acme", "sun-lamp", "", 5)])
    both = admitted("ada", (LAMP, 1), ("sun-lamp", 2), to="soft", minutes=30)
    async with held_up(pool, STOCK):
        winning = await begin(db, second.admit("bo"), waiting=1)
        losing = await begin(db, _apply(pool, first, batch_of([both]), []), waiting=2)
    await winning
    with pytest.raises(StockMoved, match="1 of 2 stock lines"):
        await losing
    assert await stock_of(db, "sun-lamp") == (5, 0, 0)
    assert await db.fetchval("SELECT count(*) FROM admissions") == 1
    assert await db.fetchval("SELECT count(*) FROM journal") == 1

    await first.apply(both)
    assert first.said() == [
        ("ada", "rejected", "insufficient_stock"),
        ("ada", "reserved", None),
    ]
    await add_up(db)


async def test_the_second_time_nobody_can_be_faster(pool: Pool, db: Connection) -> None:
    """A batch that is decided anew locks its lines first: it waits where they are loaded."""
    first, _ = await open_doors(pool, db, 1)
    ada = batch_of([admitted("ada", (LAMP, 1), to="soft", minutes=30)])
    decided: list[int] = []
    async with held_up(pool, STOCK):
        waiting = _apply(pool, first, ada, decided, locks_stock=True)
        work = await begin(db, waiting, waiting=1)
        assert decided == []
    await work
    assert decided == [1]


async def test_it_locks_them_after_any_conflict(
    pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the last attempt that it has could meet moved stock, which nobody waits out."""
    monkeypatch.setattr(retrying, "CONFLICT_RETRIES_MAX", 1)
    door, _ = await open_doors(pool, db, 1)
    await db.execute(CONFLICTS.format(times=1, sqlstate="40001"))
    try:
        async with held_up(pool, STOCK) as other:
            work = await begin(db, door.admit("ada"), waiting=1)
            await other.execute("UPDATE stock_lines SET received = 0, on_hand = 0")
        await work
    finally:
        await db.execute("DROP FUNCTION meet CASCADE; DROP SEQUENCE attempts")
    assert door.said() == [("ada", "rejected", "insufficient_stock")]
    await add_up(db)


# The operator


@pytest.mark.parametrize(
    ("units", "said", "stock"),
    [
        (9, ("ada", "reserved", None), (9, 3, 0)),
        (2, ("ada", "rejected", "insufficient_stock"), (2, 0, 0)),
        (None, ("ada", "reserved", None), (0, 3, 0)),  # not tracked any more
    ],
)
async def test_what_the_operator_changed_meanwhile_counts(
    pool: Pool,
    db: Connection,
    units: int | None,
    said: tuple[str, str, str | None],
    stock: tuple[int, int, int],
) -> None:
    door, _ = await open_doors(pool, db, 5)

    async def receive() -> None:
        async with pool.acquire() as connection:
            await import_stock(connection, [StockRow(2, "acme", LAMP, "", units)])

    async with held_up(pool, STOCK):
        operator = await begin(db, receive(), waiting=1)
        worker = await begin(db, door.admit("ada", 3), waiting=2)
    await asyncio.gather(operator, worker)

    assert (door.said(), await stock_of(db)) == ([said], stock)
    await add_up(db)


# All of it


@pytest.mark.parametrize("seed", range(4))
async def test_four_workers_sell_what_is_there_to_the_last_unit(
    pool: Pool, db: Connection, seed: int
) -> None:
    doors = await open_doors(pool, db, 60, doors=4)

    async def sell(door: Door, random: Random) -> None:
        for number in range(30):
            shopper = f"shopper-{door.lane}-{number}"
            await door.admit(shopper, random.choice((1, 1, 2)))
            if random.random() < 0.5:
                await door.pay(shopper)

    await asyncio.gather(*(sell(door, Random(f"{seed}-{door.lane}")) for door in doors))

    on_hand, reserved, sold = await stock_of(db)
    assert (on_hand - reserved, reserved + sold) == (0, 60)  # nobody was refused the last ones
    await add_up(db)


@pytest.mark.parametrize("seed", range(4))
async def test_holds_that_come_and_go_at_four_doors_add_up(
    pool: Pool, db: Connection, seed: int
) -> None:
    doors = await open_doors(pool, db, 8, doors=4)

    async def trade(door: Door, random: Random) -> None:
        inside: list[str] = []
        for number in range(30):
            if inside and random.random() < 0.45:
                shopper = inside.pop(random.randrange(len(inside)))
                await random.choice((door.pay, door.leave, door.leave))(shopper)
            else:
                inside.append(f"shopper-{door.lane}-{number}")
                await door.admit(inside[-1], random.randint(1, 3))

    await asyncio.gather(*(trade(door, Random(f"{seed}-{door.lane}")) for door in doors))

    on_hand, reserved, sold = await stock_of(db)
    assert 0 <= reserved <= on_hand
    assert on_hand + sold == 8
    await add_up(db)


async def test_lines_are_locked_in_key_order(pool: Pool, db: Connection) -> None:
    """Else two batches that share two lines could wait for each other for ever."""
    door, _ = await open_doors(pool, db, 9)  # of moon lamps
    names = ("sun-lamp", "amber-lamp")
    await import_stock(db, [StockRow(n, "acme", name, "", 9) for n, name in enumerate(names, 2)])
    items = [(name, 1) for name in (*names, LAMP)]
    event = admitted("ada", *items, to="soft", minutes=30)
    async with held_up(pool, f"{STOCK_OF} '{LAMP}' FOR UPDATE"):
        work = await begin(db, door.apply(event), waiting=1)
        free = await db.fetch("SELECT product_id FROM stock_lines FOR UPDATE SKIP LOCKED")
    await work
    assert [row["product_id"] for row in free] == ["sun-lamp"]


async def test_lines_are_locked_before_pools(pool: Pool, db: Connection) -> None:
    """All who lock both do it in this order: one that did not would wait for ever for another."""
    shop = await open_shop(pool, db, 10, attic=4)
    async with held_up(pool, STOCK) as other:
        worker = await begin(db, shop.hold("ada", 1, to="attic"), waiting=1)
        await other.execute("SET LOCAL lock_timeout = '2s'; SELECT FROM pools FOR UPDATE")
    await worker
    assert shop.said("ada") == [("reserved", 1, None)]
