"""What a stock file would do, read and not yet done: see `db.stock_import`."""

import asyncpg

from db.at_risk_review import summarise_shortage
from db.connect import Connection
from db.importing import CHANGES_SHOWN_MAX, REFUSALS_MAX, Change, Imported, Refusal
from schemas.text import counted


async def find_refusals(connection: Connection, *, allow_shortage: bool) -> list[Refusal]:
    """Find the lines that would go below what is taken, or change their kind after use.

    What a tracked line has allocated, sold or set aside is what it received and has no more, and
    what it never had: its shortage.
    """
    found = await connection.fetch(
        """
        WITH found AS MATERIALIZED (
            SELECT i.line, i.on_hand AS asked, s.tracked, s.received, s.short, taken
              FROM incoming_stock i
              JOIN stock_lines s USING (organization_id, product_id, variant_id)
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN s.tracked THEN s.received - s.on_hand + s.reserved
                               ELSE s.reserved + s.allocated + s.sold END AS taken) t
             WHERE CASE WHEN NOT s.tracked THEN taken > 0
                        WHEN NOT i.tracked THEN taken + s.short > 0
                        ELSE i.received < taken AND NOT $2 END
        ), at_risk AS (
            SELECT line, count(*) FILTER (WHERE after > before) AS holds FROM marks GROUP BY line
        )
        SELECT found.*, coalesce(lacking, 0) AS lacking, coalesce(holds, 0) AS holds
          FROM found
          LEFT JOIN shortages USING (line)
          LEFT JOIN at_risk USING (line)
         ORDER BY line LIMIT $1
        """,
        REFUSALS_MAX,
        allow_shortage,
    )
    return [Refusal(row["line"], "on_hand", _problem(row)) for row in found]


def _problem(row: asyncpg.Record) -> str:
    """Say why a line is refused, and what would not be."""
    asked, taken = row["asked"], row["taken"]
    if asked is None:
        used = taken + row["short"]
        return f"untracked, but {used} units are held, sold or set aside: it stays tracked"
    if not row["tracked"]:
        return f"{asked} units, but {taken} untracked units are held or sold: it stays untracked"
    shortage = "they would be taken out of pools"
    if row["lacking"]:
        units, holds = counted(row["lacking"], "unit"), counted(row["holds"], "hold")
        shortage = f"{units} would be short, and {holds} at risk"
    return (
        f"{asked} units, but {taken} of the {row['received']} received are held, sold or set "
        f"aside: the least possible is {taken}; with --allow-shortage {shortage}"
    )


async def summarise(connection: Connection, rows: int) -> Imported:
    """Count what differs between the file, of so many rows, and the stock lines."""
    counted = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE s.tracked IS NULL) AS new,
               count(s.tracked) AS changed,
               $1 - count(*) AS unchanged,
               coalesce(sum(i.received - coalesce(s.received, 0)), 0)::bigint AS units
          FROM incoming_stock i
          LEFT JOIN stock_lines s USING (organization_id, product_id, variant_id)
        """,
        rows,
    )
    assert counted is not None  # an aggregate always has its row
    return Imported(
        **counted,
        changes=await _first_changes(connection),
        shortage=await summarise_shortage(connection),
    )


async def _first_changes(connection: Connection) -> tuple[Change, ...]:
    """Give the first lines that differ, in the order of the file."""
    found = await connection.fetch(
        """
        SELECT organization_id, product_id, variant_id,
               CASE WHEN s.tracked THEN s.received::text
                    WHEN NOT s.tracked THEN 'untracked' END AS before,
               coalesce(i.on_hand::text, 'untracked') AS after
          FROM incoming_stock i
          LEFT JOIN stock_lines s USING (organization_id, product_id, variant_id)
         ORDER BY i.line
         LIMIT $1
        """,
        CHANGES_SHOWN_MAX,
    )
    return tuple(Change(tuple(row)[:3], row["before"], row["after"]) for row in found)
