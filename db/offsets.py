"""The stored offsets: how far each lane has read each input topic, to be seen and to be moved."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from db.connect import Connection
from db.lanes import save_lanes
from db.taking_lanes import take_lanes


class StoredOffset(NamedTuple):
    """A lane's place in one input topic, and whose the lane is. -1: nothing was ever read."""

    lane: int
    topic: str
    next_offset: int
    epoch: int
    owner: str


async def stored_offsets(connection: Connection) -> list[StoredOffset]:
    """Give all of them, by lane and topic."""
    rows = await connection.fetch(
        """
        SELECT lane, topic, next_offset, epoch, owner
          FROM lane_inputs
          JOIN lanes USING (lane)
         ORDER BY lane, topic
        """
    )
    return [StoredOffset(*row) for row in rows]


async def move_offsets(
    connection: Connection,
    places: Mapping[tuple[int, str], int],
    *,
    topics: Sequence[str],
    by: str,
) -> None:
    """Set the next offsets of (lane, topic), all or none, and fence whoever owns the lanes.

    The lanes get a new epoch, as by a take-over: a batch that an owner has in hand cannot commit
    any more, so no offset of its can overwrite these; it takes its lanes over again, from here.
    Raises LockNotAvailableError where an owner's transaction does not end.
    """
    async with connection.transaction():
        lanes = await take_lanes(connection, sorted({lane for lane, _ in places}), topics, by)
        for (lane, topic), next_offset in places.items():
            lanes[lane].next_offsets[topic] = next_offset
        await save_lanes(connection, list(lanes.values()), {})
