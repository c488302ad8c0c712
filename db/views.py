"""What a person watching wants to see: which holds end next, and how far the worker has come."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from db.connect import Connection
from schemas.vocabulary import Stream


class HoldShown(NamedTuple):
    """An active hold, and whose it is."""

    consumer_id: str
    product_id: str
    variant_id: str
    quantity: int
    expires_at: datetime


class Standing(NamedTuple):
    """How far all lanes together have come."""

    holds_active: int
    applied: Mapping[str, int]  # next offsets by topic: records, where a topic began at offset 0
    journaled: Mapping[Stream, int]  # outcomes and dead letters


async def show_holds_that_end_next(connection: Connection, *, limit: int) -> list[HoldShown]:
    """Give the active holds that end next, the first one first."""
    found = await connection.fetch(
        """
        SELECT a.consumer_id, r.product_id, r.variant_id, r.quantity, r.expires_at
          FROM reservations r
          JOIN admissions a USING (organization_id, admission_id)
         WHERE r.status = 'active'
         ORDER BY r.expires_at, r.id
         LIMIT $1
        """,
        limit,
    )
    return [HoldShown(*row) for row in found]


async def show_standing(connection: Connection) -> Standing:
    """Sum up what the lanes say of themselves."""
    holds = await connection.fetchval("SELECT coalesce(sum(holds_active), 0)::bigint FROM lanes")
    applied = await connection.fetch(
        "SELECT topic, sum(next_offset)::bigint FROM lane_inputs GROUP BY topic"
    )
    journaled = await connection.fetch(
        "SELECT stream, sum(sequence)::bigint FROM lane_outputs GROUP BY stream"
    )
    return Standing(holds, dict(map(tuple, applied)), dict(map(tuple, journaled)))
