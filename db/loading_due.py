"""What a tick finds due. Nothing is locked yet: the admissions that it belongs to will be."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.connect import Connection
from db.rows import fact_of
from schemas.reservation import AdmissionKey, EarlyFact


class DueHold(NamedTuple):
    """A hold whose time is over, or of which a tick has to say that units are at risk."""

    lane: int
    is_over: bool
    id: UUID
    admission_key: AdmissionKey


async def due_holds(
    connection: Connection, ticks: Mapping[int, datetime], limit: int
) -> list[DueHold]:
    """Find holds that the ticks end, and holds that they warn of: of each at most `limit` a lane.

    Those that end first come first. A hold may be in both halves of the answer.
    """
    rows = await connection.fetch(
        """
        SELECT tick.lane, due.is_over, due.id, due.organization_id, due.admission_id
          FROM unnest($1::int[], $2::timestamptz[]) AS tick (lane, at)
         CROSS JOIN LATERAL (
               (SELECT true AS is_over, id, organization_id, admission_id
                  FROM reservations
                 WHERE status = 'active' AND lane = tick.lane
                   AND expires_at <= least(tick.at, now())
                 ORDER BY expires_at
                 LIMIT $3)
                UNION ALL
               (SELECT false, id, organization_id, admission_id
                  FROM reservations
                 WHERE status = 'active' AND at_risk > 0 AND NOT warned AND lane = tick.lane
                 ORDER BY expires_at
                 LIMIT $3)) AS due
        """,
        list(ticks.keys()),
        list(ticks.values()),
        limit,
    )
    return [DueHold(lane, is_over, id_, AdmissionKey(*key)) for lane, is_over, id_, *key in rows]


async def due_facts(
    connection: Connection, ticks: Mapping[int, datetime], limit: int
) -> list[EarlyFact]:
    """Find early facts that the ticks try again, at most `limit` a lane."""
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
