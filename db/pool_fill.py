"""Pools are filled from a file of totals, out of the stock lines beside them.

As with stock, a file says how many units are set aside altogether (`filled`), so the same file
twice moves nothing. What is added comes from `on_hand`, what is taken away goes back there.
"""

from collections.abc import Sequence
from typing import NamedTuple

from db.connect import Connection, prefer_whole_tables
from db.importing import (
    Imported,
    Progress,
    Refusal,
    line_ranges,
    reported,
    silent,
    wait_for_other_imports,
)
from db.pool_review import find_refusals, summarise


class PoolRow(NamedTuple):
    """A line of a pool file."""

    line: int
    organization_id: str
    experience_id: str
    product_id: str
    variant_id: str
    units: int  # set aside altogether


async def fill_pools(
    connection: Connection,
    rows: Sequence[PoolRow],
    *,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Imported | list[Refusal]:
    """Make ``filled`` of every pool what the file says, and move the difference.

    All or nothing: where one line is refused nothing is moved, and the refusals are returned.
    ``rows`` are in the order of the file, each key once. A dry run takes no lock.
    """
    async with connection.transaction():
        await prefer_whole_tables(connection)
        await _stage(connection, rows, progress)
        progress("checking", len(rows), 0)
        if not dry_run:
            await wait_for_other_imports(connection)
        await _drop_what_stays(connection)
        if not dry_run:
            await _lock_stock_lines(connection)
            await _lock_pools(connection)
        if refusals := await find_refusals(connection):
            return refusals
        imported = await summarise(connection, len(rows))
        if not dry_run:
            await _move_from_stock(connection)
            for first, last in line_ranges(rows, "writing", progress):
                await _write(connection, first, last)
    return imported


async def _stage(connection: Connection, rows: Sequence[PoolRow], progress: Progress) -> None:
    """Put the file beside the pools, where one statement can compare them."""
    await connection.execute(
        """
        CREATE TEMPORARY TABLE incoming_pools (
            line             integer PRIMARY KEY,
            organization_id  text   NOT NULL,
            experience_id    text   NOT NULL,
            product_id       text   NOT NULL,
            variant_id       text   NOT NULL,
            units            bigint NOT NULL
        ) ON COMMIT DROP
        """
    )
    await connection.copy_records_to_table(
        "incoming_pools", records=reported(rows, "loading", progress)
    )


async def _drop_what_stays(connection: Connection) -> None:
    """Drop the rows that say what is so already.

    A worker changes what they say only where units are short. What it does later comes later.
    """
    await connection.execute(
        """
        DELETE FROM incoming_pools i
         USING pools p
         WHERE (p.organization_id, p.experience_id, p.product_id, p.variant_id)
             = (i.organization_id, i.experience_id, i.product_id, i.variant_id)
           AND p.filled = i.units
        """
    )
    await connection.execute("ANALYZE incoming_pools")


async def _lock_stock_lines(connection: Connection) -> None:
    """Lock the stock lines that units move from or to, in key order as the workers do."""
    await connection.execute(
        """
        SELECT
          FROM (SELECT DISTINCT organization_id, product_id, variant_id FROM incoming_pools) i
          JOIN stock_lines s USING (organization_id, product_id, variant_id)
         ORDER BY s.organization_id, s.product_id, s.variant_id
           FOR NO KEY UPDATE OF s
        """
    )


async def _lock_pools(connection: Connection) -> None:
    """Lock the pools that the file changes: after their stock lines, in key order."""
    await connection.execute(
        """
        SELECT
          FROM incoming_pools i
          JOIN pools p USING (organization_id, experience_id, product_id, variant_id)
         ORDER BY p.organization_id, p.experience_id, p.product_id, p.variant_id
           FOR NO KEY UPDATE OF p
        """
    )


async def _move_from_stock(connection: Connection) -> None:
    """Take from on_hand what all pools of a stock line get together, less what they give back."""
    await connection.execute(
        """
        UPDATE stock_lines s
           SET on_hand = s.on_hand - d.moved
          FROM (SELECT organization_id, product_id, variant_id,
                       sum(i.units - coalesce(p.filled, 0)) AS moved
                  FROM incoming_pools i
                  LEFT JOIN pools p USING (organization_id, experience_id, product_id, variant_id)
                 GROUP BY organization_id, product_id, variant_id) d
         WHERE d.moved <> 0
           AND s.organization_id = d.organization_id
           AND s.product_id = d.product_id
           AND s.variant_id = d.variant_id
        """
    )


async def _write(connection: Connection, first: int, last: int) -> None:
    """Write a range of the file's lines."""
    await connection.execute(
        """
        INSERT INTO pools AS p
               (organization_id, experience_id, product_id, variant_id, filled, available)
        SELECT organization_id, experience_id, product_id, variant_id, units, units
          FROM incoming_pools
         WHERE line BETWEEN $1 AND $2
            ON CONFLICT (organization_id, experience_id, product_id, variant_id) DO UPDATE
           SET filled = excluded.filled,
               available = p.available + excluded.filled - p.filled
        """,
        first,
        last,
    )
