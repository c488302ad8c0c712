"""The counters of stock lines and pools into rows."""

from collections.abc import Collection

from db.columns import text_columns
from db.connect import Connection
from schemas.stock import Pool, StockMove, StockMoved


async def move_stock(connection: Connection, moves: Collection[StockMove]) -> None:
    """Add what a batch decided to stock lines, in key order, where they bear it.

    Raises StockMoved where one of them does not: it was not locked when it was loaded, and another
    transaction has changed it since. A row that was waited for is looked at as it is by then.
    Source: Postgres' manual, "Read Committed Isolation Level".

    Raises CheckViolationError where a rule has oversold a line: the second wall, and a bug.
    """
    # The rows are locked as they are found, one after the other, by nested loops over these arrays.
    ordered = sorted(moves)
    status = await connection.execute(
        """
        UPDATE stock_lines AS saved
           SET on_hand = saved.on_hand + on_hand_by, reserved = saved.reserved + reserved_by,
               allocated = saved.allocated + allocated_by, sold = saved.sold + sold_by,
               short = saved.short + short_by
          FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::boolean[],
                      $5::text::bigint[], $6::text::bigint[], $7::text::bigint[],
                      $8::text::bigint[], $9::text::bigint[], $10::text::bigint[],
                      $11::text::bigint[], $12::text::bigint[])
            AS move (organization_id, product_id, variant_id, tracked, short, low, high,
                     on_hand_by, reserved_by, allocated_by, sold_by, short_by)
         WHERE saved.organization_id = move.organization_id
           AND saved.product_id = move.product_id AND saved.variant_id = move.variant_id
           AND saved.tracked = move.tracked AND saved.short = move.short
           AND saved.on_hand - saved.reserved BETWEEN move.low AND move.high
        """,
        *text_columns(ordered, 12),
    )
    missing = len(ordered) - int(status.removeprefix("UPDATE "))
    if missing:
        raise StockMoved(f"{missing} of {len(ordered)} stock lines were moved meanwhile")


async def update_pools(connection: Connection, pools: Collection[Pool]) -> None:
    """Write the counters of pools, which this transaction has locked."""
    await connection.execute(
        """
        UPDATE pools AS saved
           SET available = new.available, allocated = new.allocated, filled = new.filled
          FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[],
                      $5::text::bigint[], $6::text::bigint[], $7::text::bigint[])
            AS new (organization_id, experience_id, product_id, variant_id,
                    available, allocated, filled)
         WHERE saved.organization_id = new.organization_id
           AND saved.experience_id = new.experience_id
           AND saved.product_id = new.product_id AND saved.variant_id = new.variant_id
        """,
        *text_columns([(*p.key, p.available, p.allocated, p.filled) for p in pools], 7),
    )
