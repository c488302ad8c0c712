"""What `reconcile` did, kept for whoever asks, and for a lane to tell."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import json

from db.columns import columns
from db.connect import Connection
from schemas.adjusted import Adjusted, Adjustment, CounterChange
from schemas.identity import time_ordered_id
from schemas.stock import StockKey

_READ_CHANGES: Final = json.Decoder(tuple[CounterChange, ...])

# What differs in all lanes together is of no stock line, and nobody outside is told.
OF_NO_LINE: Final = StockKey("", "", "")


class Kept(NamedTuple):
    """An adjustment as it is kept; without a sequence no lane has told it yet."""

    adjustment: Adjustment
    adjusted_by: str
    sequence: int | None


async def add_adjustment(
    connection: Connection,
    key: StockKey,
    changes: Collection[CounterChange],
    *,
    explanation: str,
    by: str,
) -> None:
    """Keep what was changed. One lane tells all adjustments of a stock line, in their order."""
    lanes, now = await connection.fetchrow(  # type: ignore[misc] # an aggregate has its row
        "SELECT array_agg(lane ORDER BY lane), clock_timestamp() FROM lanes"
    )
    id_ = time_ordered_id(now, "adjusted", *key, now)
    await connection.execute(
        """
        INSERT INTO adjustments (id, lane, organization_id, product_id, variant_id, adjusted_at,
                                 adjusted_by, explanation, changes)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        id_,
        _lane_of(key, lanes or [0]),
        *key,
        now,
        by,
        explanation,
        json.encode(tuple(changes)).decode(),
    )


async def due_adjustments(
    connection: Connection, ticks: Collection[int], limit: int
) -> list[Adjustment]:
    """Find what the lanes of these ticks have to tell, the oldest first, at most `limit` a lane.

    Nothing is locked: only the owner of a lane tells, and its transaction has locked the lane.
    """
    rows = await connection.fetch(
        """
        SELECT due.*
          FROM unnest($1::int[]) AS tick (lane)
         CROSS JOIN LATERAL (
               SELECT id, lane, organization_id, product_id, variant_id, adjusted_at, explanation,
                      changes
                 FROM adjustments
                WHERE lane = tick.lane AND sequence IS NULL AND product_id <> ''
                ORDER BY adjusted_at
                LIMIT $2) AS due
        """,
        list(ticks),
        limit,
    )
    return [_adjustment(*row) for row in rows]


async def end_adjustments(connection: Connection, told: Collection[Adjusted]) -> None:
    """Note that adjustments are in the journal now, and where."""
    await connection.execute(
        """
        UPDATE adjustments AS saved
           SET sequence = new.sequence
          FROM unnest($1::uuid[], $2::bigint[]) AS new (id, sequence)
         WHERE saved.id = new.id
        """,
        *columns([(one.outcome_id, one.sequence) for one in told], 2),
    )


async def list_adjustments(connection: Connection, limit: int) -> list[Kept]:
    """Give what was adjusted, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, lane, organization_id, product_id, variant_id, adjusted_at, explanation, changes,
               adjusted_by, sequence
          FROM adjustments
         ORDER BY adjusted_at DESC, id
         LIMIT $1
        """,
        limit,
    )
    return [Kept(_adjustment(*row[:8]), *row[8:]) for row in map(tuple, rows)]


def _adjustment(
    id_: UUID,
    lane: int,
    organization_id: str,
    product_id: str,
    variant_id: str,
    adjusted_at: datetime,
    explanation: str,
    changes: str,
) -> Adjustment:
    key = StockKey(organization_id, product_id, variant_id)
    return Adjustment(id_, lane, key, adjusted_at, explanation, _READ_CHANGES.decode(changes))


def _lane_of(key: StockKey, lanes: list[int]) -> int:
    """Spread stock lines over the lanes; the same line has the same lane while none is added."""
    return lanes[time_ordered_id(datetime.fromtimestamp(0, UTC), *key).int % len(lanes)]
