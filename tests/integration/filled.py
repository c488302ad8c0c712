"""Tables that have been in use for long, filled by SQL: half of the admissions hold a unit."""

from typing import Final

from db.connect import ALL_TIME_SECONDS, Connection

# Lanes of the rows, whose journal is of no topic: nobody takes them.
LANES_FROM: Final = 1000

_FILL: Final = """
    INSERT INTO stock_lines (organization_id, product_id, variant_id, received, on_hand, reserved,
                             sold)
    SELECT 'acme', 'filled-' || line, '', units + sold, units, reserved, sold
      FROM (SELECT n % {lines} AS line, 2 * count(*) AS units,
                   count(*) FILTER (WHERE n % 2 = 0) AS reserved,
                   count(*) FILTER (WHERE n % 2 = 1) AS sold
              FROM generate_series(1, {rows}) AS n
             GROUP BY 1) AS counted;

    INSERT INTO admissions (organization_id, admission_id, lane, consumer_id, guest_id, also_id,
                            experience_id, distribution_id, distribution_type, token_digest,
                            admitted_at, expires_at, facts, cart_mark, policy)
    SELECT 'acme', 'filled-' || n, {lane} + n % 4, 'filled-' || n,
           CASE WHEN n % 10 = 0 THEN 'guest-' || n END, CASE WHEN n % 10 = 1 THEN 'also-' || n END,
           'drop', 'queue', 'queue', md5(n::text),
           now() - interval '5 days' + n * interval '1 microsecond', now() + interval '20 days',
           '[]', 'offer', '{{}}'
      FROM generate_series(1, {rows}) AS n;

    INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id, product_id,
                              variant_id, quantity, strategy, status, expires_at, created_at,
                              ended_at)
    SELECT (lpad(to_hex((extract(epoch FROM now() - interval '5 days') * 1000)::bigint), 12, '0')
            || '8' || lpad(to_hex(n), 19, '0'))::uuid,
           {lane} + n % 4, 'acme', 'filled-' || n, 'drop', 'filled-' || n % {lines}, '', 1, 'soft',
           CASE WHEN n % 2 = 0 THEN 'active' ELSE 'converted' END, now() + interval '20 days',
           now() - interval '5 days', CASE WHEN n % 2 = 1 THEN now() - interval '5 days' END
      FROM generate_series(1, {rows}) AS n;

    INSERT INTO early_facts (id, lane, organization_id, consumer_id, document, retry_at, expires_at)
    SELECT gen_random_uuid(), {lane} + n % 4, 'acme', 'early-' || n, '[]',
           now() + interval '1 day', now() + interval '2 days'
      FROM generate_series(1, {rows} / 100) AS n;

    INSERT INTO journal (lane, stream, sequence, id, type, occurred_at, key, value)
    SELECT {lane} + n % 4, 'outcomes', (n + 3) / 4, gen_random_uuid(),
           'fanfare.reservation.orphaned', now() - interval '5 days', convert_to('s-' || n, 'UTF8'),
           convert_to('{{"type": "orphaned", "organizationId": "acme", "consumerId": "nobody"}}',
                      'UTF8')
      FROM generate_series(1, {rows}) AS n;

    INSERT INTO lanes (lane, holds_active, pruned_before)
    SELECT {lane} + n, (SELECT count(*) FROM reservations
                         WHERE status = 'active' AND lane = {lane} + n), now() - interval '4 days'
      FROM generate_series(0, 3) AS n;
    INSERT INTO lane_outputs (lane, stream, sequence, published_sequence)
    SELECT lane, 'outcomes', max(sequence), max(sequence)
      FROM journal WHERE lane >= {lane} GROUP BY lane;
"""


async def fill(connection: Connection, rows: int) -> None:
    """Add so many admissions, reservations and entries; their counters and sequences are right."""
    await connection.execute("SET statement_timeout = 0")
    lines = max(1, rows // 100)
    statements = _FILL.format(rows=rows, lines=lines, lane=LANES_FROM)
    await connection.execute(statements, timeout=ALL_TIME_SECONDS)
    await connection.execute("ANALYZE")


async def take_journal_back(connection: Connection) -> None:
    """Take the entries away again: no topic has them, and `verify` would miss them there."""
    await connection.execute("SET statement_timeout = 0")
    await connection.execute(
        f"DELETE FROM journal WHERE lane >= {LANES_FROM};"
        f" DELETE FROM lane_outputs WHERE lane >= {LANES_FROM}",
        timeout=ALL_TIME_SECONDS,
    )
