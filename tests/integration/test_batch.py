"""The batch transaction on a real Postgres: its guards, its plans, its number of statements."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from asyncpg import Pool
from asyncpg.connection import LoggedQuery

from consumers.records import Batch
from consumers.transaction import Applied, apply_batch
from db.connect import Connection
from db.lanes import Lane, take_lanes
from db.policies import PolicyRow, import_policies
from db.pool_fill import PoolRow, fill_pools
from db.stock_import import StockRow, import_stock
from schemas.events import (
    AdmissionEnded,
    Admitted,
    AnyEvent,
    Arrival,
    Cause,
    CheckoutCompleted,
    ExpiryTick,
    Item,
)
from schemas.journal import DeadLetter, Superseded
from schemas.policy import Policy

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
    return Admitted.model_validate(fields | rest)


def completed(shopper: str, **rest: Any) -> CheckoutCompleted:
    fields = {
        "event_id": f"c-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "completed_at": NOW + timedelta(seconds=5),
    }
    return CheckoutCompleted.model_validate(fields | rest)


def left(shopper: str) -> AdmissionEnded:
    return AdmissionEnded(
        event_id=f"l-{shopper}",
        organization_id="acme",
        consumer_id=shopper,
        ended_at=NOW + timedelta(seconds=5),
        end="left",
    )


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
    from consumers.faults import CONFLICTS

    async def in_lane(number: int) -> Applied:
        mine = {number: lanes[number]}
        for _ in range(5):
            try:
                return await apply(pool, batch_of([admitted("ada")], lane=number), mine)
            except CONFLICTS:
                continue
        raise AssertionError("the conflict did not end")

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


OFFSETS = count(0, 1_000_000)  # no two batches have an offset in common


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
    events.append(ExpiryTick(at=NOW - timedelta(hours=1) + timedelta(seconds=seconds)))
    return batch_of(events, start=next(OFFSETS))


async def statements_of(pool: Pool, batch: Batch, lanes: dict[int, Lane]) -> tuple[int, Applied]:
    """Count round trips that carry a statement, COPY and BEGIN included."""
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
    assert max(many, many_later) <= 24
    assert len(applied.entries) >= 300


# Every index that a batch may read by. A sequential scan, or an index that serves another
# statement, is a plan that gets slow when the table grows.
INDEXES = {
    "lanes": {"lanes_pkey"},
    "lane_inputs": {"lane_inputs_pkey"},
    "lane_outputs": {"lane_outputs_pkey"},
    "policies": {"policies_pkey"},
    "stock_lines": {"stock_lines_pkey"},
    "pools": {"pools_pkey"},
    "admissions": {"admissions_pkey", "admissions_by_consumer", "admissions_by_token"},
    "reservations": {"reservations_pkey", "reservations_by_admission", "reservations_due"},
    "early_facts": {"early_facts_pkey", "early_facts_by_consumer", "early_facts_due"},
}


async def test_plans_use_their_indexes_on_fresh_and_on_large_tables(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    fresh, applied = await plans_of(pool, "fresh", 1, lanes)
    assert_indexed(fresh)

    applied = await apply(pool, everything(2_000, "large"), applied.lanes)
    async with pool.acquire() as connection:
        await connection.execute("ANALYZE")
    large, _ = await plans_of(pool, "after", 2, applied.lanes)
    assert_indexed(large)


async def plans_of(
    pool: Pool, tag: str, tick: int, lanes: dict[int, Lane]
) -> tuple[list[dict[str, Any]], Applied]:
    """Apply batches that touch everything, and explain each statement as it was run."""
    seen: dict[str, LoggedQuery] = {}
    async with pool.acquire() as connection:
        with connection.query_logger(partial(_note, seen)):
            only: Any = _Only(connection)
            applied = await apply_batch(only, everything(2, tag), lanes, expiry_batch_max=100)
            applied = await apply_batch(
                only, later(2, tag, tick), applied.lanes, expiry_batch_max=100
            )
        plans = []
        for query, logged in seen.items():
            # asyncpg asks the catalogue for types, once a connection.
            if not query.strip().startswith(("BEGIN", "COMMIT")) and "pg_" not in query:
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
            assert node.get("Index Name") in INDEXES[node["Relation Name"]], node
            # A filter on a found row is a guard in `lanes`; elsewhere it is a search.
            assert "Filter" not in node or node["Relation Name"].startswith("lane"), node


def _nodes(plan: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
