"""The batch transaction on a real Postgres: its guards, its rows, its plans, its statements."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Pool
from asyncpg.connection import LoggedQuery
from msgspec.structs import replace

from consumers.records import Batch
from consumers.retrying import apply_with_retries
from consumers.transaction import Applied, apply_batch
from db import loading, saving
from db.adjustments import add_adjustment
from db.connect import Connection
from db.lanes import Lane
from db.policies import PolicyRow, import_policies
from db.pool_fill import PoolRow, fill_pools
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from reservations.stock_moves import StockAsked
from schemas import stock
from schemas.adjusted import CounterChange
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    ExpiryTick,
    ExtendRequested,
    Fact,
    Item,
    OrderCancelled,
    ReleaseRequested,
    TransferRequested,
    event_of,
)
from schemas.facts import KnownFact
from schemas.journal import DeadLetter, Superseded
from schemas.policy import Policy
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation
from schemas.stock import PoolKey, StockKey
from schemas.trace import Trace

TOPIC, TICKS = "admitted", "expiry-ticks"
NOW = datetime.now(UTC).replace(microsecond=0)


def admitted(shopper: str, *items: Item, experience: str = "drop", **rest: Any) -> Admitted:
    fields = {
        "event_id": f"a-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "experience_id": experience,
        "distribution_id": "queue",
        "distribution_type": "queue",
        "token_digest": f"digest-{shopper}",
        "admitted_at": NOW,
        "items": items or (Item("lamp", "", 1),),
    }
    return event_of(Admitted, fields | rest)


def completed(shopper: str, **rest: Any) -> CheckoutCompleted:
    fields = {
        "event_id": f"c-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "completed_at": NOW + timedelta(seconds=5),
    }
    return event_of(CheckoutCompleted, fields | rest)


def left(shopper: str) -> AdmissionEnded:
    return AdmissionEnded(
        event_id=f"l-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        ended_at=NOW + timedelta(seconds=5),
        end="left",
    )


def cart(shopper: str, *items: Item, **rest: Any) -> CartUpdated:
    fields = {
        "event_id": f"cart-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "updated_at": NOW + timedelta(seconds=1),
        "items": items,
    }
    return event_of(CartUpdated, fields | rest)


def linked(guest: str, to: str) -> TransferRequested:
    return TransferRequested(
        event_id=f"t-{guest}",
        organization_id="acme",
        consumer_id=guest,
        requested_at=NOW + timedelta(seconds=1),
        to_consumer_id=to,
    )


def longer(shopper: str, **rest: Any) -> ExtendRequested:
    fields = {
        "event_id": f"x-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "requested_at": NOW + timedelta(seconds=2),
        "seconds": 60,
    }
    return event_of(ExtendRequested, fields | rest)


def batch_of(events: Iterable[AnyEvent], lane: int = 0, start: int = 0) -> Batch:
    batch = Batch()
    for offset, event in enumerate(events, start):
        arrival = Arrival(event, lane, Cause(TOPIC, lane, offset, 0, None))
        if isinstance(event, ExpiryTick):
            batch.ticks[lane] = arrival
        else:
            batch.arrivals.append(arrival)
            batch.next_offsets[lane, TOPIC] = offset + 1
    batch.size = len(batch.arrivals) + len(batch.ticks)
    return batch


@pytest.fixture
async def lanes(db: Connection) -> dict[int, Lane]:
    await import_stock(
        db,
        [
            StockRow(1, "acme", "lamp", "", 1_000_000),
            StockRow(2, "acme", "star-lamp", "", 1_000),
        ],
    )
    await import_policies(db, [PolicyRow("acme", "salon", Policy(strategy="pool"))])
    await fill_pools(db, [PoolRow(1, "acme", "salon", "star-lamp", "", 500)])
    return await take_lanes(db, [0, 1], [TOPIC, TICKS], "test")


async def apply(pool: Pool, batch: Batch, lanes: dict[int, Lane]) -> Applied:
    return await apply_batch(pool, batch, lanes, expiry_batch_max=100)


OFFSETS = count(0, 1_000_000)  # no two batches have an offset in common


async def in_lane(
    number: int, pool: Pool, lanes: dict[int, Lane], *events: AnyEvent
) -> list[tuple[str, str | None]]:
    """Apply events as a worker does that has this lane only; give what was said, and why."""
    batch = batch_of(events, lane=number, start=next(OFFSETS))
    applied = await apply(pool, batch, {number: lanes[number]})
    lanes.update(applied.lanes)
    return [(outcome.type, outcome.reason) for outcome in applied.outcomes]


async def test_a_batch_is_saved_whole_with_its_offsets_and_its_journal(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    applied = await apply(pool, batch_of([admitted("ada"), completed("ada")]), lanes)

    assert [entry.type.rpartition(".")[2] for entry in applied.entries] == ["reserved", "converted"]
    assert [entry.sequence for entry in applied.entries] == [1, 2]
    assert applied.lanes[0].next_offsets[TOPIC] == 2
    rows = await db.fetch("SELECT on_hand, reserved, sold FROM stock_lines ORDER BY product_id")
    assert tuple(rows[0]) == (999_999, 0, 1)
    assert await db.fetchval("SELECT status FROM reservations") == "converted"
    stored = await take_lanes(db, [0], [TOPIC], "next")
    assert stored[0].next_offsets[TOPIC] == 2
    assert stored[0].outputs["outcomes"].sequence == 2


async def test_a_lane_under_another_epoch_lets_nothing_through(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    await take_lanes(db, [1], [TOPIC], "another")

    with pytest.raises(Superseded, match=r"\[1\]"):
        await apply(pool, batch_of([admitted("ada")], lane=0), lanes)

    assert await db.fetchval("SELECT count(*) FROM reservations") == 0
    assert await db.fetchval("SELECT max(next_offset) FROM lane_inputs") == -1


async def test_taking_a_lane_waits_for_the_batch_in_flight_and_sees_what_it_did(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    shoppers = [admitted(f"shopper-{n}") for n in range(300)]

    running = asyncio.create_task(apply(pool, batch_of(shoppers), lanes))
    taken = await take_lanes(db, [0, 1], [TOPIC, TICKS], "another")
    done = (await asyncio.gather(running, return_exceptions=True))[0]

    committed = not isinstance(done, Superseded)
    assert taken[0].next_offsets[TOPIC] == (300 if committed else -1)
    assert await db.fetchval("SELECT count(*) FROM reservations") == (300 if committed else 0)


async def test_one_admission_in_two_lanes_at_once_is_held_once(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    """The same event under another key: the lanes collide, and one of them decides again."""

    async def in_lane(number: int) -> Applied:
        batch = batch_of([admitted("ada")], lane=number)
        mine = {number: lanes[number]}
        return await apply_with_retries(pool, batch, mine, expiry_batch_max=100)

    both = await asyncio.gather(in_lane(0), in_lane(1))

    results = sum((one.results for one in both), Counter())
    assert results == {(TOPIC, "applied"): 1, (TOPIC, "duplicate"): 1}
    assert await db.fetchval("SELECT sum(reserved) FROM stock_lines") == 1


async def test_a_tick_ahead_of_the_database_expires_nothing_early(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    applied = await apply(pool, batch_of([admitted("ada")]), lanes)

    far_ahead = ExpiryTick(at=NOW + timedelta(days=365))
    applied = await apply(pool, batch_of([far_ahead]), applied.lanes)

    assert applied.entries == []
    assert applied.lanes[0].last_tick < NOW + timedelta(hours=1)


async def test_due_holds_beyond_the_limit_are_left_for_the_next_batch(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    long_ago = [admitted(f"shopper-{n}", admitted_at=NOW - timedelta(hours=1)) for n in range(130)]
    applied = await apply(pool, batch_of(long_ago), lanes)

    tick = ExpiryTick(at=NOW)
    first = await apply(pool, batch_of([tick]), applied.lanes)
    sweep = batch_of([tick])
    sweep.ticks[0] = replace(sweep.ticks[0], cause=Cause(TICKS, 0, None))
    second = await apply(pool, sweep, first.lanes)

    assert (len(first.entries), first.lanes_with_more_due) == (100, {0})
    assert (len(second.entries), second.lanes_with_more_due) == (30, set())
    assert await db.fetchval("SELECT sum(reserved) FROM stock_lines") == 0


async def test_an_early_completion_is_kept_and_applied_when_its_admission_comes(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    early = await apply(pool, batch_of([completed("ada", order_id="order-1")]), lanes)
    assert early.results == {(TOPIC, "early"): 1}
    assert await db.fetchval("SELECT count(*) FROM early_facts") == 1

    applied = await apply(pool, batch_of([admitted("ada")], start=1), early.lanes)

    bodies = [json.loads(entry.value or b"") for entry in applied.entries]
    assert [body["type"] for body in bodies] == ["reserved", "converted"]
    assert bodies[1]["orderId"] == "order-1"
    assert await db.fetchval("SELECT count(*) FROM early_facts") == 0


async def test_an_early_fact_is_orphaned_after_its_time_to_live(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    early = await apply(pool, batch_of([completed("ada")]), lanes)
    age = "retry_at = retry_at - interval '3 days', expires_at = expires_at - interval '3 days'"
    await db.execute(f"UPDATE early_facts SET {age}")

    applied = await apply(pool, batch_of([ExpiryTick(at=NOW)]), early.lanes)

    assert [entry.type for entry in applied.entries] == ["fanfare.reservation.orphaned"]
    assert await db.fetchval("SELECT count(*) FROM early_facts") == 0


async def test_early_facts_beyond_the_limit_are_left_for_the_next_batch(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    shoppers = [f"shopper-{n}" for n in range(130)]
    early = await apply(pool, batch_of(map(completed, shoppers)), lanes)
    await db.execute("UPDATE early_facts SET retry_at = retry_at - interval '1 hour'")

    first = await apply(pool, batch_of([ExpiryTick(at=NOW)]), early.lanes)
    sweep = batch_of([ExpiryTick(at=NOW)])
    sweep.ticks[0] = replace(sweep.ticks[0], cause=Cause(TICKS, 0, None))
    second = await apply(pool, sweep, first.lanes)

    assert (first.lanes_with_more_due, second.lanes_with_more_due) == ({0}, set())
    assert await db.fetchval("SELECT count(*) FROM early_facts WHERE retry_at <= $1", NOW) == 0


# What is saved is what is loaded

KEY = AdmissionKey("acme", "a1")
WHO: dict[str, Any] = {"event_id": "e1", "organization_id": "acme", "consumer_id": "ada"}
KINDS: list[Fact] = [
    CartUpdated(**WHO, updated_at=NOW, items=(Item("lamp", "", 2), Item("lamp", "tall", 1))),
    CheckoutCompleted(**WHO, completed_at=NOW, order_id="order-1", items=(Item("lamp", "", 2),)),
    OrderCancelled(**WHO, cancelled_at=NOW, order_id="order-1"),
    ExtendRequested(**WHO, requested_at=NOW, seconds=60, admission_id="a1"),
    ReleaseRequested(**WHO, requested_at=NOW, token_digest="digest"),
    TransferRequested(**WHO, requested_at=NOW, to_consumer_id="bo"),
    AdmissionEnded(**WHO, ended_at=NOW, end="left", distribution_type="draw"),
]
TRACES = (None, Trace("00-1-2-01"), Trace("00-1-2-01", "shop=1"))
KNOWN = [
    KnownFact(fact, Cause(TOPIC, 1, n, 2, "e1"), trace=TRACES[n % 3], answer="extended")
    for n, fact in enumerate(KINDS)
]


def an_admission(admission_id: str = "a1", **rest: Any) -> Admission:
    first = Admission(
        key=AdmissionKey("acme", admission_id),
        lane=1,
        consumer_id="ada",
        experience_id="",
        distribution_id="",
        distribution_type="other",
        token_digest=None,
        admitted_at=NOW,
        expires_at=NOW + timedelta(minutes=11),
    )
    return replace(first, **rest)


def a_reservation(**rest: Any) -> Reservation:
    first = Reservation(
        id=UUID(int=1),
        lane=1,
        admission_key=KEY,
        experience_id="drop",
        product_id="lamp",
        variant_id="tall",
        quantity=2,
        strategy="soft",
        status="active",
        expires_at=NOW + timedelta(minutes=11),
        created_at=NOW,
    )
    return replace(first, **rest)


def unchanged(one: Any, other: Any) -> set[str]:
    """Name the fields that have kept their value, but those that are made of others."""
    names = set(one.__struct_fields__) - {"stock_key"}
    return {name for name in names if getattr(one, name) == getattr(other, name)}


async def test_an_admission_is_loaded_as_it_was_saved(db: Connection) -> None:
    new = an_admission()
    changed = an_admission(
        consumer_id="bo",
        experience_id="drop",
        distribution_id="queue",
        distribution_type="queue",
        token_digest="digest",
        admitted_at=NOW - timedelta(seconds=1),
        expires_at=NOW + timedelta(minutes=21),
        window_ends_at=NOW + timedelta(minutes=20),
        also_id="a2",
        guest_id="ada",
        facts=KNOWN,
        cart_mark="cart",
        sale_mark="sale",
        outcomes=3,
        policy=Policy(strategy="hard", late_seconds=60),
    )
    assert unchanged(new, changed) == {"key", "lane"}

    await saving.add_admissions(db, [new, replace(changed, key=AdmissionKey("acme", "a9"))])
    added = await loading.lock_admissions(db, shoppers=[], keys=[KEY, AdmissionKey("acme", "a9")])
    await saving.update_admissions(db, [changed])
    updated = await loading.lock_admissions(db, shoppers=[], keys=[KEY])

    assert added == [new, replace(changed, key=AdmissionKey("acme", "a9"))]
    assert updated == [changed]


async def test_a_reservation_is_loaded_as_it_was_saved(db: Connection) -> None:
    new = a_reservation()
    changed = a_reservation(
        quantity=3,
        strategy="hard",
        status="unfulfilled",
        expires_at=NOW + timedelta(minutes=21),
        ended_at=NOW + timedelta(minutes=1),
        reason="stock_withdrawn",
        order_id="order-1",
        late=True,
        missing=1,
        oversold=2,
        restocked=True,
        at_risk=4,
        warned=True,
        outcomes=4,
        experience_id="other",
    )
    stays = {"id", "lane", "admission_key", "product_id", "variant_id"}
    assert unchanged(new, changed) == stays | {"created_at"}

    other = replace(changed, id=UUID(int=2), variant_id="", status="returned")
    await saving.add_reservations(db, [new, other])
    added = await loading.lock_reservations(db, [KEY])
    await saving.update_reservations(db, [changed])
    updated = await loading.lock_reservations(db, [KEY])

    assert added == [new, other]
    assert updated == [changed, other]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: type(known.fact).__name__)
async def test_an_early_fact_is_loaded_as_it_was_saved(db: Connection, known: KnownFact) -> None:
    new = EarlyFact(UUID(int=1), 1, known, NOW, NOW + timedelta(hours=1))
    changed = EarlyFact(
        id=new.id,
        lane=new.lane,
        known=replace(known, answer="ambiguous", moved=True),
        retry_at=NOW + timedelta(minutes=1),
        expires_at=NOW + timedelta(hours=2),
    )
    assert unchanged(new, changed) == {"id", "lane"}

    await saving.add_facts(db, [new])
    added = await loading.lock_facts(db, [("acme", "ada")])
    due = await loading.due_facts(db, {1: NOW}, 10)
    await saving.update_facts(db, [changed])
    updated = await loading.lock_facts(db, [("acme", "ada")])
    await saving.end_facts(db, [new.id])

    assert added == due == [new]
    assert updated == [changed]
    assert await loading.lock_facts(db, [("acme", "ada")]) == []


async def test_counters_are_loaded_as_they_were_saved(
    db: Connection, lanes: dict[int, Lane]
) -> None:
    key = PoolKey("acme", "salon", "star-lamp", "")
    line = stock.StockLine(key.stock_key, True, 6, 5, 4, 3, short=2)
    pool = stock.Pool(key, 3, 2, filled=1)
    was = await loading.lock_stock(db, [line.key]), await loading.lock_pools(db, [key])
    assert (unchanged(was[0][0], line), unchanged(was[1][0], pool)) == ({"key", "tracked"}, {"key"})

    await saving.move_stock(db, StockAsked().moves({line.key: was[0][0]}, {line.key: line}))
    await saving.update_pools(db, [pool])

    assert await loading.lock_stock(db, [line.key]) == [line]
    assert await loading.read_stock(db, [line.key]) == [line]
    assert await loading.lock_pools(db, [key]) == [pool]


# Whose admissions are loaded


@pytest.mark.parametrize(
    "named",
    [
        {"consumers": [("acme", "ada")]},
        {"consumers": [("acme", "guest")]},
        {"admissions": [AdmissionKey("acme", "known-as")]},
        {"admissions": [AdmissionKey("acme", "also-known-as")]},
        {"tokens": [("acme", "digest")]},
    ],
    ids=["owner", "guest", "id", "other id", "token"],
)
async def test_whoever_names_an_admission_finds_all_that_its_shoppers_have(
    db: Connection, named: dict[str, Any]
) -> None:
    """Ada was a guest once, and twice; all three are one shopper."""
    ada = an_admission("known-as", also_id="also-known-as", guest_id="guest", token_digest="digest")
    others = [
        an_admission("of-ada"),
        an_admission("of-guest", consumer_id="guest"),
        an_admission("of-both", guest_id="second-guest"),
        an_admission("of-second-guest", consumer_id="second-guest"),
    ]
    strangers = [
        an_admission("of-bo", consumer_id="bo", guest_id="bos-guest"),
        replace(ada, key=AdmissionKey("globex", "known-as")),
    ]
    await saving.add_admissions(db, [ada, *others, *strangers])

    asked: dict[str, Any] = {"consumers": [], "admissions": [], "tokens": []}
    shoppers = await loading.lock_shoppers(db, **asked | named)
    found = await loading.lock_admissions(db, shoppers=shoppers, keys=[])

    assert shoppers == {("acme", name) for name in ("ada", "guest", "second-guest")}
    assert found == sorted([ada, *others], key=lambda one: one.key)


async def test_a_fact_that_names_another_ones_admission_is_applied_to_it(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    """Under a wrong key and a wrong consumer: the name counts, and so does all that Ada has."""
    await limit_open_holds(db, 1)
    await in_lane(0, pool, lanes, admitted("ada", admission_id="a1"))
    second = admitted("ada", admission_id="a2", token_digest="second", distribution_id="draw")
    await in_lane(0, pool, lanes, second)

    said = await in_lane(
        1, pool, lanes, cart("somebody", Item("lamp", "", 1), admission_id="a2", distribution_id="")
    )

    assert said == [("rejected", "limit_open_holds")]


async def test_an_account_that_a_guest_became_pays_in_its_own_lane(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    await in_lane(0, pool, lanes, admitted("guest"))
    await in_lane(0, pool, lanes, linked("guest", to="ada"))

    said = await in_lane(1, pool, lanes, completed("ada", order_id="order-1"))

    assert said == [("converted", None)]
    assert await db.fetchval("SELECT status FROM reservations") == "converted"


async def test_what_an_account_has_is_loaded_for_a_transfer_that_came_first(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    """The guest's admission names nobody but the guest; the fact that waits names the account."""
    await limit_open_holds(db, 1)
    await in_lane(1, pool, lanes, admitted("ada"))
    await in_lane(0, pool, lanes, linked("guest", to="ada"))

    said = await in_lane(0, pool, lanes, admitted("guest"))

    assert said == [("reserved", None), ("refused", "limit_open_holds")]
    assert await db.fetchval("SELECT count(*) FROM admissions WHERE consumer_id = 'ada'") == 1


async def test_a_hold_that_another_lane_has_ended_stays_ended(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    """Whether a window is over is told by the ticks of the admission's own lane."""
    long_ago = admitted("ada", admitted_at=NOW - timedelta(hours=1))
    await in_lane(0, pool, lanes, long_ago)
    assert await in_lane(0, pool, lanes, ExpiryTick(at=NOW)) == [("expired", "hold_elapsed")]

    said = await in_lane(1, pool, lanes, longer("ada", token_digest="digest-ada"))

    assert said == [("refused", "hold_over")]
    assert await db.fetchval("SELECT status FROM reservations") == "expired"


async def test_what_was_done_is_not_done_again_after_it_was_saved(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    """The marks are told from loaded facts as from fresh ones: a refused line is asked once."""
    refused = await in_lane(0, pool, lanes, admitted("ada", Item("unknown", "", 1)))
    assert refused == [("rejected", "unknown_stock_line")]
    await import_stock(db, [StockRow(1, "acme", "unknown", "", 1)])

    said = await in_lane(0, pool, lanes, longer("ada"))

    assert said == [("extended", None)]


# One consumer in two lanes


async def limit_open_holds(db: Connection, holds: int) -> None:
    await import_policies(db, [PolicyRow("acme", "drop", Policy(open_holds_max=holds))])


async def advisory_locks(db: Connection) -> int:
    found: int = await db.fetchval(
        """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
         WHERE locktype = 'advisory' AND datname = current_database()
        """
    )
    return found


async def until_both_wait(db: Connection) -> None:
    """Wait until two transactions wait for locks: only asking can tell."""
    async with asyncio.timeout(30):
        while (
            await db.fetchval(
                """
                SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            )
            < 2
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("limit", "held"), [(1, 1), (2, 2)])
async def test_two_lanes_at_once_do_not_pass_a_limit_together(
    pool: Pool, db: Connection, lanes: dict[int, Lane], limit: int, held: int
) -> None:
    """Both have begun before either can hold: without a lock on Ada each would see no hold."""
    await limit_open_holds(db, limit)

    def one_of_two(number: int) -> Admitted:
        return admitted("ada", token_digest=f"digest-{number}", distribution_id=f"door-{number}")

    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM stock_lines FOR UPDATE")
        racers = [
            asyncio.create_task(in_lane(number, pool, lanes, one_of_two(number)))
            for number in (0, 1)
        ]
        await until_both_wait(db)
    said = [outcome for racer in racers for outcome in await racer]

    expected = [("rejected", "limit_open_holds")] * (2 - held) + [("reserved", None)] * held
    assert sorted(said, key=str) == sorted(expected, key=str)
    assert await db.fetchval("SELECT sum(reserved) FROM stock_lines") == held


async def test_consumers_are_locked_only_where_a_limit_counts_what_they_have(
    db: Connection,
) -> None:
    many = [("acme", f"shopper-{n}") for n in range(5_000)]
    await import_policies(db, [PolicyRow("globex", "drop", Policy(units_per_sku_max=1))])
    async with db.transaction():
        await loading.lock_shoppers(db, consumers=many, admissions=[], tokens=[])
        without = await advisory_locks(db)

    await limit_open_holds(db, 1)
    async with db.transaction():
        await loading.lock_shoppers(db, consumers=many[:1], admissions=[], tokens=[])
        one = await advisory_locks(db)
        await loading.lock_shoppers(db, consumers=many, admissions=[], tokens=[])
        all_of_them = await advisory_locks(db)

    assert (without, one) == (0, 1)
    assert all_of_them <= 1024  # the server's table of locks has an end
    assert await advisory_locks(db) == 0


# Units that an operator has taken away


async def take_away(db: Connection, *shoppers: str) -> None:
    await db.execute(
        """
        WITH taken AS (
            UPDATE reservations SET at_risk = 1
             WHERE admission_id IN (SELECT admission_id FROM admissions
                                     WHERE consumer_id = ANY($1))
            RETURNING product_id
        )
        UPDATE stock_lines AS line SET short = (SELECT count(*) FROM taken)
         WHERE product_id IN (SELECT product_id FROM taken)
        """,
        shoppers,
    )


async def test_a_tick_warns_once_of_units_that_are_at_risk(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    await in_lane(0, pool, lanes, admitted("ada"), admitted("bo"))
    await in_lane(1, pool, lanes, admitted("cy"))
    await take_away(db, "ada", "cy")

    first = await in_lane(0, pool, lanes, ExpiryTick(at=NOW))
    again = await in_lane(0, pool, lanes, ExpiryTick(at=NOW + timedelta(seconds=1)))
    other = await in_lane(1, pool, lanes, ExpiryTick(at=NOW))

    assert (first, again, other) == (
        [("at_risk", "stock_withdrawn")],
        [],
        [("at_risk", "stock_withdrawn")],
    )
    assert await db.fetchval("SELECT count(*) FROM reservations WHERE warned") == 2


async def test_warnings_beyond_the_limit_are_left_for_the_next_batch(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    shoppers = [f"shopper-{n}" for n in range(130)]
    applied = await apply(pool, batch_of(map(admitted, shoppers)), lanes)
    await take_away(db, *shoppers)

    first = await apply(pool, batch_of([ExpiryTick(at=NOW)]), applied.lanes)
    sweep = batch_of([ExpiryTick(at=NOW)])
    sweep.ticks[0] = replace(sweep.ticks[0], cause=Cause(TICKS, 0, None))
    second = await apply(pool, sweep, first.lanes)

    assert (len(first.entries), first.lanes_with_more_due) == (100, {0})
    assert (len(second.entries), second.lanes_with_more_due) == (30, set())


async def test_adjustments_beyond_the_limit_are_left_for_the_next_batch(
    pool: Pool, db: Connection, lanes: dict[int, Lane]
) -> None:
    change, line = CounterChange(counter="sold", before=0, after=1), StockKey("acme", "lamp", "")
    for _ in range(130):
        await add_adjustment(db, line, [change], explanation="by hand", by="ada")
    await db.execute("UPDATE adjustments SET lane = 0")

    first = await apply(pool, batch_of([ExpiryTick(at=NOW)]), lanes)
    sweep = batch_of([ExpiryTick(at=NOW)])
    sweep.ticks[0] = replace(sweep.ticks[0], cause=Cause(TICKS, 0, None))
    second = await apply(pool, sweep, first.lanes)

    assert (len(first.entries), first.lanes_with_more_due) == (100, {0})
    assert (len(second.entries), second.lanes_with_more_due) == (30, set())


# Statements and plans


def everything(size: int, tag: str) -> Batch:
    """A batch that reads and writes every table, `size` times as much of everything."""
    events: list[AnyEvent] = []
    for n in range(size):
        one = f"{tag}-{n}"
        events += [
            admitted(f"paid-{one}"),
            admitted(f"left-{one}", Item("lamp", "", 2), Item("unknown", "", 1)),
            admitted(f"pool-{one}", Item("star-lamp", "", 1), experience="salon"),
            admitted(f"due-{one}", admitted_at=NOW - timedelta(hours=2)),
            admitted(f"guest-{one}"),
            linked(f"guest-{one}", to=f"account-{one}"),
            cart(f"paid-{one}", Item("lamp", "", 3)),
            completed(f"paid-{one}"),
            completed(f"early-{one}"),
            left(f"left-{one}"),
        ]
    batch = batch_of(events, start=next(OFFSETS))
    batch.dead_letters = [
        DeadLetter(0, TOPIC, 0, 10_000 + n, b"key", b"?", (), NOW, "not JSON") for n in range(size)
    ]
    return batch


def later(size: int, tag: str, seconds: int) -> Batch:
    """What changes rows that are there already: late facts, ends, a tick with holds due."""
    events: list[AnyEvent] = []
    for n in range(size):
        one = f"{tag}-{n}"
        events += [completed(f"pool-{one}"), admitted(f"early-{one}"), left(f"left-{one}")]
        events += [longer(f"account-{one}"), cart(f"guest-{one}", Item("star-lamp", "", 1))]
    events.append(ExpiryTick(at=NOW - timedelta(hours=1) + timedelta(seconds=seconds)))
    return batch_of(events, start=next(OFFSETS))


async def statements_of(pool: Pool, batch: Batch, lanes: dict[int, Lane]) -> tuple[int, Applied]:
    """Count the statements, with BEGIN and COMMIT; COPY, at most one a table, is not counted."""
    async with pool.acquire() as connection:
        protocol = connection._con._protocol  # type: ignore[attr-defined]
        before = protocol.queries_count
        applied = await apply_batch(_Only(connection), batch, lanes, expiry_batch_max=5_000)  # type: ignore[arg-type]
        return protocol.queries_count - before, applied


class _Only:
    """A pool of the one connection that is looked at."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def acquire(self) -> "_Only":
        return self

    async def __aenter__(self) -> Any:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return None


async def test_the_number_of_statements_does_not_depend_on_the_number_of_events(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    _, warm = await statements_of(pool, everything(1, "warm"), lanes)
    _, warm = await statements_of(pool, later(1, "warm", 1), warm.lanes)

    few, applied = await statements_of(pool, everything(2, "few"), warm.lanes)
    few_later, applied = await statements_of(pool, later(2, "few", 2), applied.lanes)
    many, applied = await statements_of(pool, everything(100, "many"), applied.lanes)
    many_later, applied = await statements_of(pool, later(100, "many", 3), applied.lanes)

    assert (many, many_later) == (few, few_later)
    # BEGIN, fence, shoppers, admissions, facts, policies, stock, pools; stock, pools, lanes, COMMIT
    assert few == 12
    # ... and holds due, facts due, adjustments due, reservations; admissions, reservations, facts
    # that have ended
    assert few_later == 19
    assert len(applied.entries) >= 300


async def test_an_idle_tick_asks_what_is_due_and_no_more(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    tick = batch_of([ExpiryTick(at=NOW)])
    _, warm = await statements_of(pool, tick, lanes)

    statements, _ = await statements_of(pool, tick, warm.lanes)

    # BEGIN, the fence, due holds and warnings, due facts, due adjustments, the lanes, COMMIT
    assert statements == 7


# Every index that a batch may read by. A sequential scan, or an index that serves another
# statement, is a plan that gets slow when the table grows.
INDEXES = {
    "lanes": {"lanes_pkey"},
    "lane_inputs": {"lane_inputs_pkey"},
    "lane_outputs": {"lane_outputs_pkey"},
    "policies": {"policies_pkey", "policies_with_limits"},
    "stock_lines": {"stock_lines_pkey"},
    "pools": {"pools_pkey"},
    "admissions": {
        "admissions_pkey",
        "admissions_by_also_id",
        "admissions_by_consumer",
        "admissions_by_guest",
        "admissions_by_token",
    },
    "reservations": {
        "reservations_pkey",
        "reservations_by_admission",
        "reservations_due",
        "reservations_to_warn",
    },
    "early_facts": {"early_facts_pkey", "early_facts_by_consumer", "early_facts_due"},
    "adjustments": {"adjustments_pkey", "adjustments_to_tell"},
}


async def test_plans_use_their_indexes_on_fresh_tables(pool: Pool, lanes: dict[int, Lane]) -> None:
    fresh, _ = await plans_of(pool, "fresh", 1, lanes)

    assert_indexed(fresh)


async def plans_of(
    pool: Pool, tag: str, tick: int, lanes: dict[int, Lane]
) -> tuple[list[dict[str, Any]], Applied]:
    """Apply batches that touch everything, and explain each statement as it was run."""
    seen: dict[str, LoggedQuery] = {}
    async with pool.acquire() as connection:
        change = CounterChange(counter="sold", before=0, after=1)
        line = StockKey("acme", tag, "")
        await add_adjustment(connection, line, [change], explanation="by hand", by="ada")
        with connection.query_logger(partial(_note, seen)):
            only: Any = _Only(connection)
            applied = await apply_batch(only, everything(2, tag), lanes, expiry_batch_max=100)
            applied = await apply_batch(
                only, later(2, tag, tick), applied.lanes, expiry_batch_max=100
            )
        plans = []
        for query, logged in seen.items():
            # asyncpg asks the catalogue for types, once a connection.
            if not query.strip().startswith(("BEGIN", "COMMIT")) and "pg_catalog" not in query:
                explain = f"EXPLAIN (FORMAT JSON) {query}"
                plans.append(json.loads(await connection.fetchval(explain, *logged.args)))
        return [plan[0]["Plan"] for plan in plans], applied


def _note(seen: dict[str, LoggedQuery], logged: LoggedQuery) -> None:
    seen.setdefault(logged.query, logged)


def assert_indexed(plans: list[dict[str, Any]]) -> None:
    scans = [node for plan in plans for node in _nodes(plan)]
    read = {node["Relation Name"] for node in scans if "Relation Name" in node}
    assert set(INDEXES) <= read
    for node in scans:
        if "Scan" in node["Node Type"] and "Relation Name" in node:
            assert _index_of(node) in INDEXES[node["Relation Name"]], node
            assert "Filter" not in node or _is_guard(node), node


def _is_guard(node: dict[str, Any]) -> bool:
    """Tell whether a filter is asked of the one row that was found; else it is a search."""
    if node["Relation Name"] == "stock_lines":
        return all(f"({name} = " in node["Index Cond"] for name in stock.StockKey._fields)
    return str(node["Relation Name"]).startswith("lane")


def _index_of(node: dict[str, Any]) -> str | None:
    """Give the index of a scan; a bitmap of rows is made by a node below it."""
    index: str | None = node.get("Index Name")
    below = node.get("Plans", []) if node["Node Type"] == "Bitmap Heap Scan" else []
    return index or next((one.get("Index Name") for one in below), None)


def _nodes(plan: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
