"""Samples on a real Postgres: what they count, and that they wait for nobody."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from asyncpg import Pool
from asyncpg.connection import LoggedQuery

from db.connect import Connection, connect
from db.journal_gaps import Stretch, look_for_gaps
from db.sampling import (
    LineSample,
    StockSample,
    sample_free_units,
    sample_lanes,
    sample_stock,
    sample_top_lines,
)
from db.verify import verify_database
from schemas.stock import PoolKey, StockKey
from tests.integration.sale import Sale, hold_sale
from tests.integration.shop import LAMP, Shop, open_shop

LINE = StockKey("acme", LAMP, "")


@pytest.fixture
async def shop(pool: Pool, db: Connection) -> Shop:
    """A shop with ten lamps, four of them in a pool, of which five are held and one is sold."""
    shop = await open_shop(pool, db, 10, salon=4)
    await shop.hold("ada", 2)
    await shop.hold("bo", 1, to="hard")
    await shop.hold("cy", 2, to="salon")
    await shop.hold("di", 1)
    await shop.pay("di")
    return shop


@pytest.fixture
async def sale(pool: Pool, db: Connection) -> Sale:
    return await hold_sale(pool)


@pytest.fixture
async def sampling(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url, application_name="reservations sampler test")
    yield connection
    await connection.close()


async def test_units_are_counted_by_where_they_are(sampling: Connection, shop: Shop) -> None:
    found = await sample_stock(sampling)

    assert found == StockSample(
        available=2, pooled=2, sold=1, soft=2, hard=1, pool=2, short=0, oversold=0
    )
    assert await sample_top_lines(sampling, 5) == [LineSample(LINE, 2, 2, 5, 1)]
    assert await sample_top_lines(sampling, 0) == []
    asked = ([LINE, StockKey("acme", "gone", "")], [PoolKey("acme", "salon", LAMP, "")])
    assert await sample_free_units(sampling, *asked) == {LINE: 2, asked[1][0]: 2}


async def test_a_shop_without_stock_has_no_units(sampling: Connection, db: Connection) -> None:
    assert await sample_stock(sampling) == StockSample(0, 0, 0, 0, 0, 0, 0, 0)


async def test_what_is_short_and_what_is_oversold_are_two_matters(
    sampling: Connection, db: Connection, shop: Shop
) -> None:
    await shop.take_away(3)
    short = await sample_stock(sampling)

    transaction = db.transaction()
    await transaction.start()
    await db.execute("ALTER TABLE stock_lines DROP CONSTRAINT never_oversold")
    await db.execute("UPDATE stock_lines SET reserved = on_hand + 4, sold = 0")
    oversold = await sample_stock(db)
    await transaction.rollback()

    assert (short.short, short.oversold) == (3, 0)
    assert oversold.oversold == 4


async def test_a_lane_tells_how_long_the_oldest_has_waited(
    sampling: Connection, db: Connection, shop: Shop
) -> None:
    none = await sample_lanes(sampling, {0: {"outcomes": 6}, 1: {"outcomes": 0}})
    await db.execute(
        "UPDATE reservations SET expires_at = now() - interval '90 s' WHERE admission_id = 'ada'"
    )
    await db.execute("UPDATE reservations SET expires_at = now() + interval '1 h' WHERE status = $1"
                     " AND admission_id <> 'ada'", "active")  # fmt: skip
    await db.execute("UPDATE journal SET written_at = now() - sequence * interval '10 s'")
    (found,) = await sample_lanes(sampling, {0: {"outcomes": 2, "dead_letters": 0}})

    assert [one.unpublished_seconds for one in none] == [0, 0]
    assert found.overdue_seconds == pytest.approx(90, abs=5)
    assert found.unpublished_seconds == pytest.approx(30, abs=5)  # of the third, which is next


async def test_a_journal_without_a_gap_has_none(sampling: Connection, sale: Sale) -> None:
    ends = {end[:2]: end.sequence for end in (await verify_database(sampling)).ends}
    places = [(*at, 0) for at in ends]

    found = await look_for_gaps(sampling, places, 1000)

    assert sorted(found) == sorted(Stretch(*at, last, 0, True) for at, last in ends.items())


async def test_gaps_are_found_in_the_stretch_that_they_are_in(
    sampling: Connection, db: Connection, sale: Sale
) -> None:
    await db.execute("DELETE FROM journal WHERE lane = 0 AND stream = 'outcomes'"
                     " AND sequence IN (3, 4, 6)")  # fmt: skip

    async def stretch(after: int) -> tuple[int, int]:
        (found,) = await look_for_gaps(sampling, [(0, "outcomes", after)], 5)
        return found.until, found.missing

    assert [await stretch(0), await stretch(2), await stretch(5)] == [(5, 2), (7, 3), (10, 1)]


async def test_the_end_of_a_journal_that_is_cut_off_is_missing(
    sampling: Connection, db: Connection, sale: Sale
) -> None:
    last = await db.fetchval(
        "DELETE FROM journal WHERE lane = 0 AND stream = 'outcomes' AND sequence > 5"
        " RETURNING (SELECT max(sequence) FROM journal WHERE lane = 0 AND stream = 'outcomes')"
    )

    (found,) = await look_for_gaps(sampling, [(0, "outcomes", -3)], 1000)

    assert found == Stretch(0, "outcomes", last, 3, True)


async def test_a_front_that_was_pruned_is_no_gap(
    sampling: Connection, db: Connection, sale: Sale
) -> None:
    await db.execute(
        """
        WITH gone AS (DELETE FROM journal WHERE sequence <= 4 RETURNING lane, stream, sequence)
        INSERT INTO pruned_journal
        SELECT lane, stream, max(sequence) FROM gone GROUP BY lane, stream
        """
    )

    found = await look_for_gaps(sampling, [(0, "outcomes", 0), (0, "dead_letters", 0)], 1000)

    assert [one.missing for one in found] == [0, 0]


async def test_samples_of_lanes_read_by_index_on_fresh_and_on_large_tables(
    sampling: Connection, db: Connection, shop: Shop
) -> None:
    fresh = await plans_of(sampling)
    await db.execute(
        """
        INSERT INTO journal (lane, stream, sequence, id, type, occurred_at)
        SELECT n % 4, 'outcomes', 100 + n, gen_random_uuid(), 'reserved', now()
          FROM generate_series(1, 20000) AS n;

        INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id,
                                  product_id, variant_id, quantity, strategy, status, expires_at,
                                  created_at)
        SELECT gen_random_uuid(), n % 4, 'acme', n, 'drop', 'lamp', '', 1, 'soft', 'active',
               now() + interval '1 h', now()
          FROM generate_series(1, 20000) AS n;

        INSERT INTO stock_lines (organization_id, product_id)
        SELECT 'acme', n FROM generate_series(1, 5000) AS n;

        ANALYZE
        """
    )

    for plan in fresh, await plans_of(sampling):
        assert "Seq Scan" not in plan
        for index in ("reservations_due", "journal_pkey", "stock_lines_pkey", "pools_pkey"):
            assert index in plan


async def plans_of(connection: Connection) -> str:
    """Explain the statements of samples that are taken of lanes, and of refusals."""
    seen: list[LoggedQuery] = []
    with connection.query_logger(seen.append):
        await sample_lanes(connection, {0: {"outcomes": 0}, 1: {"outcomes": 0}})
        await look_for_gaps(connection, [(0, "outcomes", 0)], 1000)
        await sample_free_units(connection, [LINE], [PoolKey("acme", "salon", LAMP, "")])
        await asyncio.sleep(0)  # it is told of a statement when the loop comes round
    # asyncpg asks the catalogue for types, once a connection, and sets `jit` for that.
    ours = [one for one in seen if "pg_catalog" not in one.query and "$1" in one.query]
    asked = list({one.query: one for one in ours}.values())
    assert len(asked) == 4
    plans = [await connection.fetch(f"EXPLAIN {one.query}", *one.args) for one in asked]
    return "\n".join(row[0] for plan in plans for row in plan)


async def test_samples_wait_for_no_batch(sampling: Connection, db: Connection, shop: Shop) -> None:
    transaction = db.transaction()
    await transaction.start()
    await db.execute("SELECT FROM lanes FOR UPDATE")
    await db.execute("UPDATE stock_lines SET reserved = reserved")
    await sampling.execute("SET lock_timeout = '100ms'; SET statement_timeout = '5s'")

    try:
        assert (await sample_stock(sampling)).soft == 2
        assert len(await sample_lanes(sampling, {0: {"outcomes": 0}})) == 1
        assert await look_for_gaps(sampling, [(0, "outcomes", 0)], 10)
    except asyncpg.LockNotAvailableError:
        pytest.fail("a sample has waited for a row")
    finally:
        await transaction.rollback()
