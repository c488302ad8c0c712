"""What was planned for holds and sales, summed up: see `db.at_risk`."""

from db.connect import Connection
from db.importing import HOLDS_SHOWN_MAX, HoldAtRisk, Shortage


async def summarise_shortage(connection: Connection) -> Shortage | None:
    """Sum up what was planned; None where the file concerns no hold and no sale."""
    counted = await connection.fetchrow(
        """
        SELECT * FROM (
            SELECT count(*) FILTER (WHERE lacking > 0) AS lines,
                   coalesce(sum(lacking), 0)::bigint AS units,
                   coalesce(sum(pooled), 0)::bigint AS units_from_pools,
                   coalesce(sum(covered), 0)::bigint AS units_covered,
                   coalesce(sum(greatest(0, short_after - marked_after))
                            FILTER (WHERE lacking > 0), 0)::bigint AS units_sold_beyond
              FROM shortages) AS of_lines
         CROSS JOIN (
            SELECT count(*) FILTER (WHERE after > before) AS holds,
                   coalesce(sum(after - before) FILTER (WHERE after > before), 0)::bigint
                       AS units_at_risk,
                   count(*) FILTER (WHERE after < before) AS holds_relieved
              FROM marks) AS of_holds
         WHERE EXISTS (SELECT FROM shortages)
        """
    )
    return None if counted is None else Shortage(**counted, first=await _first_holds(connection))


async def _first_holds(connection: Connection) -> tuple[HoldAtRisk, ...]:
    """Name the first holds that get at risk, the first line and the first to be asked first."""
    found = await connection.fetch(
        """
        SELECT r.organization_id, r.experience_id, a.consumer_id, r.admission_id, r.product_id,
               r.variant_id, r.quantity, m.after
          FROM marks m
          JOIN reservations r USING (id)
          JOIN shortages s USING (line)
          JOIN short_holds h USING (id)
          LEFT JOIN admissions a
                 ON (a.organization_id, a.admission_id) = (r.organization_id, r.admission_id)
         WHERE m.after > m.before
         ORDER BY m.line, CASE WHEN s.oldest_first THEN age ELSE -age END
         LIMIT $1
        """,
        HOLDS_SHOWN_MAX,
    )
    return tuple(HoldAtRisk(*row) for row in found)
