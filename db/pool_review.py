"""What a pool file would do, read and not yet done: see `db.pool_fill`."""

import asyncpg

from db.connect import Connection
from db.importing import CHANGES_SHOWN_MAX, REFUSALS_MAX, Change, Imported, Refusal


async def find_refusals(connection: Connection) -> list[Refusal]:
    """Find the lines that ask for more than is free, or give back more than is in the pool.

    Lines that give back count before those that take, so that a file may shift units between
    experiences; among those that take, the first line comes first.
    """
    found = await connection.fetch(
        """
        WITH difference AS MATERIALIZED (
            SELECT i.*, coalesce(p.filled, 0) AS filled,
                   coalesce(p.filled - p.available, 0) AS least,
                   sum(i.units - coalesce(p.filled, 0)) OVER (
                       PARTITION BY i.organization_id, i.product_id, i.variant_id
                       ORDER BY i.units > coalesce(p.filled, 0), i.line)::bigint AS moved
              FROM incoming_pools i
              LEFT JOIN pools p USING (organization_id, experience_id, product_id, variant_id)
        ), found AS MATERIALIZED (
            SELECT d.line, d.units, d.filled, d.least, s.tracked,
                   greatest(d.filled, d.units - (d.moved - (s.on_hand - s.reserved))) AS most
              FROM difference d
              LEFT JOIN stock_lines s USING (organization_id, product_id, variant_id)
             WHERE s.tracked IS NOT TRUE
                OR d.units < d.least
                OR d.units > d.filled AND d.moved > s.on_hand - s.reserved
        )
        SELECT * FROM found ORDER BY line LIMIT $1
        """,
        REFUSALS_MAX,
    )
    return [Refusal(row["line"], *_problem(row)) for row in found]


def _problem(row: asyncpg.Record) -> tuple[str, str]:
    """Say which column of a line is refused, why, and what would not be."""
    units, least, most = row["units"], row["least"], row["most"]
    if row["tracked"] is None:
        return "product_id", "no such stock line: import its stock first"
    if not row["tracked"]:
        return "product_id", "an untracked stock line has no units to set aside"
    if units < least:
        return "units", (
            f"{units} units, but {least} of the {row['filled']} set aside are held or sold: "
            f"the least possible is {least}"
        )
    return "units", f"{units} units, but too few are available: the most possible is {most}"


async def summarise(connection: Connection, rows: int) -> Imported:
    """Count what differs between the file, of so many rows, and the pools."""
    counted = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE p.filled IS NULL) AS new,
               count(p.filled) AS changed,
               $1 - count(*) AS unchanged,
               coalesce(sum(i.units - coalesce(p.filled, 0)), 0)::bigint AS units
          FROM incoming_pools i
          LEFT JOIN pools p USING (organization_id, experience_id, product_id, variant_id)
        """,
        rows,
    )
    assert counted is not None  # an aggregate always has its row
    return Imported(**counted, changes=await _first_changes(connection))


async def _first_changes(connection: Connection) -> tuple[Change, ...]:
    """Give the first pools that differ, in the order of the file."""
    found = await connection.fetch(
        """
        SELECT organization_id, experience_id, product_id, variant_id,
               p.filled::text AS before, i.units::text AS after
          FROM incoming_pools i
          LEFT JOIN pools p USING (organization_id, experience_id, product_id, variant_id)
         ORDER BY i.line
         LIMIT $1
        """,
        CHANGES_SHOWN_MAX,
    )
    return tuple(Change(tuple(row)[:4], row["before"], row["after"]) for row in found)
