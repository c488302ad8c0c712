"""What a batch costs, without a clock: statements by kind, and plans on tables that are large."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from asyncpg import Pool

from consumers.records import Batch
from consumers.transaction import Applied, apply_batch
from db.connect import Connection
from db.lanes import Lane
from db.verify import verify_database
from schemas.events import (
    AnyEvent,
    ExpiryTick,
    Item,
    OrderCancelled,
    ReleaseRequested,
)
from schemas.journal import DeadLetter
from tests.integration.filled import fill
from tests.integration.test_batch import (
    NOW,
    OFFSETS,
    TOPIC,
    _Only,
    admitted,
    assert_indexed,
    batch_of,
    cart,
    completed,
    lanes,
    left,
    linked,
    longer,
    plans_of,
)

__all__ = ["lanes"]  # the fixture


class Cost(NamedTuple):
    """Statements with BEGIN and COMMIT, and tables that rows are copied into."""

    statements: int
    copies: int


Make = Callable[[str], AnyEvent]


def cancelled(shopper: str) -> OrderCancelled:
    return OrderCancelled(
        event_id=f"x-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        cancelled_at=NOW + timedelta(seconds=9),
        order_id=f"order-{shopper}",
    )


def released(shopper: str) -> ReleaseRequested:
    return ReleaseRequested(
        event_id=f"r-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        requested_at=NOW + timedelta(seconds=3),
    )


def paid(shopper: str) -> AnyEvent:
    return completed(shopper, order_id=f"order-{shopper}")


def _pooled(shopper: str) -> AnyEvent:
    return admitted(shopper, Item("star-lamp", "", 1), experience="salon")


def _other_cart(shopper: str) -> AnyEvent:
    return cart(shopper, Item("star-lamp", "", 1))


# What came before, the kind of event, and what a batch of it costs.
# Of all: BEGIN, fence, shoppers, admissions, facts, policies; lanes, COMMIT. Then what is loaded
# (reservations, stock, pools) and saved (admissions, reservations, stock, pools, facts).
KINDS: dict[str, tuple[list[Make], Make, Cost]] = {
    "admission": ([], admitted, Cost(10, 3)),
    "admission to a pool": ([], _pooled, Cost(12, 3)),
    "admission again": ([admitted], admitted, Cost(10, 0)),
    "admission that was waited for": ([paid], admitted, Cost(11, 3)),
    "cart": ([admitted], _other_cart, Cost(13, 2)),
    "payment": ([admitted], paid, Cost(13, 1)),
    "payment again": ([admitted, paid], paid, Cost(10, 0)),
    "early payment": ([], paid, Cost(8, 1)),
    "late payment": ([admitted, left], paid, Cost(13, 1)),
    "end": ([admitted], left, Cost(13, 1)),
    "cancellation": ([admitted, paid], cancelled, Cost(13, 1)),
    "extension": ([admitted], longer, Cost(12, 1)),
    "release": ([admitted], released, Cost(13, 1)),
    "transfer": ([admitted], lambda shopper: linked(shopper, to=f"{shopper}-account"), Cost(11, 1)),
}


async def cost_of(pool: Pool, batch: Batch, lanes: dict[int, Lane]) -> tuple[Cost, Applied]:
    """Apply a batch, and count on the wire what it asks."""
    async with pool.acquire() as connection:
        protocol = connection._con._protocol  # type: ignore[attr-defined]
        counting = _Counting(connection)
        before = protocol.queries_count
        only: Any = _Only(counting)
        applied = await apply_batch(only, batch, lanes, expiry_batch_max=5_000)
        return Cost(protocol.queries_count - before, counting.copies), applied


class _Counting:
    """A connection that counts what it copies."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.copies = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def copy_records_to_table(self, *arguments: Any, **named: Any) -> None:
        self.copies += 1
        await self._connection.copy_records_to_table(*arguments, **named)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_of_event_costs_as_many_statements_however_many_come(
    pool: Pool, lanes: dict[int, Lane], kind: str
) -> None:
    before, make, expected = KINDS[kind]
    costs = []
    for size in (1, 2, 60):
        shoppers = [f"{kind}-{size}-{n}" for n in range(size)]
        for earlier in before:
            batch = batch_of(map(earlier, shoppers), start=next(OFFSETS))
            lanes = (await cost_of(pool, batch, lanes))[1].lanes
        batch = batch_of(map(make, shoppers), start=next(OFFSETS))
        cost, applied = await cost_of(pool, batch, lanes)
        costs.append(cost)
        lanes = applied.lanes

    assert costs[1:] == [expected, expected]  # the first asks the catalogue for types


async def test_dead_letters_cost_no_more_than_being_written(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    costs = []
    for size in (1, 2, 60):
        batch = Batch(size=size)
        batch.dead_letters = [
            DeadLetter(0, TOPIC, 0, next(OFFSETS) + n, b"key", b"?", (), NOW, "not JSON")
            for n in range(size)
        ]
        cost, applied = await cost_of(pool, batch, lanes)
        costs.append(cost)
        lanes = applied.lanes

    assert costs[1:] == [Cost(4, 1)] * 2  # BEGIN, fence, lanes, COMMIT; the journal


async def test_a_tick_costs_as_many_statements_however_many_holds_are_due(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    costs = []
    for number, size in enumerate((1, 2, 60), start=1):
        began = NOW - timedelta(hours=1) + timedelta(minutes=number)
        events = [admitted(f"due-{size}-{n}", admitted_at=began) for n in range(size)]
        lanes = (await cost_of(pool, batch_of(events, start=next(OFFSETS)), lanes))[1].lanes
        tick = batch_of([ExpiryTick(at=began + timedelta(minutes=11))])
        cost, applied = await cost_of(pool, tick, lanes)
        costs.append(cost)
        lanes = applied.lanes

    assert costs[1:] == [Cost(13, 1)] * 2


# Plans

ROWS = 100_000


async def test_plans_use_their_indexes_where_there_are_many_rows(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    await fill(db, ROWS)

    plans, _ = await plans_of(pool, "large", 1, lanes)

    assert_indexed(plans)
    checks = (await verify_database(db)).checks
    assert [check for check in checks if check.differences] == []
