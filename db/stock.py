"""Stock lines as an operator sees them."""

from typing import NamedTuple

from db.connect import Connection


class StockShown(NamedTuple):
    """A stock line, in units. received = on_hand + allocated + pooled + sold - short."""

    organization_id: str
    product_id: str
    variant_id: str
    tracked: bool
    received: int
    on_hand: int
    reserved: int
    available: int
    allocated: int
    pooled: int
    sold: int
    short: int


async def show_stock(
    connection: Connection,
    *,
    organization_id: str | None = None,
    product_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[StockShown]:
    """Give the stock lines of all organizations and products, or of one, in key order."""
    found = await connection.fetch(
        """
        SELECT s.organization_id, s.product_id, s.variant_id, s.tracked, s.received, s.on_hand,
               s.reserved, s.on_hand - s.reserved AS available, s.allocated,
               (SELECT coalesce(sum(p.available + p.allocated), 0)::bigint
                  FROM pools p
                 WHERE p.organization_id = s.organization_id
                   AND p.product_id = s.product_id
                   AND p.variant_id = s.variant_id) AS pooled,
               s.sold, s.short
          FROM stock_lines s
         WHERE ($1::text IS NULL OR s.organization_id = $1)
           AND ($2::text IS NULL OR s.product_id = $2)
         ORDER BY s.organization_id, s.product_id, s.variant_id
         LIMIT $3 OFFSET $4
        """,
        organization_id,
        product_id,
        limit,
        offset,
    )
    return [StockShown(*row) for row in found]
