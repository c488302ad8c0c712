"""Stock lines and pools, locked in key order; stock lines may be read without that."""

from collections.abc import Collection, Iterable
from typing import Final

from asyncpg import Record

from db.columns import text_columns
from db.connect import Connection
from schemas.stock import Pool, PoolKey, StockKey, StockLine

_STOCK: Final = """
    SELECT stock.organization_id, stock.product_id, stock.variant_id,
           tracked, on_hand, reserved, allocated, sold, short
      FROM unnest($1::text::text[], $2::text::text[], $3::text::text[])
        AS key (organization_id, product_id, variant_id)
      JOIN stock_lines AS stock USING (organization_id, product_id, variant_id)
"""
_LOCKED_STOCK: Final = f"""
    {_STOCK}
     ORDER BY stock.organization_id, stock.product_id, stock.variant_id
       FOR NO KEY UPDATE OF stock
"""


async def read_stock(connection: Connection, keys: Collection[StockKey]) -> list[StockLine]:
    """Give stock lines as they are; another transaction may move them."""
    return _lines(await connection.fetch(_STOCK, *text_columns(keys, 3)))


async def lock_stock(connection: Connection, keys: Collection[StockKey]) -> list[StockLine]:
    """Lock stock lines, in key order."""
    return _lines(await connection.fetch(_LOCKED_STOCK, *text_columns(keys, 3)))


async def lock_pools(connection: Connection, keys: Collection[PoolKey]) -> list[Pool]:
    """Lock pools, in key order."""
    rows = await connection.fetch(
        """
        SELECT pool.organization_id, pool.experience_id, pool.product_id, pool.variant_id,
               available, allocated, filled
          FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[])
            AS key (organization_id, experience_id, product_id, variant_id)
          JOIN pools AS pool USING (organization_id, experience_id, product_id, variant_id)
         ORDER BY pool.organization_id, pool.experience_id, pool.product_id, pool.variant_id
           FOR NO KEY UPDATE OF pool
        """,
        *text_columns(keys, 4),
    )
    return [Pool(PoolKey(*row[:4]), *row[4:]) for row in map(tuple, rows)]


def _lines(rows: Iterable[Record]) -> list[StockLine]:
    return [StockLine(StockKey(*row[:3]), *row[3:]) for row in map(tuple, rows)]
