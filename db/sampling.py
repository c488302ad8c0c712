"""What a worker samples while it works: few rows by index, or one pass over the stock lines.

Nothing here waits for a lock of a row, and nobody waits for it.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from db.columns import columns
from db.connect import Connection, prefer_whole_tables
from schemas.stock import PoolKey, StockKey
from schemas.vocabulary import Stream


class LaneSample(NamedTuple):
    """For how long the oldest of a lane waits; 0: none does."""

    lane: int
    overdue_seconds: float  # an active hold whose end is past
    unpublished_seconds: float  # an entry of the journal that is not published


class StockSample(NamedTuple):
    """Units of all stock lines and pools."""

    available: int
    pooled: int
    sold: int
    soft: int
    hard: int
    pool: int
    short: int
    oversold: int


class LineSample(NamedTuple):
    """Units of one stock line, by where they are; held and sold are of all strategies."""

    key: StockKey
    available: int
    pooled: int
    held: int
    sold: int


async def ask(connection: Connection) -> None:
    """Ask for nothing: to see whether the server answers."""
    await connection.execute("SELECT")


async def sample_lanes(
    connection: Connection, published: Mapping[int, Mapping[Stream, int]]
) -> list[LaneSample]:
    """Look at lanes, given how far each of their streams is published."""
    marks = [
        (lane, stream, sequence)
        for lane, streams in published.items()
        for stream, sequence in streams.items()
    ]
    rows = await connection.fetch(
        """
        SELECT lane,
               extract(epoch FROM now() - (
                   SELECT expires_at FROM reservations AS hold
                    WHERE hold.lane = mine.lane AND status = 'active'
                    ORDER BY expires_at LIMIT 1))::float8,
               (SELECT max(extract(epoch FROM now() - written_at))::float8
                  FROM unnest($2::int[], $3::text[], $4::bigint[]) AS mark (lane, stream, sequence)
                 CROSS JOIN LATERAL (
                       SELECT written_at FROM journal AS entry
                        WHERE entry.lane = mark.lane AND entry.stream = mark.stream
                          AND entry.sequence > mark.sequence
                        ORDER BY entry.sequence LIMIT 1) AS next
                 WHERE mark.lane = mine.lane)
          FROM unnest($1::int[]) AS mine (lane)
        """,
        list(published),
        *columns(marks, 3),
    )
    return [LaneSample(lane, *(max(0.0, age or 0.0) for age in ages)) for lane, *ages in rows]


async def sample_stock(connection: Connection) -> StockSample:
    """Sum up all stock lines and pools, by one pass over each."""
    async with connection.transaction(readonly=True):
        await prefer_whole_tables(connection)
        row = await connection.fetchrow(
            """
            SELECT coalesce(sum(on_hand - reserved) FILTER (WHERE tracked), 0)::bigint,
                   pools.available, coalesce(sum(sold), 0)::bigint,
                   coalesce(sum(reserved), 0)::bigint, coalesce(sum(line.allocated), 0)::bigint,
                   pools.allocated, coalesce(sum(short), 0)::bigint,
                   pools.oversold + coalesce(sum(
                       CASE WHEN tracked THEN greatest(0, reserved - on_hand) ELSE 0 END
                       - least(0, on_hand) - least(0, reserved) - least(0, line.allocated)
                       - least(0, sold)), 0)::bigint
              FROM stock_lines AS line
             CROSS JOIN (
                   SELECT coalesce(sum(available), 0)::bigint AS available,
                          coalesce(sum(allocated), 0)::bigint AS allocated,
                          coalesce(-sum(least(0, available) + least(0, allocated)), 0)::bigint
                              AS oversold
                     FROM pools) AS pools
             GROUP BY pools.available, pools.allocated, pools.oversold
            """
        )
    return StockSample(*row) if row else StockSample(*[0] * len(StockSample._fields))


async def sample_top_lines(connection: Connection, limit: int) -> list[LineSample]:
    """Give the tracked lines with the most units held and sold, pools included."""
    async with connection.transaction(readonly=True):
        await prefer_whole_tables(connection)
        rows = await connection.fetch(
            """
            WITH pooled AS (
                SELECT organization_id, product_id, variant_id,
                       sum(available)::bigint AS available, sum(allocated)::bigint AS allocated
                  FROM pools
                 GROUP BY organization_id, product_id, variant_id
            ), lines AS (
                SELECT organization_id, product_id, variant_id, on_hand - reserved AS available,
                       coalesce(pooled.available, 0) AS pooled,
                       reserved + line.allocated + coalesce(pooled.allocated, 0) AS held, sold
                  FROM stock_lines AS line
                  LEFT JOIN pooled USING (organization_id, product_id, variant_id)
                 WHERE tracked
            )
            SELECT * FROM lines
             ORDER BY held + sold DESC, available + pooled DESC,
                      organization_id, product_id, variant_id
             LIMIT $1
            """,
            limit,
        )
    return [LineSample(StockKey(*row[:3]), *row[3:]) for row in map(tuple, rows)]


async def sample_free_units(
    connection: Connection, stock: Collection[StockKey], pools: Collection[PoolKey]
) -> dict[StockKey | PoolKey, int]:
    """Give the units that are free in these lines and in these pools."""
    lines = await connection.fetch(
        """
        SELECT organization_id, product_id, variant_id, on_hand - reserved
          FROM unnest($1::text[], $2::text[], $3::text[])
            AS asked (organization_id, product_id, variant_id)
          JOIN stock_lines USING (organization_id, product_id, variant_id)
         WHERE tracked
        """,
        *columns(stock, 3),
    )
    set_aside = await connection.fetch(
        """
        SELECT organization_id, experience_id, product_id, variant_id, available
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
            AS asked (organization_id, experience_id, product_id, variant_id)
          JOIN pools USING (organization_id, experience_id, product_id, variant_id)
        """,
        *columns(pools, 4),
    )
    found: dict[StockKey | PoolKey, int] = {StockKey(*row[:3]): row[3] for row in lines}
    return found | {PoolKey(*row[:4]): row[4] for row in set_aside}
