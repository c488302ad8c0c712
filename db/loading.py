"""Rows into the book: each function is one statement, whatever the number of keys.

What a batch may change is locked, always in key order and table after table in the order of this
file, so that two workers that meet on a row wait for each other and never deadlock.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.columns import columns
from db.connect import Connection
from db.rows import admission_of, fact_of, reservation_of
from schemas.reservation import Admission, AdmissionKey, EarlyFact, Reservation
from schemas.stock import Pool, PoolKey, StockKey, StockLine


class DueHold(NamedTuple):
    """A hold whose time is over. It is not locked yet: its admission's reservations will be."""

    lane: int
    id: UUID
    admission_key: AdmissionKey


async def due_holds(
    connection: Connection, ticks: Mapping[int, datetime], limit: int
) -> list[DueHold]:
    """Find holds that the ticks make due, the longest due first, at most `limit` a lane."""
    rows = await connection.fetch(
        """
        SELECT tick.lane, due.id, due.organization_id, due.admission_id
          FROM unnest($1::int[], $2::timestamptz[]) AS tick (lane, at)
         CROSS JOIN LATERAL (
               SELECT id, organization_id, admission_id
                 FROM reservations
                WHERE status = 'active' AND lane = tick.lane
                  AND expires_at <= least(tick.at, now())
                ORDER BY expires_at
                LIMIT $3) AS due
        """,
        list(ticks.keys()),
        list(ticks.values()),
        limit,
    )
    return [DueHold(lane, id_, AdmissionKey(org, admission)) for lane, id_, org, admission in rows]


async def due_facts(
    connection: Connection, ticks: Mapping[int, datetime], limit: int
) -> list[EarlyFact]:
    """Find early facts that the ticks try again, at most `limit` a lane.

    They are not locked yet: the facts of their consumers will be.
    """
    rows = await connection.fetch(
        """
        SELECT fact.*
          FROM unnest($1::int[], $2::timestamptz[]) AS tick (lane, at)
         CROSS JOIN LATERAL (
               SELECT id FROM early_facts
                WHERE lane = tick.lane AND retry_at <= least(tick.at, now())
                ORDER BY retry_at
                LIMIT $3) AS due
          JOIN early_facts AS fact USING (id)
        """,
        list(ticks.keys()),
        list(ticks.values()),
        limit,
    )
    return [fact_of(row) for row in rows]


async def lock_admissions(
    connection: Connection,
    *,
    keys: Collection[AdmissionKey],
    consumers: Collection[tuple[str, str]],
    tokens: Collection[tuple[str, str]],
) -> list[Admission]:
    """Lock the admissions of these ids, of these consumers, and of these tokens."""
    rows = await connection.fetch(
        """
        WITH wanted AS (
            SELECT organization_id, admission_id
              FROM unnest($1::text[], $2::text[]) AS key (organization_id, admission_id)
            UNION
            SELECT organization_id, admission_id
              FROM unnest($3::text[], $4::text[]) AS key (organization_id, consumer_id)
              JOIN admissions USING (organization_id, consumer_id)
            UNION
            SELECT organization_id, admission_id
              FROM unnest($5::text[], $6::text[]) AS key (organization_id, token_digest)
              JOIN admissions USING (organization_id, token_digest)
        )
        SELECT admission.*
          FROM wanted
          JOIN admissions AS admission USING (organization_id, admission_id)
         ORDER BY admission.organization_id, admission.admission_id
           FOR UPDATE OF admission
        """,
        *columns(keys, 2),
        *columns(consumers, 2),
        *columns(tokens, 2),
    )
    return [admission_of(row) for row in rows]


async def lock_facts(
    connection: Connection, consumers: Collection[tuple[str, str]]
) -> list[EarlyFact]:
    """Lock the early facts of these consumers."""
    rows = await connection.fetch(
        """
        SELECT fact.*
          FROM unnest($1::text[], $2::text[]) AS key (organization_id, consumer_id)
          JOIN early_facts AS fact USING (organization_id, consumer_id)
         ORDER BY fact.id
           FOR UPDATE OF fact
        """,
        *columns(consumers, 2),
    )
    return [fact_of(row) for row in rows]


async def lock_reservations(
    connection: Connection, admissions: Collection[AdmissionKey]
) -> list[Reservation]:
    """Lock all reservations of these admissions, in id order."""
    rows = await connection.fetch(
        """
        SELECT reservation.*
          FROM unnest($1::text[], $2::text[]) AS key (organization_id, admission_id)
          JOIN reservations AS reservation USING (organization_id, admission_id)
         ORDER BY reservation.id
           FOR UPDATE OF reservation
        """,
        *columns(admissions, 2),
    )
    return [reservation_of(row) for row in rows]


async def lock_stock(connection: Connection, keys: Collection[StockKey]) -> list[StockLine]:
    """Lock stock lines, in key order."""
    rows = await connection.fetch(
        """
        SELECT stock.organization_id, stock.product_id, stock.variant_id,
               tracked, on_hand, reserved, allocated, sold
          FROM unnest($1::text[], $2::text[], $3::text[])
            AS key (organization_id, product_id, variant_id)
          JOIN stock_lines AS stock USING (organization_id, product_id, variant_id)
         ORDER BY stock.organization_id, stock.product_id, stock.variant_id
           FOR NO KEY UPDATE OF stock
        """,
        *columns(keys, 3),
    )
    return [StockLine(StockKey(*row[:3]), *row[3:]) for row in map(tuple, rows)]


async def lock_pools(connection: Connection, keys: Collection[PoolKey]) -> list[Pool]:
    """Lock pools, in key order."""
    rows = await connection.fetch(
        """
        SELECT pool.organization_id, pool.experience_id, pool.product_id, pool.variant_id,
               available, allocated
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
            AS key (organization_id, experience_id, product_id, variant_id)
          JOIN pools AS pool USING (organization_id, experience_id, product_id, variant_id)
         ORDER BY pool.organization_id, pool.experience_id, pool.product_id, pool.variant_id
           FOR NO KEY UPDATE OF pool
        """,
        *columns(keys, 4),
    )
    return [Pool(PoolKey(*row[:4]), *row[4:]) for row in map(tuple, rows)]
