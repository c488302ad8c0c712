"""Lanes: who owns one, how far it has read, and how far it has published."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from db.columns import columns
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


async def take_lanes(
    connection: Connection, lanes: Sequence[int], topics: Sequence[str], owner: str
) -> dict[int, Lane]:
    """Become the owner of lanes: from now on no transaction of an earlier owner can commit.

    A transaction of the earlier owner that is under way is waited for, for at most the
    connection's lock_timeout. Raises LockNotAvailableError after that.
    Source: Kafka's documentation of KafkaConsumer, "Storing Offsets Outside Kafka".
    """
    async with connection.transaction():
        await _make_lanes(connection, lanes, topics)
        taken = await _bump_epochs(connection, lanes, owner)
        await _load_inputs(connection, taken, topics)
        await _load_outputs(connection, taken)
    return taken


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


async def owned(connection: Connection, lane: int, epoch: int) -> bool:
    """Tell whether a lane is still owned under this epoch; waits for nobody's lock."""
    asked = "SELECT EXISTS (SELECT FROM lanes WHERE lane = $1 AND epoch = $2)"
    return bool(await connection.fetchval(asked, lane, epoch))


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
              FROM unnest($4::int[], $5::text[], $6::bigint[]) AS new (lane, topic, next_offset)
             WHERE saved.lane = new.lane AND saved.topic = new.topic
               AND saved.next_offset <> new.next_offset
        ), outputs AS (
            UPDATE lane_outputs AS saved
               SET sequence = new.sequence,
                   published_sequence = new.published_sequence,
                   published_offset = new.published_offset
              FROM unnest($7::int[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])
                AS new (lane, stream, sequence, published_sequence, published_offset)
             WHERE saved.lane = new.lane AND saved.stream = new.stream
               AND (saved.sequence, saved.published_sequence)
                   <> (new.sequence, new.published_sequence)
        )
        UPDATE lanes AS saved
           SET last_tick = new.last_tick, holds_active = saved.holds_active + new.holds_active
          FROM unnest($1::int[], $2::timestamptz[], $3::bigint[])
            AS new (lane, last_tick, holds_active)
         WHERE saved.lane = new.lane
        RETURNING saved.lane, saved.holds_active
        """,
        [lane.lane for lane in lanes],
        [lane.last_tick for lane in lanes],
        [holds_active.get(lane.lane, 0) for lane in lanes],
        *columns(inputs, 3),
        *columns(outputs, 5),
    )
    return dict(map(tuple, rows))


async def _make_lanes(connection: Connection, lanes: Sequence[int], topics: Sequence[str]) -> None:
    await connection.execute(
        """
        INSERT INTO lanes (lane, pruned_before)
        SELECT unnest($1::int[]), coalesce((SELECT max(pruned_before) FROM lanes), 'epoch')
        ON CONFLICT DO NOTHING
        """,
        sorted(lanes),
    )
    await connection.execute(
        """
        INSERT INTO lane_inputs (lane, topic, next_offset)
        SELECT lane, topic, -1 FROM unnest($1::int[]) AS lane, unnest($2::text[]) AS topic
        ON CONFLICT DO NOTHING
        """,
        lanes,
        topics,
    )
    await connection.execute(
        """
        INSERT INTO lane_outputs (lane, stream)
        SELECT lane, stream FROM unnest($1::int[]) AS lane, unnest($2::text[]) AS stream
        ON CONFLICT DO NOTHING
        """,
        lanes,
        STREAMS,
    )


async def _bump_epochs(connection: Connection, lanes: Sequence[int], owner: str) -> dict[int, Lane]:
    rows = await connection.fetch(
        """
        WITH locked AS (SELECT lane FROM lanes WHERE lane = ANY($1::int[]) ORDER BY lane FOR UPDATE)
        UPDATE lanes
           SET epoch = epoch + 1, owner = $2, taken_at = now()
          FROM locked
         WHERE lanes.lane = locked.lane
        RETURNING lanes.lane, epoch, last_tick, holds_active
        """,
        lanes,
        owner,
    )
    return {row["lane"]: Lane(**row) for row in rows}


async def _load_inputs(
    connection: Connection, taken: Mapping[int, Lane], topics: Sequence[str]
) -> None:
    # A topic that had another name once still has a row: it is where to go on, should it come back.
    rows = await connection.fetch(
        """
        SELECT lane, topic, next_offset
          FROM lane_inputs
         WHERE lane = ANY($1::int[]) AND topic = ANY($2::text[])
        """,
        list(taken),
        topics,
    )
    for lane, topic, next_offset in rows:
        taken[lane].next_offsets[topic] = next_offset


async def _load_outputs(connection: Connection, taken: Mapping[int, Lane]) -> None:
    rows = await connection.fetch(
        """
        SELECT lane, stream, output.sequence, published_sequence, published_offset,
               coalesce(pruned.sequence, 0)
          FROM lane_outputs AS output
          LEFT JOIN pruned_journal AS pruned USING (lane, stream)
         WHERE lane = ANY($1::int[])
        """,
        list(taken),
    )
    for lane, stream, *numbers in rows:
        taken[lane].outputs[stream] = Output(*numbers)
