"""Shortages, checked: statements in the shape of `db.verify_counters`."""

from typing import Final

# Short are units that somebody holds or has bought. Units that come back cover them first, so
# there are never more of them short than held and sold together.
SHORT: Final = """
    WITH taken AS (
        SELECT s.organization_id, s.product_id, s.variant_id, tracked, short,
               reserved + s.allocated + sold + coalesce(sum(p.allocated), 0) AS units
          FROM stock_lines s
          LEFT JOIN pools p USING (organization_id, product_id, variant_id)
         GROUP BY s.organization_id, s.product_id, s.variant_id
    ), worded AS (
        SELECT CASE
               WHEN short > 0 AND NOT tracked THEN format('untracked, and %s units short', short)
               WHEN short > units
               THEN format('%s units are short, of %s that are held and sold', short, units)
               END AS problem, organization_id, product_id, variant_id
          FROM taken
    )
    SELECT 'stock short',
           count(*),
           count(problem),
           min(format('stock line %s: %s',
                      concat_ws('/', organization_id, product_id, nullif(variant_id, '')), problem))
               FILTER (WHERE problem IS NOT NULL)
      FROM worded
"""

# Marks may outlive their shortage: units that come back cover it, and the marks stay. Then they
# mean nothing, and so their sum is no matter.
AT_RISK: Final = """
    WITH worded AS (
        SELECT CASE
               WHEN at_risk NOT BETWEEN 0 AND quantity
               THEN format('%s of its %s units are at risk', at_risk, quantity)
               WHEN status <> 'active' AND (at_risk > 0 OR warned)
               THEN format('it is %s, and at risk', status)
               END AS problem, id
          FROM reservations
         WHERE status = 'active' OR at_risk <> 0 OR warned
    )
    SELECT 'holds at risk',
           count(*),
           count(problem),
           min(format('reservation %s: %s', id, problem)) FILTER (WHERE problem IS NOT NULL)
      FROM worded
"""
