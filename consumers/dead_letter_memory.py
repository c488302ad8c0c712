"""What a lane's last owner had seen of dead letters: a restart does not forget them."""

from collections.abc import Collection

from asyncpg import Pool

from consumers.dead_letter_limit import WINDOW_RECORDS, Place, Seen, remembered
from db.journal import last_bad_offsets
from db.lanes import Lane


async def seen_before(pool: Pool, lanes: Collection[Lane]) -> dict[Place, Seen]:
    """Give what the journal has of the records before the lanes' offsets, by partition.

    What is no dead letter there counts as good: of records that transactions parted by markers,
    fewer in a row are remembered than there were.
    """
    async with pool.acquire() as connection:
        found = await last_bad_offsets(connection, [lane.lane for lane in lanes], WINDOW_RECORDS)
    bad: dict[Place, list[int]] = {}
    for lane, topic, offset in found:
        bad.setdefault((lane, topic), []).append(offset)
    return {
        (lane.lane, topic): _remembered(next_offset, bad.get((lane.lane, topic), ()))
        for lane in lanes
        for topic, next_offset in lane.next_offsets.items()
    }


def _remembered(next_offset: int, bad: Collection[int]) -> Seen:
    # After a rewind the same one may be there twice.
    return remembered(next_offset, sorted({offset for offset in bad if offset < next_offset}))
