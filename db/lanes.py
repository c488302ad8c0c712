"""Lanes, and how an owner holds them: fenced in each transaction, and moved on by it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from db.columns import text_columns
from db.connect import Connection
from schemas.vocabulary import Stream

STREAMS: tuple[Stream, ...] = ("outcomes", "dead_letters")


@dataclass(slots=True)
class Output:
    """A stream of a lane: its last sequence, and where its published end was last seen."""

    sequence: int = 0
    published_sequence: int = 0
    published_offset: int = 0
    pruned_sequence: int = 0  # the journal begins after it


@dataclass(slots=True)
class Lane:
    """A lane as its owner knows it; only a transaction under `epoch` may move it."""

    lane: int
    epoch: int
    last_tick: datetime
    holds_active: int
    next_offsets: dict[str, int] = field(default_factory=dict)  # by topic
    outputs: dict[Stream, Output] = field(default_factory=dict)


class Fence(NamedTuple):
    """What a transaction learns when it locks its lanes; without any lane, times are None."""

    lost: set[int]  # lanes that are not owned any more
    now: datetime | None  # the database's clock
    pruned_before: datetime | None  # what happened before may have been applied and forgotten


async def fence(connection: Connection, epochs: Mapping[int, int]) -> Fence:
    """Lock the lanes that are still owned under these epochs, for this transaction.

    Until it ends, what is pruned goes no further than it tells: no further than the lane's own
    row, which is locked, or than any lane's. One that was made while the horizon rose has the old
    one, and whoever raised it knew nothing of that lane.
    """
    # Of all lanes by the index: their rows change with every batch, and leave dead ones behind.
    rows = await connection.fetch(
        """
        SELECT lane, now(),
               greatest(pruned_before, (SELECT max(pruned_before) FROM lanes WHERE lane >= 0))
          FROM unnest($1::int[], $2::bigint[]) AS mine (lane, epoch)
          JOIN lanes USING (lane, epoch)
         ORDER BY lane
           FOR UPDATE OF lanes
        """,
        list(epochs.keys()),
        list(epochs.values()),
    )
    lost = set(epochs) - {row["lane"] for row in rows}
    return Fence(lost, rows[0][1], max(row[2] for row in rows)) if rows else Fence(lost, None, None)


async def owned(connection: Connection, epochs: Mapping[int, int]) -> bool:
    """Tell whether all lanes are still owned under these epochs; waits for nobody's lock."""
    found = await connection.fetchval(
        """
        SELECT count(*)
          FROM unnest($1::int[], $2::bigint[]) AS mine (lane, epoch) JOIN lanes USING (lane, epoch)
        """,
        list(epochs.keys()),
        list(epochs.values()),
    )
    return bool(found == len(epochs))


async def last_ticks(connection: Connection, lanes: Collection[int]) -> dict[int, datetime]:
    """Give the last ticks of lanes that may be another's."""
    rows = await connection.fetch(
        "SELECT lane, last_tick FROM lanes WHERE lane = ANY($1::int[])", list(lanes)
    )
    return {row["lane"]: row["last_tick"] for row in rows}


async def save_lanes(
    connection: Connection, lanes: Sequence[Lane], holds_active: Mapping[int, int]
) -> dict[int, int]:
    """Move lanes on: ticks, offsets, sequences. One statement, whatever the number of lanes.

    Returns their active holds: `reconcile` may have put them right meanwhile.
    """
    inputs = [
        (lane.lane, topic, next_offset)
        for lane in lanes
        for topic, next_offset in lane.next_offsets.items()
    ]
    outputs = [
        (lane.lane, stream, o.sequence, o.published_sequence, o.published_offset)
        for lane in lanes
        for stream, o in lane.outputs.items()
    ]
    rows = await connection.fetch(
        """
        WITH inputs AS (
            UPDATE lane_inputs AS saved
               SET next_offset = new.next_offset
              FROM unnest($4::text::int[], $5::text::text[], $6::text::bigint[])
                AS new (lane, topic, next_offset)
             WHERE saved.lane = new.lane AND saved.topic = new.topic
               AND saved.next_offset <> new.next_offset
        ), outputs AS (
            UPDATE lane_outputs AS saved
               SET sequence = new.sequence,
                   published_sequence = new.published_sequence,
                   published_offset = new.published_offset
              FROM unnest($7::text::int[], $8::text::text[], $9::text::bigint[],
                          $10::text::bigint[], $11::text::bigint[])
                AS new (lane, stream, sequence, published_sequence, published_offset)
             WHERE saved.lane = new.lane AND saved.stream = new.stream
               AND (saved.sequence, saved.published_sequence)
                   <> (new.sequence, new.published_sequence)
        )
        UPDATE lanes AS saved
           SET last_tick = new.last_tick, holds_active = saved.holds_active + new.holds_active
          FROM unnest($1::text::int[], $2::text::timestamptz[], $3::text::bigint[])
            AS new (lane, last_tick, holds_active)
         WHERE saved.lane = new.lane
        RETURNING saved.lane, saved.holds_active
        """,
        *text_columns(
            [(one.lane, one.last_tick, holds_active.get(one.lane, 0)) for one in lanes], 3
        ),
        *text_columns(inputs, 3),
        *text_columns(outputs, 5),
    )
    return dict(map(tuple, rows))
