"""What a person watching wants to see: which holds end next, and how far the worker has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from db.connect import Connection
from schemas.vocabulary import Stream


class CartShown(NamedTuple):
    """What a shopper holds by one admission, and until when."""

    consumer_id: str
    product_ids: Sequence[str]
    expires_at: datetime


class Standing(NamedTuple):
    """How far all lanes together have come."""

    holds_active: int
    applied: Mapping[str, int]  # next offsets by topic: records, where a topic began at offset 0
    journaled: Mapping[Stream, int]  # outcomes and dead letters


async def show_carts_that_end_next(connection: Connection, *, limit: int) -> list[CartShown]:
    """Give the held carts that end next, the first one first."""
    found = await connection.fetch(
        """
        SELECT a.consumer_id, array_agg(r.product_id ORDER BY r.product_id), min(r.expires_at)
          FROM reservations r
          JOIN admissions a USING (organization_id, admission_id)
         WHERE r.status = 'active'
         GROUP BY a.organization_id, a.admission_id, a.consumer_id
         ORDER BY min(r.expires_at), a.admission_id
         LIMIT $1
        """,
        limit,
    )
    return [CartShown(*row) for row in found]


async def show_standing(connection: Connection) -> Standing:
    """Sum up what the lanes say of themselves."""
    holds = await connection.fetchval("SELECT coalesce(sum(holds_active), 0)::bigint FROM lanes")
    applied = await connection.fetch(
        "SELECT topic, sum(greatest(next_offset, 0))::bigint FROM lane_inputs GROUP BY topic"
    )
    journaled = await connection.fetch(
        "SELECT stream, sum(sequence)::bigint FROM lane_outputs GROUP BY stream"
    )
    return Standing(holds, dict(map(tuple, applied)), dict(map(tuple, journaled)))
