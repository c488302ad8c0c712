"""The counters of stock lines and pools into rows, which the transaction has locked."""

from collections.abc import Collection

from db.columns import columns
from db.connect import Connection
from schemas.stock import Pool, StockLine


async def update_stock(connection: Connection, lines: Collection[StockLine]) -> None:
    """Write the counters of stock lines, which this transaction has locked.

    Raises CheckViolationError where a rule has oversold a line: the second wall, and a bug.
    """
    await connection.execute(
        """
        UPDATE stock_lines AS saved
           SET on_hand = new.on_hand, reserved = new.reserved,
               allocated = new.allocated, sold = new.sold, short = new.short
          FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                      $6::bigint[], $7::bigint[], $8::bigint[])
            AS new (organization_id, product_id, variant_id,
                    on_hand, reserved, allocated, sold, short)
         WHERE saved.organization_id = new.organization_id
           AND saved.product_id = new.product_id AND saved.variant_id = new.variant_id
        """,
        *columns([(*s.key, s.on_hand, s.reserved, s.allocated, s.sold, s.short) for s in lines], 8),
    )


async def update_pools(connection: Connection, pools: Collection[Pool]) -> None:
    """Write the counters of pools, which this transaction has locked."""
    await connection.execute(
        """
        UPDATE pools AS saved
           SET available = new.available, allocated = new.allocated, filled = new.filled
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[],
                      $6::bigint[], $7::bigint[])
            AS new (organization_id, experience_id, product_id, variant_id,
                    available, allocated, filled)
         WHERE saved.organization_id = new.organization_id
           AND saved.experience_id = new.experience_id
           AND saved.product_id = new.product_id AND saved.variant_id = new.variant_id
        """,
        *columns([(*p.key, p.available, p.allocated, p.filled) for p in pools], 7),
    )
