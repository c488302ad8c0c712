"""Pools as an operator sees them: shown, and drained when an experience is over."""

from typing import NamedTuple

from db.connect import Connection
from db.importing import wait_for_other_imports


class PoolShown(NamedTuple):
    """A pool, in units. filled = available + allocated + sold."""

    organization_id: str
    experience_id: str
    product_id: str
    variant_id: str
    filled: int
    available: int
    allocated: int
    sold: int


class Drained(NamedTuple):
    """Units that went from a pool back to its stock line."""

    product_id: str
    variant_id: str
    units: int


async def drain_pools(
    connection: Connection,
    *,
    organization_id: str,
    experience_id: str,
    product_id: str | None = None,
    variant_id: str | None = None,
) -> list[Drained]:
    """Give back what is available in the pools of one experience, or of one product of it.

    Held units stay where they are until their holds end: drain again then. None: all of them.
    """
    which = (organization_id, experience_id, product_id, variant_id)
    async with connection.transaction():
        await wait_for_other_imports(connection)
        await _lock_stock_lines(connection, *which)
        return await _drain(connection, *which)


async def _lock_stock_lines(connection: Connection, *which: str | None) -> None:
    """Lock the stock lines that units go back to, in key order and before any pool."""
    await connection.execute(
        """
        SELECT
          FROM pools p
          JOIN stock_lines s USING (organization_id, product_id, variant_id)
         WHERE p.organization_id = $1 AND p.experience_id = $2
           AND ($3::text IS NULL OR p.product_id = $3)
           AND ($4::text IS NULL OR p.variant_id = $4)
         ORDER BY s.organization_id, s.product_id, s.variant_id
           FOR NO KEY UPDATE OF s
        """,
        *which,
    )


async def _drain(connection: Connection, *which: str | None) -> list[Drained]:
    """Lock the pools in key order, empty them, and put on_hand what was in them."""
    moved = await connection.fetch(
        """
        WITH full_pools AS MATERIALIZED (
            SELECT organization_id, experience_id, product_id, variant_id, available
              FROM pools
             WHERE organization_id = $1 AND experience_id = $2
               AND ($3::text IS NULL OR product_id = $3)
               AND ($4::text IS NULL OR variant_id = $4)
               AND available > 0
             ORDER BY organization_id, experience_id, product_id, variant_id
               FOR NO KEY UPDATE
        ), emptied AS (
            UPDATE pools p
               SET filled = p.filled - f.available, available = p.available - f.available
              FROM full_pools f
             WHERE p.organization_id = f.organization_id
               AND p.experience_id = f.experience_id
               AND p.product_id = f.product_id
               AND p.variant_id = f.variant_id
        )
        UPDATE stock_lines s
           SET on_hand = s.on_hand + f.available
          FROM full_pools f
         WHERE s.organization_id = f.organization_id
           AND s.product_id = f.product_id
           AND s.variant_id = f.variant_id
        RETURNING s.product_id, s.variant_id, f.available
        """,
        *which,
    )
    return sorted(Drained(*row) for row in moved)


async def show_pools(
    connection: Connection,
    *,
    organization_id: str | None = None,
    experience_id: str | None = None,
    product_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[PoolShown]:
    """Give the pools of all organizations, experiences and products, or of one, in key order."""
    found = await connection.fetch(
        """
        SELECT organization_id, experience_id, product_id, variant_id,
               filled, available, allocated, filled - available - allocated AS sold
          FROM pools
         WHERE ($1::text IS NULL OR organization_id = $1)
           AND ($2::text IS NULL OR experience_id = $2)
           AND ($3::text IS NULL OR product_id = $3)
         ORDER BY organization_id, experience_id, product_id, variant_id
         LIMIT $4 OFFSET $5
        """,
        organization_id,
        experience_id,
        product_id,
        limit,
        offset,
    )
    return [PoolShown(*row) for row in found]
