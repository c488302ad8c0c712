"""Drift: stock lines whose counters differ from their rows, as numbers.

What differs stays as it is while workers go on: a batch moves a counter and the rows that it is
made of by the same, in one transaction. So it can be read from one snapshot, without a lock.
"""

from collections.abc import Collection
from typing import Final

from asyncpg import Record

from db.columns import columns
from db.connect import ALL_TIME_SECONDS, Connection, prefer_whole_tables
from db.verify_counters import SOLD
from schemas.drift import LineCounts, PoolCounts
from schemas.stock import StockKey

# A million reservations take about a third of a second: this is for a sick server.
_READ_SECONDS: Final = 300

# Lines that differ in nothing are left out. One pass over the reservations, however many lines are
# asked for: an index on their lines would cost every admission more than all samples together.
_DRIFT: Final = f"""
    WITH held AS MATERIALIZED (
        SELECT organization_id, product_id, variant_id,
               CASE WHEN strategy = 'pool' THEN experience_id END AS experience_id,
               sum(quantity) FILTER (WHERE status = 'active' AND strategy = 'soft') AS reserved,
               sum(quantity) FILTER (WHERE status = 'active' AND strategy = 'hard') AS allocated,
               sum(quantity) FILTER (WHERE status = 'active' AND strategy = 'pool') AS pooled,
               sum(quantity) FILTER (WHERE {SOLD}) AS sold
          FROM counted_reservations
         WHERE (status = 'active' OR {SOLD})
           AND ($1::text[] IS NULL OR (organization_id, product_id, variant_id)
                IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[])))
         GROUP BY organization_id, product_id, variant_id,
                  CASE WHEN strategy = 'pool' THEN experience_id END
    ), pool_counts AS MATERIALIZED (
        SELECT organization_id, product_id, variant_id, experience_id, filled,
               coalesce(available, 0) AS available, coalesce(pool.allocated, 0) AS allocated,
               coalesce(pooled, 0)::bigint AS made_allocated, coalesce(sold, 0)::bigint AS made_sold
          FROM (SELECT * FROM pools
                 WHERE $1::text[] IS NULL OR (organization_id, product_id, variant_id)
                       IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))) AS pool
          FULL JOIN (SELECT * FROM held WHERE experience_id IS NOT NULL) AS made
                    USING (organization_id, product_id, variant_id, experience_id)
    ), line_counts AS (
        SELECT organization_id, product_id, variant_id, tracked,
               coalesce(received, 0) AS received, coalesce(on_hand, 0) AS on_hand,
               coalesce(line.reserved, 0) AS reserved, coalesce(line.allocated, 0) AS allocated,
               coalesce(line.sold, 0) AS sold, coalesce(short, 0) AS short,
               coalesce(made.reserved, 0)::bigint AS made_reserved,
               coalesce(made.allocated, 0)::bigint AS made_allocated,
               coalesce(made.sold, 0)::bigint AS made_sold,
               coalesce(pooled, 0)::bigint AS pooled
          FROM (SELECT * FROM stock_lines
                 WHERE $1::text[] IS NULL OR (organization_id, product_id, variant_id)
                       IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))) AS line
          FULL JOIN (SELECT organization_id, product_id, variant_id, sum(reserved) AS reserved,
                            sum(allocated) AS allocated, sum(sold) AS sold, sum(pooled) AS pooled
                       FROM held
                      GROUP BY organization_id, product_id, variant_id) AS made
                    USING (organization_id, product_id, variant_id)
    ), with_pools AS (
        SELECT line.*, pools, coalesce(pools_available, 0) AS pools_available,
               coalesce(is_pool_wrong, false) AS is_pool_wrong
          FROM line_counts AS line
          LEFT JOIN (SELECT organization_id, product_id, variant_id,
                            sum(available) AS pools_available,
                            bool_or(filled IS NULL OR allocated <> made_allocated
                                    OR filled <> available + made_allocated + made_sold)
                                AS is_pool_wrong,
                            array_agg(ROW(experience_id, filled, available, allocated,
                                          made_allocated, made_sold) ORDER BY experience_id)
                                AS pools
                       FROM pool_counts
                      GROUP BY organization_id, product_id, variant_id) AS pool
                    USING (organization_id, product_id, variant_id)
    )
    SELECT organization_id, product_id, variant_id, tracked, received, on_hand, reserved, allocated,
           sold, short, made_reserved, made_allocated, made_sold, pools
      FROM with_pools
     WHERE is_pool_wrong OR tracked IS NULL
        OR (reserved, allocated, sold) <> (made_reserved, made_allocated, made_sold)
        OR received <> on_hand + made_allocated + pools_available + pooled
                       + CASE WHEN tracked THEN made_sold - short ELSE 0 END
        OR short > CASE WHEN tracked THEN made_reserved + made_allocated + pooled + made_sold
                        ELSE 0 END
     ORDER BY organization_id, product_id, variant_id
"""

# One pass over the reservations as well. NOT IN would be a list of all stock lines, and where that
# is too long for the memory, each reservation would be compared with each line.
_LOST: Final = f"""
    SELECT organization_id, product_id, variant_id
      FROM (SELECT DISTINCT organization_id, product_id, variant_id
              FROM counted_reservations
             WHERE status = 'active' OR {SOLD}) AS counted
     WHERE NOT EXISTS (
           SELECT FROM stock_lines AS line
            WHERE line.organization_id = counted.organization_id
              AND line.product_id = counted.product_id
              AND line.variant_id = counted.variant_id)
     ORDER BY organization_id, product_id, variant_id
     LIMIT $1
"""


async def list_drift(
    connection: Connection, keys: Collection[StockKey] | None = None
) -> list[LineCounts]:
    """Give the lines of these keys, or of all, that have drifted, in key order.

    Waits for nobody, and nobody waits for it. It reads all reservations once, in any case. Within a
    transaction of the caller's, that one's limit of time counts.
    """
    is_own = not connection.is_in_transaction()
    async with connection.transaction():
        await prefer_whole_tables(connection)
        if is_own:
            await connection.execute(f"SET LOCAL statement_timeout = '{_READ_SECONDS}s'")
        rows = await connection.fetch(
            _DRIFT,
            *((None, None, None) if keys is None else columns(keys, 3)),
            timeout=_READ_SECONDS if is_own else ALL_TIME_SECONDS,
        )
    return [_counts(row) for row in rows]


async def lost_stock_keys(connection: Connection, limit: int) -> list[StockKey]:
    """Give the keys of stock lines that are gone, though reservations have units of them."""
    async with connection.transaction():
        await prefer_whole_tables(connection)
        await connection.execute(f"SET LOCAL statement_timeout = '{_READ_SECONDS}s'")
        rows = await connection.fetch(_LOST, limit, timeout=_READ_SECONDS)
    return [StockKey(*row) for row in rows]


async def next_stock_keys(
    connection: Connection, after: StockKey | None, limit: int
) -> list[StockKey]:
    """Give the keys of the stock lines after one, in their order; after None, from the first."""
    rows = await connection.fetch(
        """
        SELECT organization_id, product_id, variant_id
          FROM stock_lines
         WHERE (organization_id, product_id, variant_id) > ($1::text, $2::text, $3::text)
         ORDER BY organization_id, product_id, variant_id
         LIMIT $4
        """,
        *(after or ("", "", "")),
        limit,
    )
    return [StockKey(*row) for row in rows]


def _counts(row: Record) -> LineCounts:
    organization_id, product_id, variant_id, *counters, pools = row
    key = StockKey(organization_id, product_id, variant_id)
    return LineCounts._make([key, *counters, tuple(PoolCounts(*pool) for pool in pools or ())])
