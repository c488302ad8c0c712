"""Stock that shrinks below what is held or sold: whose units are at risk then, and whose no more.

Units are taken where they hurt least: from what is available, from what is free in the pools, and
last from holds. Those are only marked (`at_risk`): nothing is taken from anyone here. What is held
or sold and not there is the line's `short`. Stock that grows makes `short` smaller before all
else, and takes marks off again in the reverse order.
"""

from typing import Final

from db.connect import Connection

# Lines of the staged file that have to do with holds: more is taken than is available, or what is
# short comes back. Exactly one of `wanting` and `covered` is above 0.
LINES: Final = """
    SELECT i.line, i.organization_id, i.product_id, i.variant_id, i.received,
           s.received - i.received AS fewer, s.short,
           greatest(0, s.received - i.received - (s.on_hand - s.reserved)) AS wanting,
           least(s.short, greatest(0, i.received - s.received)) AS covered
      FROM incoming_stock i
      JOIN stock_lines s USING (organization_id, product_id, variant_id)
     WHERE i.tracked AND s.tracked
       AND (s.received - i.received > s.on_hand - s.reserved
            OR i.received > s.received AND s.short > 0)
"""

# One step after the other, each from those before it.
_PLAN: Final = f"""
    CREATE TEMPORARY TABLE short_lines ON COMMIT DROP AS {LINES};
    ANALYZE short_lines;

    -- Free units of pools, in key order, as far as they are wanted.
    CREATE TEMPORARY TABLE short_pools ON COMMIT DROP AS
    WITH taken AS (
        SELECT line, p.organization_id, p.experience_id, p.product_id, p.variant_id,
               least(p.available, greatest(0, l.wanting - coalesce(sum(p.available) OVER (
                   PARTITION BY line ORDER BY p.experience_id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS units
          FROM short_lines l
          JOIN pools p USING (organization_id, product_id, variant_id)
    )
    SELECT * FROM taken WHERE units > 0;

    CREATE TEMPORARY TABLE short_holds ON COMMIT DROP AS
    SELECT line, r.id, r.quantity, r.at_risk,
           row_number() OVER (PARTITION BY line ORDER BY r.created_at, r.id) AS age,
           coalesce(p.document ->> 'at_risk_first', 'newest') = 'oldest' AS oldest_first
      FROM short_lines l
      JOIN reservations r USING (organization_id, product_id, variant_id)
      LEFT JOIN policies p USING (organization_id, experience_id)
     WHERE r.status = 'active';

    -- Never more marks than are short: marks that a shortage has outlived count first.
    CREATE TEMPORARY TABLE shortages ON COMMIT DROP AS
    WITH counted AS (
        SELECT l.*, coalesce(pooled, 0) AS pooled, wanting - coalesce(pooled, 0) AS lacking,
               short + wanting - coalesce(pooled, 0) - covered AS short_after,
               coalesce(held, 0) AS held, coalesce(marked, 0) AS marked,
               coalesce(oldest_first, false) AS oldest_first
          FROM short_lines l
          LEFT JOIN (SELECT line, sum(units)::bigint AS pooled
                       FROM short_pools GROUP BY line) p USING (line)
          LEFT JOIN (SELECT line, sum(quantity)::bigint AS held, sum(at_risk)::bigint AS marked,
                            bool_and(oldest_first) AS oldest_first
                       FROM short_holds GROUP BY line) h USING (line)
    )
    SELECT *, least(greatest(marked + lacking - covered, 0), short_after, held) AS marked_after
      FROM counted;

    -- Marking goes from the newest hold to the oldest, unless all policies of the line say the
    -- opposite; unmarking goes back the same way. A hold may be at risk for a part of its units.
    CREATE TEMPORARY TABLE marks ON COMMIT DROP AS
    WITH one_way AS (
        SELECT line, h.id, h.at_risk AS before, sign(marked_after - marked)::bigint AS way,
               abs(marked_after - marked) AS units,
               CASE WHEN marked_after > marked THEN quantity - at_risk ELSE at_risk END AS room,
               CASE WHEN (marked_after > marked) = s.oldest_first THEN age ELSE -age END AS place
          FROM short_holds h
          JOIN shortages s USING (line)
         WHERE marked_after <> marked
    ), moved AS (
        SELECT line, id, before, way,
               least(room, greatest(0, units - coalesce(sum(room) OVER (
                   PARTITION BY line ORDER BY place
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS units
          FROM one_way
    )
    SELECT line, id, before, before + way * units AS after FROM moved WHERE units > 0
"""


async def concerns_holds(connection: Connection, *, allow_shortage: bool) -> bool:
    """Tell whether the file, staged, does anything to units that are held or sold."""
    concerns: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM ({LINES}) AS lines WHERE covered > 0 OR $1)", allow_shortage
    )
    return concerns


async def plan(connection: Connection) -> None:
    """Work out what the staged file does to holds: tables beside it, until the transaction ends."""
    await connection.execute(_PLAN)


async def carry_out(connection: Connection) -> None:
    """Write what was planned, and take its lines off the staged file: nothing is left of them."""
    await connection.execute(
        """
        UPDATE reservations r
           SET at_risk = m.after, warned = r.warned AND m.after BETWEEN 1 AND m.before
          FROM marks m
         WHERE r.id = m.id;

        UPDATE pools p
           SET available = p.available - t.units, filled = p.filled - t.units
          FROM short_pools t
         WHERE (p.organization_id, p.experience_id, p.product_id, p.variant_id)
             = (t.organization_id, t.experience_id, t.product_id, t.variant_id);

        UPDATE stock_lines s
           SET received = l.received, short = l.short_after,
               on_hand = s.on_hand - l.fewer + l.wanting - l.covered
          FROM shortages l
         WHERE (s.organization_id, s.product_id, s.variant_id)
             = (l.organization_id, l.product_id, l.variant_id);

        DELETE FROM incoming_stock i USING shortages l WHERE i.line = l.line
        """
    )
