"""Drift as numbers, by stock line. `test_verify` looks for it after each kind of damage."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from asyncpg import Pool
from asyncpg.connection import LoggedQuery

from db.connect import Connection, prefer_whole_tables
from db.drift import list_drift, lost_stock_keys, next_stock_keys
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


async def test_lines_that_are_gone_are_given_where_reservations_count(
    db: Connection, sale: Sale
) -> None:
    assert await lost_stock_keys(db, 9) == []
    await db.execute("DELETE FROM pools")
    await db.execute("DELETE FROM stock_lines")
    await db.execute("UPDATE reservations SET status = 'expired' WHERE product_id = 'e-book'")
    await db.execute("INSERT INTO pruned_sales VALUES ('acme', 'sun-shade', '', 'drop', 'soft', 1)")

    assert await lost_stock_keys(db, 9) == [MOON, STAR, SUN, StockKey("acme", "sun-shade", "")]
    assert await lost_stock_keys(db, 2) == [MOON, STAR]


MANY = """
    INSERT INTO stock_lines (organization_id, product_id)
    SELECT 'acme', n FROM generate_series(1, 2000) AS n;

    INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id, product_id,
                              variant_id, quantity, strategy, status, expires_at, created_at)
    SELECT gen_random_uuid(), 0, 'acme', n, 'drop', n % 2000, '', 1, 'soft', 'active', now(), now()
      FROM generate_series(1, 6000) AS n;

    ANALYZE
"""
# As many stock lines as there can be, in as many pages as there are.
HUGE = "UPDATE pg_class SET reltuples = 1e8 WHERE relname = 'stock_lines'"


async def test_lines_that_are_gone_are_looked_for_in_one_pass(db: Connection, sale: Sale) -> None:
    """However many stock lines there are, and whatever is known of how many."""
    plans = [await plan_of_lost(db)]
    await db.execute(MANY)
    plans.append(await plan_of_lost(db))
    async with db.transaction():
        await db.execute(HUGE)
        plans.append(await plan_of_lost(db))

    for plan in plans:
        nodes = list(nodes_of(plan))
        scans = [node for node in nodes if "Relation Name" in node]
        assert {node["Relation Name"] for node in scans} == {
            *("reservations", "pruned_sales", "stock_lines")
        }
        assert {node["Actual Loops"] for node in scans if "Index Name" not in node} == {1}
        assert not any("Subplan Name" in node for node in nodes)


async def plan_of_lost(db: Connection) -> dict[str, Any]:
    """Run the statement that looks for them, as it is run, and give its plan."""
    seen: list[LoggedQuery] = []
    with db.query_logger(seen.append):
        await lost_stock_keys(db, 5000)
        await asyncio.sleep(0)  # it is told of a statement when the loop comes round
    (asked,) = (one for one in seen if "stock_lines" in one.query)
    async with db.transaction():
        await prefer_whole_tables(db)
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {asked.query}"
        plan: dict[str, Any] = json.loads(await db.fetchval(explain, *asked.args))[0]["Plan"]
    return plan


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes_of(below)


async def test_who_has_rows_locked_is_not_waited_for(
    db: Connection, pool: Pool, sale: Sale
) -> None:
    async with pool.acquire() as other, other.transaction():
        await other.execute("UPDATE stock_lines SET reserved = 0, received = 9")

        assert await list_drift(db) == []
