"""Active holds in the worker's own lanes, by SQL: what a sale looks like that began some days ago.

All that they touch is as a worker would have left it, so that a world that has them verifies: their
units are reserved on its stock lines, and the lanes count them. What was said of them is gone from
the journal, as after pruning.
"""

from datetime import datetime
from typing import Final

from db.connect import ALL_TIME_SECONDS, Connection, connect

# A lane that nobody takes: it counts the holds, and notes that there was pruning.
KEEPER: Final = 1000

_HOLDS: Final = """
    INSERT INTO admissions (organization_id, admission_id, lane, consumer_id, experience_id,
                            distribution_id, distribution_type, token_digest, admitted_at,
                            expires_at, facts, cart_mark, policy)
    SELECT 'acme', 'held-' || n, n % {lanes}, 'holder-' || n, 'drop', 'queue', 'queue',
           md5(n::text), now() - interval '5 days' + n * interval '1 microsecond', {ends_at},
           '[]', 'offer', '{{}}'
      FROM generate_series({first}, {last}) AS n;

    INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id, product_id,
                              variant_id, quantity, strategy, status, expires_at, created_at)
    SELECT (lpad(to_hex((extract(epoch FROM now() - interval '5 days') * 1000)::bigint), 12, '0')
            || '8' || lpad(to_hex(n), 19, '0'))::uuid,
           n % {lanes}, 'acme', 'held-' || n, 'drop', 'lamp-' || n % {products}, '', 1, 'soft',
           'active', {ends_at}, now() - interval '5 days'
      FROM generate_series({first}, {last}) AS n;

    UPDATE stock_lines
       SET reserved = reserved + units
      FROM (SELECT 'lamp-' || n % {products}, count(*)
              FROM generate_series({first}, {last}) AS n
             GROUP BY 1) AS held (product_id, units)
     WHERE organization_id = 'acme' AND stock_lines.product_id = held.product_id;

    INSERT INTO lanes (lane, holds_active, pruned_before)
    VALUES ({keeper}, {last} - {first} + 1, now() - interval '4 days')
        ON CONFLICT (lane) DO UPDATE SET holds_active = lanes.holds_active + excluded.holds_active
"""


async def hold(
    database_url: str,
    count: int,
    *,
    products: int,
    lanes: int,
    first: int = 0,
    ends_at: datetime | None = None,
) -> None:
    """Add so many holds of a unit each, numbered from `first`; they end in 20 days or as said.

    The stock lines lamp-0, lamp-1 ... have to be there, with units enough.
    """
    connection = await connect(database_url, application_name="bench")
    try:
        await connection.execute("SET statement_timeout = 0")
        ends = f"'{ends_at.isoformat()}'::timestamptz" if ends_at else "now() + interval '20 days'"
        last = first + count - 1
        await _insert(connection, first, last, lanes=lanes, products=products, ends_at=ends)
    finally:
        await connection.close()


async def _insert(connection: Connection, first: int, last: int, **rest: object) -> None:
    statements = _HOLDS.format(first=first, last=last, keeper=KEEPER, **rest)
    await connection.execute(statements, timeout=ALL_TIME_SECONDS)
    for table in ("admissions", "reservations", "stock_lines"):
        await connection.execute(f"VACUUM (ANALYZE) {table}", timeout=ALL_TIME_SECONDS)
