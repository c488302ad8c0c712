"""Whatever a batch saves is what it would have decided had it locked its stock lines first.

Workers and an operator at once, by random; each batch is decided a second time, on the lines as
they are once they are locked, and compared.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest
from asyncpg import Pool

from consumers import transaction
from db import saving
from db.connect import Connection
from db.loading_counters import lock_stock
from db.policies import PolicyRow, import_policies
from db.pool_fill import PoolRow, fill_pools
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from reservations.book import Book, Changes
from reservations.decide import decide
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    CartUpdated,
    CheckoutCompleted,
    ExpiryTick,
    Item,
    OrderCancelled,
)
from schemas.policy import Policy
from schemas.stock import StockMove
from tests.integration.sale import BEGAN, Sale
from tests.integration.shop import add_up

DOORS: Final = 4
TURNS: Final = 15
UNITS: Final = {"red-lamp": 12, "blue-lamp": 6, "e-book": None}
POLICIES: Final = {
    "soft": Policy(),
    "hard": Policy(strategy="hard", oversell_units=3),
    "over": Policy(oversell_units=2),
    "whole": Policy(cart="all_or_nothing", units_per_sku_max=3, restock_cancelled=False),
    "attic": Policy(strategy="pool", oversell_units=1),
}


@dataclass
class Oracle:
    """Decides each batch twice, and counts those that were saved on other stock than was read."""

    dice: Random
    on_other_stock: int = 0
    wrong: list[object] = field(default_factory=list)
    _batch: ContextVar[Any] = field(default_factory=lambda: ContextVar("batch"))

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        really_move = saving.move_stock

        def decide_and_note(book: Book, arrivals: Sequence[Arrival]) -> Changes:
            before = deepcopy(book)
            changes = decide(book, arrivals)
            self._batch.set((before, arrivals, _decided(book)))
            return changes

        async def move_stock(connection: Connection, moves: Collection[StockMove]) -> None:
            await asyncio.sleep(self.dice.random() * 0.02)
            book, arrivals, decided = self._batch.get()
            lines = {line.key: line for line in await lock_stock(connection, list(book.stock))}
            await really_move(connection, moves)  # or it is decided anew
            self.on_other_stock += any(book.stock[key] != line for key, line in lines.items())
            book.load_stock(lines.values())
            decide(book, arrivals)
            if _decided(book) != decided:
                self.wrong.append((decided, _decided(book)))

        monkeypatch.setattr(transaction, "decide", decide_and_note)
        monkeypatch.setattr(saving, "move_stock", move_stock)


def _decided(book: Book) -> tuple[object, ...]:
    changes = book.changes
    rows = (changes.new_reservations, changes.reservations, changes.pools, changes.outcomes)
    return *map(repr, rows), {move[:3]: move[7:] for move in book.stock_moves() if any(move[7:])}


class Shoppers:
    """Those of one door: they come, fill their carts, pay, cancel and leave."""

    def __init__(self, sale: Sale, lane: int, seed: int) -> None:
        self.sale, self.lane, self.dice = sale, lane, Random(f"{seed}-{lane}")
        self.inside: list[str] = []
        self.events = self.seconds = 0

    async def trade(self) -> None:
        for _ in range(TURNS):
            events = [self._event() for _ in range(self.dice.choice((1, 2, 5)))]
            if self.dice.random() < 0.2:
                events.append(ExpiryTick(at=BEGAN + timedelta(seconds=self.seconds)))
            await self.sale.apply([(self.lane, event) for event in events])

    def _event(self) -> AnyEvent:
        self.events += 1
        self.seconds += self.dice.randint(0, 12)
        at, new = BEGAN + timedelta(seconds=self.seconds), f"shopper-{self.lane}-{self.events}"
        comes = not self.inside or self.dice.random() < 0.4
        if comes:
            self.inside.append(new)
        who = new if comes else self.dice.choice(self.inside)
        names: dict[str, Any] = {"event_id": new, "organization_id": "acme", "consumer_id": who}
        names["admission_id"] = who
        if comes:
            # At every other door also to a pool, whose line is locked from the first.
            to = self.dice.choice(list(POLICIES)[: len(POLICIES) - self.lane % 2])
            ends = at + timedelta(seconds=self.dice.choice((20, 300)))
            names["experience_id"] = to
            return Admitted(**names, admitted_at=at, window_ends_at=ends, items=self._items())
        order = f"order-{who}"
        return self.dice.choice(
            (
                CheckoutCompleted(**names, completed_at=at, order_id=order),
                CheckoutCompleted(**names, completed_at=at, order_id=order, items=self._items()),
                CartUpdated(**names, updated_at=at, items=self._items()),
                OrderCancelled(**names, cancelled_at=at, order_id=order),
                AdmissionEnded(**names, ended_at=at, end="left"),
            )
        )

    def _items(self) -> tuple[Item, ...]:
        chosen = self.dice.sample(list(UNITS), self.dice.choice((1, 1, 2)))
        return tuple(Item(product, "", self.dice.choice((1, 1, 2, 3))) for product in chosen)


async def operate(pool: Pool, dice: Random, work: "asyncio.Future[Any]") -> None:
    """Bring stock in and take it away, also what is held, until the work is done."""
    while not work.done():
        async with pool.acquire() as connection:
            product = dice.choice(("red-lamp", "blue-lamp"))
            row = StockRow(1, "acme", product, "", dice.randint(0, 20))
            await import_stock(connection, [row], allow_shortage=dice.random() < 0.5)
        await asyncio.sleep(dice.random() * 0.1)


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_saved_is_right_for_the_lines_as_they_are(
    pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rows = [StockRow(line, "acme", name, "", n) for line, (name, n) in enumerate(UNITS.items(), 1)]
    await import_stock(db, rows)
    await import_policies(db, [PolicyRow("acme", *one) for one in POLICIES.items()])
    await fill_pools(db, [PoolRow(1, "acme", "attic", "red-lamp", "", 4)])
    oracle = Oracle(Random(seed))
    oracle.watch(monkeypatch)
    lanes = [await take_lanes(db, [lane], ["events"], "test") for lane in range(DOORS)]
    doors = [Shoppers(Sale(pool, one), lane, seed) for lane, one in enumerate(lanes)]

    work = asyncio.gather(*(door.trade() for door in doors))
    await asyncio.gather(work, operate(pool, Random(f"operator-{seed}"), work))

    assert oracle.wrong == []
    assert oracle.on_other_stock > 3  # else nothing was tried
    await add_up(db)
