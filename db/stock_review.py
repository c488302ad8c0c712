"""What a stock file would do, read and not yet done: see `db.stock_import`."""

from db.connect import Connection
from db.importing import CHANGES_SHOWN_MAX, REFUSALS_MAX, Change, Imported, Refusal


async def find_refusals(connection: Connection) -> list[Refusal]:
    """Find the lines that would go below what is taken, or change their kind after use.

    What a tracked line has allocated, sold or set aside is what it received and has no more.
    """
    found = await connection.fetch(
        """
        WITH found AS MATERIALIZED (
            SELECT i.line, i.on_hand AS asked, s.tracked, s.received, taken
              FROM incoming_stock i
              JOIN stock_lines s USING (organization_id, product_id, variant_id)
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN s.tracked THEN s.received - s.on_hand + s.reserved
                               ELSE s.reserved + s.allocated + s.sold END AS taken) t
             WHERE CASE WHEN s.tracked THEN i.received < taken ELSE taken > 0 END
        )
        SELECT * FROM found ORDER BY line LIMIT $1
        """,
        REFUSALS_MAX,
    )
    return [Refusal(row["line"], "on_hand", _problem(**row)) for row in found]


def _problem(*, asked: int | None, tracked: bool, received: int, taken: int, line: int) -> str:
    """Say why a line is refused, and what would not be."""
    if asked is None:
        return f"untracked, but {taken} units are held, sold or set aside: it stays tracked"
    if not tracked:
        return f"{asked} units, but {taken} untracked units are held or sold: it stays untracked"
    return (
        f"{asked} units, but {taken} of the {received} received are held, sold or set aside: "
        f"the least possible is {taken}"
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
    return Imported(**counted, changes=await _first_changes(connection))


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
