"""Lanes taken over: who owns one from now on, how far it has read, and how far it has published."""

from collections.abc import Mapping, Sequence

from db.connect import Connection
from db.lanes import STREAMS, Lane, Output


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
