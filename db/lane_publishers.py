"""Who may still publish for a lane: transactional ids that its next owner has to fence."""

from collections.abc import Iterable

from db.connect import Connection
from db.lanes import Lane


async def note_publisher(
    connection: Connection, lanes: Iterable[Lane], transactional_id: str, lane_prefix: str
) -> set[str]:
    """Note under which id lanes that were just taken will be published, and give those of before.

    Call it in the transaction that takes the lanes: then whoever takes one next hears of this id.
    Workers of before have one id a lane, `lane_prefix` with its number, and note none; an epoch
    that nobody noted may have been such a worker's.
    """
    rows = await connection.fetch(
        """
        WITH mine AS (
            SELECT * FROM unnest($1::int[], $2::bigint[]) AS mine (lane, epoch)
        ), unnoted AS (
            SELECT lane, $4 || lane AS transactional_id, epoch - 1 AS epoch
              FROM mine
             WHERE epoch > 1
               AND NOT EXISTS (SELECT FROM lane_publishers AS one
                                WHERE one.lane = mine.lane AND one.epoch = mine.epoch - 1)
        ), noted AS (
            INSERT INTO lane_publishers AS one (lane, transactional_id, epoch)
            SELECT lane, $3, epoch FROM mine
             UNION ALL
            SELECT lane, transactional_id, epoch FROM unnoted
                ON CONFLICT (lane, transactional_id) DO UPDATE SET epoch = excluded.epoch
        )
        SELECT transactional_id FROM unnoted
         UNION
        SELECT transactional_id FROM lane_publishers JOIN mine USING (lane)
        """,
        *_lanes_and_epochs(lanes),
        transactional_id,
        lane_prefix,
    )
    return {row[0] for row in rows} - {transactional_id}


async def forget_publishers_before(
    connection: Connection, lanes: Iterable[Lane], transactional_id: str
) -> None:
    """Forget those who published before for lanes that are still ours: they are fenced."""
    await connection.execute(
        """
        DELETE FROM lane_publishers AS one
         USING unnest($1::int[], $2::bigint[]) AS mine (lane, epoch) JOIN lanes USING (lane, epoch)
         WHERE one.lane = mine.lane AND one.transactional_id <> $3
        """,
        *_lanes_and_epochs(lanes),
        transactional_id,
    )


def _lanes_and_epochs(lanes: Iterable[Lane]) -> tuple[list[int], list[int]]:
    of_lanes = list(lanes)
    return [one.lane for one in of_lanes], [one.epoch for one in of_lanes]
