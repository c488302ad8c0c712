"""Statements that recompute the counters. They read whole tables once: `db.verify` runs them.

Each gives rows of a check's name, how many rows it looked at, in how many of them it found a
difference, the first of those in words, and maybe a note. What pruned reservations had sold is in
`counted_reservations` as sold.
"""

from typing import Final

# Sold is what was converted, and what came back of a cancelled order and was not put into stock.
SOLD: Final = "status = 'converted' OR status = 'returned' AND NOT restocked"

# Pooled units that are sold count as sold of their stock line, so `sold` has all strategies.
STOCK_COUNTERS: Final = f"""
    WITH recomputed AS (
        SELECT organization_id, product_id, variant_id,
               sum(quantity) FILTER (WHERE status = 'active' AND strategy = 'soft') AS reserved,
               sum(quantity) FILTER (WHERE status = 'active' AND strategy = 'hard') AS allocated,
               sum(quantity) FILTER (WHERE {SOLD}) AS sold
          FROM counted_reservations
         WHERE status = 'active' OR {SOLD}
         GROUP BY organization_id, product_id, variant_id
    )
    SELECT 'stock ' || counter,
           count(*),
           count(*) FILTER (WHERE coalesce(saved, 0) <> units),
           min(format('stock line %s: %s is %s, its reservations make %s',
                      concat_ws('/', organization_id, product_id, nullif(variant_id, '')),
                      counter, coalesce(saved::text, 'not there'), units))
               FILTER (WHERE coalesce(saved, 0) <> units),
           CASE WHEN counter = 'sold' THEN (
                SELECT format('%s units of reservations that were pruned are as they were noted',
                              sum(quantity))
                  FROM pruned_sales HAVING sum(quantity) > 0) END
      FROM stock_lines AS line
      FULL JOIN recomputed AS held USING (organization_id, product_id, variant_id)
     CROSS JOIN LATERAL (VALUES
           ('reserved', line.reserved, coalesce(held.reserved, 0)),
           ('allocated', line.allocated, coalesce(held.allocated, 0)),
           ('sold', line.sold, coalesce(held.sold, 0))) AS compared (counter, saved, units)
     GROUP BY counter
"""

POOL_COUNTERS: Final = f"""
    WITH recomputed AS (
        SELECT organization_id, experience_id, product_id, variant_id,
               sum(quantity) FILTER (WHERE status = 'active') AS allocated,
               sum(quantity) FILTER (WHERE {SOLD}) AS sold
          FROM counted_reservations
         WHERE strategy = 'pool' AND (status = 'active' OR {SOLD})
         GROUP BY organization_id, experience_id, product_id, variant_id
    )
    SELECT 'pool ' || counter,
           count(*),
           count(*) FILTER (WHERE coalesce(saved, 0) <> units),
           min(format('pool %s: %s is %s, %s make %s',
                      concat_ws('/', organization_id, experience_id, product_id,
                                nullif(variant_id, '')),
                      counter, coalesce(saved::text, 'not there'), made_of, units))
               FILTER (WHERE coalesce(saved, 0) <> units)
      FROM pools AS pool
      FULL JOIN recomputed AS held
                USING (organization_id, experience_id, product_id, variant_id)
     CROSS JOIN LATERAL (VALUES
           ('allocated', 'its reservations', pool.allocated, coalesce(held.allocated, 0)),
           ('filled', 'available, allocated and sold', pool.filled,
            coalesce(pool.available + pool.allocated, 0) + coalesce(held.sold, 0))
           ) AS compared (counter, made_of, saved, units)
     GROUP BY counter
"""

# An untracked line sells what it never received.
CONSERVATION: Final = """
    WITH pooled AS (
        SELECT organization_id, product_id, variant_id, sum(available + allocated) AS units
          FROM pools
         GROUP BY organization_id, product_id, variant_id
    )
    SELECT 'stock conserved',
           count(*),
           count(*) FILTER (WHERE received <> made.units),
           min(format('stock line %s: received is %s, '
                      'on_hand, allocated, pooled and sold, less short, make %s',
                      concat_ws('/', organization_id, product_id, nullif(variant_id, '')),
                      received, made.units))
               FILTER (WHERE received <> made.units)
      FROM stock_lines
      LEFT JOIN pooled USING (organization_id, product_id, variant_id)
     CROSS JOIN LATERAL (
           SELECT on_hand + allocated + coalesce(pooled.units, 0)
                  + CASE WHEN tracked THEN sold - short ELSE 0 END AS units) AS made
"""

# CHECK constraints promise the same; this is for a database whose constraints were taken off.
OVERSELLING: Final = """
    WITH counted AS (
        SELECT format('stock line %s: received %s, on_hand %s, reserved %s, allocated %s, sold %s,'
                      ' short %s',
                      concat_ws('/', organization_id, product_id, nullif(variant_id, '')),
                      received, on_hand, reserved, allocated, sold, short) AS words,
               least(received, on_hand, reserved, allocated, sold, short) < 0
               OR tracked AND reserved > on_hand AS is_oversold
          FROM stock_lines
         UNION ALL
        SELECT format('pool %s: filled %s, available %s, allocated %s',
                      concat_ws('/', organization_id, experience_id, product_id,
                                nullif(variant_id, '')),
                      filled, available, allocated),
               least(filled, available, allocated) < 0
          FROM pools
    )
    SELECT 'never oversold',
           count(*),
           count(*) FILTER (WHERE is_oversold),
           min(words) FILTER (WHERE is_oversold)
      FROM counted
"""

# A hold may be made in one lane and end in another: only the sum over all lanes means something.
HOLDS_ACTIVE: Final = """
    SELECT 'holds active',
           active,
           abs(noted - active)::bigint,
           CASE WHEN noted <> active
                THEN format('the lanes'' holds_active sum to %s, the active reservations are %s',
                            noted, active) END
      FROM (SELECT count(*) FROM reservations WHERE status = 'active') AS held (active),
           (SELECT coalesce(sum(holds_active), 0) FROM lanes) AS summed (noted)
"""
